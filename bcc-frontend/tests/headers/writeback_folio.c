// absent: folio
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/page-flags.h>
int f(struct pt_regs *ctx, struct folio *folio) { struct page *p = folio_page(folio, 0); return folio->mapping != 0 && p != 0; }
