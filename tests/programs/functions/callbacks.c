BPF_HASH(h, u32, u64);
BPF_ARRAY(out, u64, 4);

struct total { u64 sum, calls; };

static long each_step(u32 i, struct total *t)
{
	t->sum += i;
	t->calls++;
	return t->calls == 20;
}

static long each_element(void *map, u32 *key, u64 *leaf, struct total *t)
{
	t->sum += *key * *leaf;
	t->calls++;
	return 0;
}

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	struct total steps = {}, elements = {};

	bpf_loop(100, each_step, &steps, 0);
	put(0, steps.sum);
	put(1, steps.calls);
	bpf_for_each_map_elem(&h, each_element, &elements, 0);
	put(2, elements.sum);
	put(3, elements.calls);
	return 0;
}
