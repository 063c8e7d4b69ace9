BPF_HASH(h, u32, struct unknown);
TRACEPOINT_PROBE(sched, sched_swich)
{
	return args->prev_pid;
}
