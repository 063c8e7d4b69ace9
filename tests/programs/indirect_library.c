/* A function whose implementation is chosen when a program is linked, counting its own calls. */
static int counted;

__attribute__((noinline)) static int first_choice(int value) { return value + ++counted; }
__attribute__((noinline)) static int second_choice(int value) { return value - ++counted; }

static int (*choose(void))(int)
{
	volatile int which = 2;
	return which == 1 ? first_choice : second_choice;
}

int chosen(int) __attribute__((ifunc("choose")));

int calls(void) { return counted; }
void *implementation(void) { return (void *)second_choice; }
