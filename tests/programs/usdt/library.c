/* A probe without a semaphore, in a shared library, at two places. */
#include <stdio.h>
#include <sys/sdt.h>

void library_probe(long value)
{
	if (value & 1) {
		STAP_PROBE2(library, called, value, (short)-3);
		printf("called %ld %d\n", value, -3);
	} else {
		STAP_PROBE2(library, called, value * 2, (short)value);
		printf("called %ld %d\n", value * 2, (short)value);
	}
}
