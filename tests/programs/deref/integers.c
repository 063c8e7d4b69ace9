#include <linux/sched.h>
BPF_ARRAY(out, u64, 3);
struct pair { u64 first, second; };

int prog(struct pt_regs *ctx)
{
	/* As older compilers took it, with a warning. */
	struct pair *pair = PT_REGS_PARM1(ctx);
	struct task_struct *task;
	u64 value = pair->second, copy[2];

	out.update(&(int){0}, &value);
	task = bpf_get_current_task();
	value = task->tgid;
	out.update(&(int){1}, &value);
	bpf_probe_read_user(copy, sizeof(copy), PT_REGS_PARM1(ctx));
	out.update(&(int){2}, &copy[0]);
	return 0;
}
