#include <uapi/linux/ptrace.h>
BPF_ARRAY(out, u64, 8);

struct text { char chars[16]; };
BPF_ARRAY(texts, struct text, 2);

int on_probe(struct pt_regs *ctx)
{
	u64 first = 0;
	int second = 0;
	struct text text = {};
	u16 wrong = 0;
	int at = 0;
	u64 v;

	v = bpf_usdt_readarg(1, ctx, &first);
	v = first;
	out.update(&at, &v);
	at = 1;
	bpf_usdt_readarg(2, ctx, &second);
	v = second;
	out.update(&at, &v);
	at = 2;
	v = (s64)bpf_usdt_readarg(1, ctx, &wrong);
	out.update(&at, &v);
	at = 0;
	bpf_usdt_readarg_p(3, ctx, &text.chars, sizeof(text.chars));
	texts.update(&at, &text);
	return 0;
}
