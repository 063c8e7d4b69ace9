#include <linux/mm.h>
int f(struct pt_regs *ctx, struct vm_area_struct *vma)
{
	unsigned long flags = vma->vm_flags;
	return (flags & (VM_READ | VM_WRITE | VM_EXEC)) == VM_ACCESS_FLAGS && !(flags & VM_LOCKED_MASK);
}
