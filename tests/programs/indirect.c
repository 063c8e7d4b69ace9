/* Calls `chosen` and strlen as often as its input says, and prints where they are and how often. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int chosen(int);
int calls(void);
void *implementation(void);

int main(void)
{
	static char text[16] = "text";
	size_t (*volatile length)(const char *) = strlen;
	char line[16];
	int sum = 0;

	printf("chosen %p\n", implementation());
	printf("strlen %p\n", (void *)length);
	printf("text %p\n", (void *)text);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		for (int count = atoi(line); count > 0; count--)
			sum += chosen(count) + length(text);
		printf("chosen %p\n", implementation());
		printf("calls 0x%x\n", calls());
		fflush(stdout);
	}
	return sum & 1;
}
