KMOD_RET(security_file_ioctl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	if (bpf_get_current_pid_tgid() >> 32 == PID && cmd == 0x1234)
		return -(int)arg;
	return 0;
}
