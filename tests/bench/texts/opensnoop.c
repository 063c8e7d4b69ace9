#include <uapi/linux/ptrace.h>
#include <uapi/linux/limits.h>
#include <linux/fcntl.h>
#include <linux/sched.h>

struct begun_t {
    const char *name;
    int flags;
};
struct event_t {
    u64 at;
    u32 pid;
    u32 uid;
    int ret;
    int flags;
    char comm[TASK_COMM_LEN];
    char name[NAME_MAX];
};
BPF_HASH(begun, u64, struct begun_t);
BPF_PERF_OUTPUT(events);

int on_enter(struct pt_regs *ctx, int dfd, const char *name, int flags)
{
    u64 id = bpf_get_current_pid_tgid();
    struct begun_t value = {.name = name, .flags = flags};
    begun.update(&id, &value);
    return 0;
}

int on_return(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    struct begun_t *value = begun.lookup(&id);
    if (!value)
        return 0;
    struct event_t event = {};
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    bpf_probe_read_user_str(&event.name, sizeof(event.name), value->name);
    event.at = bpf_ktime_get_ns() / 1000;
    event.pid = id >> 32;
    event.uid = bpf_get_current_uid_gid();
    event.flags = value->flags;
    event.ret = PT_REGS_RC(ctx);
    events.perf_submit(ctx, &event, sizeof(event));
    begun.delete(&id);
    return 0;
}
