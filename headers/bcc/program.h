/* Macros that define programs. */
#pragma once

#define TRACEPOINT_PROBE(category, event) \
	struct tracepoint__##category##__##event; \
	int tracepoint__##category##__##event(struct tracepoint__##category##__##event *args)

/* The kernel's ABI; written out because the macro hides the name from whoever looks for it. */
#ifndef __BCC_REAL_HEADERS__
struct bpf_raw_tracepoint_args {
	__u64 args[0];
};
#endif

#define RAW_TRACEPOINT_PROBE(event) \
	int raw_tracepoint__##event(struct bpf_raw_tracepoint_args *ctx)

/* A program whose context is an array of 64-bit arguments: the outer function takes the array, the
 * inner one, which is the user's body, takes the arguments.
 */
#define BCC_ARG_COUNT(...) \
	BCC_ARG_COUNT_(0, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define BCC_ARG_COUNT_(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, N, ...) N
#define BCC_CTX_ARGS0
#define BCC_CTX_ARGS1 , (void *)ctx[0]
#define BCC_CTX_ARGS2 BCC_CTX_ARGS1, (void *)ctx[1]
#define BCC_CTX_ARGS3 BCC_CTX_ARGS2, (void *)ctx[2]
#define BCC_CTX_ARGS4 BCC_CTX_ARGS3, (void *)ctx[3]
#define BCC_CTX_ARGS5 BCC_CTX_ARGS4, (void *)ctx[4]
#define BCC_CTX_ARGS6 BCC_CTX_ARGS5, (void *)ctx[5]
#define BCC_CTX_ARGS7 BCC_CTX_ARGS6, (void *)ctx[6]
#define BCC_CTX_ARGS8 BCC_CTX_ARGS7, (void *)ctx[7]
#define BCC_CTX_ARGS9 BCC_CTX_ARGS8, (void *)ctx[8]
#define BCC_CTX_ARGS10 BCC_CTX_ARGS9, (void *)ctx[9]
#define BCC_CTX_ARGS11 BCC_CTX_ARGS10, (void *)ctx[10]
#define BCC_CTX_ARGS12 BCC_CTX_ARGS11, (void *)ctx[11]
#define BCC_PASTE(a, b) BCC_PASTE_(a, b)
#define BCC_PASTE_(a, b) a##b

#define BPF_PROG(name, args...) \
	int name(unsigned long long *ctx); \
	static __always_inline int ____##name(unsigned long long *ctx, ##args); \
	int name(unsigned long long *ctx) \
	{ \
		_Pragma("clang diagnostic push") \
		_Pragma("clang diagnostic ignored \"-Wint-conversion\"") \
		return ____##name(ctx BCC_PASTE(BCC_CTX_ARGS, BCC_ARG_COUNT(args))); \
		_Pragma("clang diagnostic pop") \
	} \
	static __always_inline int ____##name(unsigned long long *ctx, ##args)

#define BTF_TRACEPOINT_PROBE(event, args...) BPF_PROG(btf_tracepoint__##event, ##args)
#define KFUNC_PROBE(function, args...) BPF_PROG(kfunc__vmlinux__##function, ##args)
#define KRETFUNC_PROBE(function, args...) BPF_PROG(kretfunc__vmlinux__##function, ##args)
#define MODULE_KFUNC_PROBE(module, function, args...) \
	BPF_PROG(kfunc__##module##__##function, ##args)
#define MODULE_KRETFUNC_PROBE(module, function, args...) \
	BPF_PROG(kretfunc__##module##__##function, ##args)
#define KMOD_RET(function, args...) BPF_PROG(kmod_ret__##function, ##args)
#define LSM_PROBE(hook, args...) BPF_PROG(lsm__##hook, ##args)
#define BPF_STRUCT_OPS(type, member, args...) BPF_PROG(struct_ops__##type##__##member, ##args)
#define BPF_ITER(target) \
	struct bpf_iter__##target; \
	int bpf_iter__##target(struct bpf_iter__##target *ctx)
