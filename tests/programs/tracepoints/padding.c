BPF_HASH(out, u32, u64);

TRACEPOINT_PROBE(sched, sched_process_exec)
{
	u32 key = 0;
	u64 v = offsetof(struct tracepoint__sched__sched_process_exec, pid);

	if (bpf_get_current_pid_tgid() >> 32 != CHILD)
		return 0;
	out.update(&key, &v);
	key = 1;
	v = args->pid;
	out.update(&key, &v);
	key = 2;
	v = args->old_pid;
	out.update(&key, &v);
	key = 3;
	v = (u32)args->data_loc_filename >> 16;
	out.update(&key, &v);
	return 0;
}
