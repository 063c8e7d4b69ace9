/* Goes a way through two functions, as the bits of its input say, and ends in `leaf`, at a probe. */
#include <stdio.h>
#include <sys/sdt.h>
#include <unistd.h>

__attribute__((noinline)) int leaf(unsigned long way)
{
	DTRACE_PROBE1(stacks, leaf, way);
	/* A function that calls none has no frame. */
	return (int)way + getppid();
}

int left(unsigned long way, int depth);
int right(unsigned long way, int depth);

static inline __attribute__((always_inline)) int step(unsigned long way, int depth)
{
	if (depth == 0)
		return leaf(way) + 1;
	return (way >> (depth - 1) & 1 ? right(way, depth - 1) : left(way, depth - 1)) + 1;
}

__attribute__((noinline)) int left(unsigned long way, int depth) { return step(way, depth); }
__attribute__((noinline)) int right(unsigned long way, int depth) { return step(way, depth); }

int main(void)
{
	unsigned long first, count;
	int depth, sum = 0;

	printf("leaf %p\n", (void *)leaf);
	fflush(stdout);
	while (scanf("%lu %lu %d", &first, &count, &depth) == 3) {
		for (unsigned long way = first; way < first + count; way++)
			sum += step(way, depth);
		/* The last way, outermost first. */
		printf("main");
		for (int at = depth; at > 0; at--)
			printf(";%s", (first + count - 1) >> (at - 1) & 1 ? "right" : "left");
		printf(";leaf\n");
		fflush(stdout);
	}
	return sum & 1;
}
