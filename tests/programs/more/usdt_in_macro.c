#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 8);

struct text { char chars[16]; };
BPF_ARRAY(texts, struct text, 2);

#define ARGUMENT(n, to) bpf_usdt_readarg(n, ctx, &to)
#define TEXT(n, to) bpf_usdt_readarg_p(n, ctx, &to, sizeof(to))
#define KEEP(n, type) do { \
	type argument = 0; \
	u64 v; \
	ARGUMENT(n, argument); \
	v = argument; \
	out.update(&at, &v); \
} while (0)

int on_probe(struct pt_regs *ctx)
{
	struct text text = {};
	u16 wrong = 0;
	int at = 0;
	u64 v;

	KEEP(1, u64);
	at = 1;
	KEEP(2, int);
	at = 2;
	v = (s64)ARGUMENT(1, wrong);
	out.update(&at, &v);
	at = 0;
	TEXT(3, text.chars);
	texts.update(&at, &text);
	return 0;
}
