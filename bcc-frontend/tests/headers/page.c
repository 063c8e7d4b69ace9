#include <linux/mm_types.h>
#include <linux/mm.h>
#include <linux/fs.h>
int f(struct pt_regs *ctx, struct page *page, struct address_space *mapping) { return page->mapping == mapping && mapping->host->i_ino; }
