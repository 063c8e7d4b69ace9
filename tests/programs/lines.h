static inline __attribute__((always_inline)) int inlined_function(int value)
{
	__asm__ volatile("nop; inner_place: nop; .globl inner_place" : "+r"(value));
	return value * 7;
}
