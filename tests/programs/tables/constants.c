struct pair { u64 a, b; };
enum { SLOTS = 6 };
BPF_ARRAY(by_define, u64, N);
BPF_ARRAY(by_shift, u64, 1 << 4);
BPF_ARRAY(by_sizeof, u64, sizeof(struct pair) * 2);
BPF_ARRAY(by_enum, u64, SLOTS + 1);
BPF_ARRAY(by_power, u64, roundup_pow_of_two(100));
BPF_TABLE("hash", u32, u64, by_condition, PAGE_SIZE == 4096 ? 11 : 12);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	by_define.increment(0);
	by_shift.increment(0);
	by_sizeof.increment(0);
	by_enum.increment(0);
	by_power.increment(0);
	by_condition.increment(0);
	return 0;
}
