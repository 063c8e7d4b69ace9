BPF_ARRAY(out, u64, 10);

static void put(int at, u64 v)
{
	out.update(&at, &v);
}

int prog(struct bpf_raw_tracepoint_args *ctx)
{
	u64 v = ctx->args[0];
	unsigned __int128 wide = ((unsigned __int128)1 << 64) | v;

	put(0, bpf_ntohs(v));
	put(1, bpf_htons(v));
	put(2, bpf_ntohl(v));
	put(3, bpf_htonl(v));
	put(4, bpf_ntohll(v));
	put(5, bpf_htonll(v));
	put(6, bpf_ntoh128(wide));
	put(7, bpf_ntoh128(wide) >> 64);
	put(8, bpf_hton128(wide));
	put(9, ntohs(v) + (u64)htonl(v));
	return 0;
}
