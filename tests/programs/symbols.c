/* Prints where its functions are, then waits for its input to end. */
#include <stdio.h>
#include <unistd.h>

__attribute__((noinline)) static int hidden_function(int value) { return value * 3 + getppid(); }
__attribute__((noinline)) int public_function(int value) { return hidden_function(value) + 1; }

int main(void)
{
	printf("hidden_function %p\n", (void *)hidden_function);
	printf("public_function %p\n", (void *)public_function);
	printf("main %p\n", (void *)main);
	fflush(stdout);
	char c;
	while (read(0, &c, 1) == 1)
		public_function(c);
	return 0;
}
