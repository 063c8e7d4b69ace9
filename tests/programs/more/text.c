BPF_HASH(h, u32, u64);

/* h.increment(1) in a comment is nothing: ünïcödé */
int prog(struct bpf_raw_tracepoint_args *ctx)
{
	char text[] = "h.increment(2); \" h.lookup(";
	// h.delete(&x)
	u32 key = sizeof(text);

	h.increment(key);
	return key;
}
