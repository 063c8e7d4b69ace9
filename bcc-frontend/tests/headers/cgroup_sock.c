#include <linux/bpf.h>
int f(struct bpf_sock_addr *ctx) { return ctx->user_port == htons(80) && ctx->type == SOCK_STREAM; }
