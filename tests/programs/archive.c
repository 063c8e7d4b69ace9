/* Maps part of a file and calls into it: archive.c FILE OFFSET LENGTH FUNCTION_OFFSET. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	int fd = open(argv[1], O_RDONLY);
	char *base = mmap(NULL, atol(argv[3]), PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, atol(argv[2]));
	if (base == MAP_FAILED)
		return 1;
	char *function = base + strtol(argv[4], NULL, 16);
	printf("returned_%d %p\n", ((int (*)(void))function)(), (void *)function);
	fflush(stdout);
	char c;
	while (read(0, &c, 1) == 1)
		;
	return 0;
}
