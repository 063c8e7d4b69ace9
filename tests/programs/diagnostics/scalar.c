int scalar __attribute__((section("maps/hash")));
int prog(struct bpf_raw_tracepoint_args *ctx) { return 0; }
