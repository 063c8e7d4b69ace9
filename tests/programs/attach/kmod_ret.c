int kmod_ret__security_file_ioctl(u64 *ctx)
{
	return bpf_get_current_pid_tgid() >> 32 == PID && (u32)ctx[1] == 0x1234 ? -88 : 0;
}
