BPF_CGROUP_ARRAY(groups, 2);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	return groups.check_current_task(1);
}
