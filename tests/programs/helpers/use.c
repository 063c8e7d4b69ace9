struct name { char text[16]; };
BPF_HASH(names, u32, struct name);
BPF_ARRAY(out, u64, 16);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct name name = {};
	u32 key = 0;
	char number[8] = "12345";
	long parsed = 0;

	put(0, bpf_get_current_pid_tgid());
	put(1, bpf_get_current_uid_gid());
	put(2, bpf_ktime_get_ns());
	put(3, bpf_get_smp_processor_id());
	put(4, bpf_ktime_get_boot_ns());
	put(5, bpf_jiffies64());
	put(6, bpf_get_current_cgroup_id());
	put(7, bpf_get_numa_node_id());
	put(8, bpf_get_prandom_u32());
	bpf_get_current_comm(name.text, sizeof(name.text));
	names.update(&key, &name);
	return 0;
}
