// cflags: -DCTXTYPE=xdp_md -DRETURNCODE=XDP_DROP
#include <uapi/linux/bpf.h>
int prog(struct CTXTYPE *ctx) { return ctx->data_end - ctx->data > 10 ? RETURNCODE : XDP_PASS; }
