/* Where the kernel puts variables is not known before the program is loaded. */
int counter;

const char *string = "abc";
static int *number = &counter;
struct named { int number; const char *name; };

struct named member = { 1, "def" };

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	static const char *last = "none";
	struct task_struct *task = (void *)bpf_get_current_task();
	int sum = *string + *number + *member.name + *last + member.number++;

	string = last = member.name = task->comm;
	number = &task->tgid;
	return sum;
}
