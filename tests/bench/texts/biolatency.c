#include <uapi/linux/ptrace.h>
#include <linux/blk-mq.h>

struct key_t {
    u64 flags;
    u64 slot;
};
BPF_HASH(start, struct request *);
BPF_HISTOGRAM(dist, struct key_t);

int on_start(struct pt_regs *ctx, struct request *req)
{
    u64 at = bpf_ktime_get_ns();
    start.update(&req, &at);
    return 0;
}

int on_done(struct pt_regs *ctx, struct request *req)
{
    u64 *since = start.lookup(&req);
    if (!since)
        return 0;
    u64 delta = bpf_ktime_get_ns() - *since;
    struct key_t key = {.flags = req->cmd_flags, .slot = bpf_log2l(delta / 1000)};
    dist.atomic_increment(key);
    start.delete(&req);
    return 0;
}
