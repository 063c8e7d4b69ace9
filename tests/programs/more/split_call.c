BPF_HASH(h, u32, u64);

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 1;
	u64 v = 2, *found;

	h
		. update ( & key ,
			& v
		) ;
	found = h /* a comment, with (brackets */ .lookup(&key);
	return found ? *found : -1;
}
