/*
 * Fires probes for each line of its input and prints what it gave them:
 * "probe value..." per firing, then "." when the line is done.
 */
#define _SDT_HAS_SEMAPHORES 1
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sdt.h>

__extension__ unsigned short args_counted_semaphore __attribute__((unused, section(".probes")));
#define UNUSED_SEMAPHORE(name) \
	__extension__ unsigned short args_##name##_semaphore __attribute__((unused, section(".probes")))
UNUSED_SEMAPHORE(signed_ones);
UNUSED_SEMAPHORE(unsigned_ones);
UNUSED_SEMAPHORE(memory);
UNUSED_SEMAPHORE(places);
UNUSED_SEMAPHORE(constants);

void library_probe(long value);

struct record { int8_t tiny; uint16_t small; int32_t medium; uint64_t large; char text[16]; };
static struct record records[4];
static int64_t table[8] = { 1, -2, 3, -4, 5, -6, 7, -8 };
static volatile uint32_t global;

static __attribute__((always_inline)) inline void fire(int64_t value, int32_t kind)
{
	DTRACE_PROBE2(args, places, value, kind);
	printf("places %ld %d\n", (long)value, kind);
}

static __attribute__((noinline)) void registers(long n)
{
	int8_t i8 = (int8_t)n; int16_t i16 = (int16_t)(n * 3); int32_t i32 = (int32_t)(n * 70001); int64_t i64 = n << 40;
	uint8_t u8 = (uint8_t)n; uint16_t u16 = (uint16_t)(n * 3); uint32_t u32 = (uint32_t)(n * 70001); uint64_t u64 = (uint64_t)n << 40;

	DTRACE_PROBE4(args, signed_ones, i8, i16, i32, i64);
	printf("signed_ones %d %d %d %ld\n", i8, i16, i32, (long)i64);
	DTRACE_PROBE4(args, unsigned_ones, u8, u16, u32, u64);
	printf("unsigned_ones %u %u %u %lu\n", u8, u16, u32, (unsigned long)u64);
	DTRACE_PROBE4(args, constants, 42, -7, 1L << 33, (uint8_t)200);
	printf("constants %d %d %ld %u\n", 42, -7, 1L << 33, 200);
}

static __attribute__((noinline)) void memory(struct record *record, unsigned index)
{
	DTRACE_PROBE5(args, memory, record->tiny, record->medium, table[index], global, record->text);
	printf("memory %d %d %ld %u %s\n", record->tiny, record->medium, (long)table[index], global, record->text);
}

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		long n = atol(line);
		struct record *record = &records[n & 3];

		*record = (struct record){ .tiny = (int8_t)-n, .small = 9, .medium = (int32_t)-n * 100000, .large = n };
		snprintf(record->text, sizeof(record->text), "text%ld", n & 0xffff);
		global = (uint32_t)n * 5;
		registers(n);
		memory(record, n & 7);
		fire(n, 1);
		fire(n * -2, 2);
		fire(table[n & 7], (int32_t)n);
		if (args_counted_semaphore) {
			DTRACE_PROBE1(args, counted, n);
			printf("counted %ld\n", n);
		}
		library_probe(n + 1);
		printf(".\n");
		fflush(stdout);
	}
	return 0;
}
