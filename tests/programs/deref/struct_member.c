#include <linux/sched.h>
BPF_ARRAY(out, u64, 4);

struct holder { int tag; struct task_struct *task; struct { struct mm_struct *mm; } in; };

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

static int through(struct holder *h)
{
	return h->task->tgid;
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct holder h = {}, *p = &h, copy;

	h.task = (struct task_struct *)bpf_get_current_task();
	p->in.mm = h.task->mm;
	put(0, h.task->tgid);
	put(1, p->in.mm->total_vm);
	put(2, through(&h));
	copy = h;
	put(3, copy.task->tgid);
	return 0;
}
