#include <linux/nothing.h>
int f(void *ctx) { return 0; }
