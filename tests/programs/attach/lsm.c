int lsm__task_setnice(u64 *ctx)
{
	return bpf_get_current_pid_tgid() >> 32 == PID ? -13 : 0;
}
