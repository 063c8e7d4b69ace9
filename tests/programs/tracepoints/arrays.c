struct name { char text[16]; };
BPF_HASH(out, u32, u64);
BPF_HASH(names, u32, struct name);

TRACEPOINT_PROBE(task, task_rename)
{
	struct name name = {};
	u32 key = 0;
	u64 v = args->pid;

	if (bpf_get_current_pid_tgid() >> 32 != PID)
		return 0;
	out.update(&key, &v);
	bpf_probe_read_kernel(&name, sizeof(name), args->newcomm);
	names.update(&key, &name);
	key = 1;
	v = (u16)args->oom_score_adj;
	out.update(&key, &v);
	return 0;
}
