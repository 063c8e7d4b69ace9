struct point { int x, y; };
BPF_HASH(h, struct point, struct point);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct point *found;

	h.update(&(struct point){ 1, 2 }, &(struct point){ .x = 3, .y = 4 });
	found = h.lookup(&(struct point){ 1, 2 });
	return found ? found->x * 10 + found->y : -1;
}
