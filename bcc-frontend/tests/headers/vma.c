#include <linux/mm.h>
int f(struct pt_regs *ctx, struct vm_area_struct *vma, unsigned long address) { return vma->vm_end - vma->vm_start + (address & PAGE_MASK) + vma->vm_file->f_inode->i_ino; }
