/* Pointers to own memory that become pointers into the kernel's. */
const char letter = 'g';
static const char *never = &letter;

static struct task_struct *current_task(void)
{
	return (void *)bpf_get_current_task();
}

int global(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = current_task();
	const char *p = &letter;

	if (ctx->args[0])
		p = task->comm;
	return *p;
}

int stack(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = current_task();
	char own = 's', *p = &own;

	if (ctx->args[0])
		p = task->comm;
	return *p;
}

int literal(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = current_task();
	const char *p = "l";
	int first = *p;

	if (ctx->args[0]) {
		p = task->comm;
		first = *p;
	}
	return first;
}

int never_assigned(struct bpf_raw_tracepoint_args *ctx)
{
	return *never;
}
