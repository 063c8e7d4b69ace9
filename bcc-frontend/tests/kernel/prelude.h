typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
#define NULL ((void *)0)
#define SEC(name) __attribute__((section(name), used))
#define MAP(kind, K, L, NAME, N) \
  struct NAME##_table_t { K key; L leaf __attribute__((aligned(8))); \
    u32 max_entries __attribute__((aligned(8))); u32 flags; }; \
  __attribute__((section("maps/" kind))) struct NAME##_table_t NAME = { .max_entries = (N) }
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static long (*bpf_probe_read)(void *dst, u32 size, const void *src) = (void *)4;
static u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static long (*bpf_trace_printk_)(const char *fmt, int size, ...) = (void *)6;
static u64 (*bpf_get_current_pid_tgid)(void) = (void *)14;
static long (*bpf_get_current_comm)(void *buf, int size) = (void *)16;
static u64 (*bpf_get_current_task)(void) = (void *)35;
static long (*bpf_loop)(u32 n, void *callback, void *ctx, u64 flags) = (void *)181;
struct pt_regs { unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di,
  orig_ax, ip, cs, flags, sp, ss; };
struct bpf_raw_tracepoint_args { u64 args[0]; };
char _license[] SEC("license") = "GPL";
u32 _version SEC("version") = 0x60100;
