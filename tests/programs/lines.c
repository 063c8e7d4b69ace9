/* Prints addresses within an inlined and a plain function, and the lines they are on. */
#include <stdio.h>
#include <unistd.h>
#include "lines.h"

extern char inner_place[], outer_place[];

__attribute__((noinline)) int outer_function(int value)
{
	value = inlined_function(value + getppid());
	__asm__ volatile("nop; outer_place: nop; .globl outer_place" : "+r"(value)); const int outer_line = __LINE__;
	return value + outer_line;
}

int main(void)
{
	int sum = outer_function(1);
	printf("inlined_function %p\n", (void *)inner_place);
	printf("outer_function %p\n", (void *)outer_place);
	printf("main %p\n", (void *)main);
	fflush(stdout);
	char c;
	while (read(0, &c, 1) == 1)
		sum += c;
	return sum & 1;
}
