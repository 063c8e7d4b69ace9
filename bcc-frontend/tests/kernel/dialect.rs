//! Texts of the dialect through all stages, in the running kernel.

use crate::support::{load_dialect, thread_id};
use bcc_sys::bpf::ProgType;

#[test]
fn a_kprobe_reads_its_arguments_and_counts() {
    let module = load_dialect(
        r#"
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
#include <linux/fs.h>
struct key_t { u32 pid; char comm[TASK_COMM_LEN]; };
BPF_HASH(counts, struct key_t, u64);
int kprobe__vfs_read(struct pt_regs *ctx, struct file *file, char __user *buf, size_t count) {
    struct key_t key = {};
    key.pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&key.comm, sizeof(key.comm));
    if (!(file->f_mode & FMODE_READ)) return 0;
    struct inode *inode = file->f_path.dentry->d_inode;
    if (inode->i_ino == 0 || inode->i_sb->s_magic == 5) return 0;
    counts.increment(key, count);
    return 0;
}
"#,
    );
    module.program("kprobe__vfs_read", ProgType::KPROBE).unwrap();
}

#[test]
fn the_current_task_is_read_in_a_raw_tracepoint() {
    let module = load_dialect(
        r#"
#include <linux/sched.h>
BPF_HASH(seen, u32, u64);
RAW_TRACEPOINT_PROBE(sched_switch) {
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    u32 key = 1;
    u64 leader = task->group_leader->pid;
    seen.update(&key, &leader);
    return task->pid;
}
"#,
    );
    let pid = module.run("raw_tracepoint__sched_switch", &[0, 0, 0]);
    assert_eq!(pid, u32::try_from(thread_id()).unwrap());
    assert_eq!(module.value("seen", 1), Some(u64::from(std::process::id())));
}
