/*
 * Fires a probe with floating-point numbers for each line of its input, and prints what it gave it.
 * STAP_SDT_ARG_CONSTRAINT says where the compiler may leave them; `norx` allows vector registers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/sdt.h>

static volatile double global;
static double table[8] = { 1.5, -2.25, 3e300, -4e-300, 0.1, -0.0, 7, 8 };

__attribute__((noinline)) static void fire(double wide, float narrow, const double *from, unsigned index)
{
	DTRACE_PROBE4(floats, all, wide, narrow, from[index], global);
}

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		double wide = atof(line);
		float narrow = (float)wide / 3;
		unsigned index = (unsigned)abs((int)wide) & 7;

		global = wide * 1e10;
		fire(wide, narrow, table, index);
		printf("%a %a %a %a\n", wide, narrow, table[index], global);
		fflush(stdout);
	}
	return 0;
}
