struct event_t {
    u64 at;
    u32 pid;
};
BPF_PERF_OUTPUT(events);

int on_call(void *ctx)
{
    struct event_t event = {.at = bpf_ktime_get_ns(), .pid = bpf_get_current_pid_tgid()};
    events.perf_submit(ctx, &event, sizeof(event));
    return 0;
}
