typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef int pid_t;
typedef _Bool bool;
#define LINUX_VERSION_CODE 0x60c00
#define TASK_COMM_LEN 16
struct task_struct {
	int pid;
	struct task_struct *real_parent;
	char comm[TASK_COMM_LEN];
};
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
struct __sk_buff {
	u32 len;
};
struct tracepoint__sched__sched_switch {
	u64 __do_not_use__;
	char prev_comm[16];
	pid_t prev_pid;
	int data_loc_name;
};
