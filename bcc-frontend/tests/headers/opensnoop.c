#include <uapi/linux/ptrace.h>
#include <uapi/linux/limits.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
struct val_t { u64 id; char comm[TASK_COMM_LEN]; const char *fname; int flags; };
struct data_t { u64 id; u64 ts; u32 uid; int ret; char comm[TASK_COMM_LEN]; char fname[NAME_MAX]; int flags; };
BPF_HASH(infotmp, u64, struct val_t);
BPF_PERF_OUTPUT(events);
int trace_open(struct pt_regs *ctx, int dfd, const char *filename, int flags)
{
	struct val_t v = {};
	u64 id = bpf_get_current_pid_tgid();
	if (!(flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
		return 0;
	if (bpf_get_current_comm(&v.comm, sizeof(v.comm)) == 0) {
		v.id = id;
		v.fname = filename;
		infotmp.update(&id, &v);
	}
	return 0;
}
