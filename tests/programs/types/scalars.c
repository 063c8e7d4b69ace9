BPF_HASH(h_char, u32, char);
BPF_HASH(h_s8, u32, signed char);
BPF_HASH(h_u8, u32, u8);
BPF_HASH(h_s16, u32, short);
BPF_HASH(h_u16, u32, u16);
BPF_HASH(h_s32, u32, int);
BPF_HASH(h_u32, u32, unsigned int);
BPF_HASH(h_s64, u32, s64);
BPF_HASH(h_u64, u32, u64);
BPF_HASH(h_long, u32, long);
BPF_HASH(h_bool, u32, _Bool);
BPF_HASH(h_size, u32, size_t);
BPF_HASH(h_pid, u32, pid_t);

#define PUT(h, type, value) do { \
	u32 key_ = 1; \
	type leaf_ = value; \
	h.update(&key_, &leaf_); \
} while (0)

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	PUT(h_char, char, 'c');
	PUT(h_s8, signed char, -3);
	PUT(h_u8, u8, 200);
	PUT(h_s16, short, -300);
	PUT(h_u16, u16, 60000);
	PUT(h_s32, int, -70000);
	PUT(h_u32, unsigned int, 4000000000u);
	PUT(h_s64, s64, -5000000000ll);
	PUT(h_u64, u64, 1ull << 63);
	PUT(h_long, long, -6);
	PUT(h_bool, _Bool, 1);
	PUT(h_size, size_t, 17);
	PUT(h_pid, pid_t, -1);
	return 0;
}
