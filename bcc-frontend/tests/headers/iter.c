#include <linux/bpf.h>
#include <linux/seq_file.h>
#include <linux/sched.h>
BPF_ITER(task)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	return task == (void *)0 ? 0 : task->pid + seq->count;
}
