/* Calls a function that begins with a vector instruction, and prints what it returned (0x2a). */
#include <stdio.h>

long vector_first(long value);

/* vpcmpeqb sets all bits; the argument chooses among them. */
__asm__(".text\n.globl vector_first\n.type vector_first, @function\n"
	"vector_first:\n\tvpcmpeqb %xmm0, %xmm0, %xmm0\n\tvmovq %xmm0, %rax\n\tand %rdi, %rax\n\tret\n"
	".size vector_first, . - vector_first\n");

int main(void)
{
	char line[8];

	printf("vector_first %p\n", (void *)vector_first);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		__asm__ volatile("vpxor %%xmm0, %%xmm0, %%xmm0" ::: "xmm0");
		printf("returned 0x%lx\n", vector_first(42));
		fflush(stdout);
	}
	return 0;
}
