//! Programs over real kernel headers: the trees that `BCC_TEST_HEADERS` names (build directories,
//! separated by colons), as `./x test headers` fetches them.

use bcc_core::compile::{CompileRequest, Compiler as _};
use bcc_core::target::Target;
use std::path::PathBuf;

const TEXT: &str = r#"
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>
#include <linux/fs.h>
#include <net/sock.h>
#include <net/inet_sock.h>
#include <linux/blk-mq.h>
#include <bcc/proto.h>

struct event { u32 pid; u16 port; u64 size; char comm[TASK_COMM_LEN]; };
BPF_HASH(sizes, u32, struct event);
BPF_PERF_OUTPUT(events);

int kprobe__tcp_sendmsg(struct pt_regs *ctx, struct sock *sk, struct msghdr *msg, size_t size)
{
	struct event event = { .size = size };
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u32 pid = task->tgid;
	event.pid = pid;
	event.port = ntohs(inet_sk(sk)->inet_dport);
	bpf_get_current_comm(&event.comm, sizeof(event.comm));
	if (sock_flag(sk, SOCK_DEAD))
		return 0;
	sizes.update(&pid, &event);
	events.perf_submit(ctx, &event, sizeof(event));
	return 0;
}

int on_request(struct pt_regs *ctx, struct request *rq)
{
	return blk_rq_bytes(rq) + (LINUX_VERSION_CODE >= KERNEL_VERSION(5, 0, 0));
}

int filter(struct __sk_buff *skb)
{
	u8 *cursor = 0;
	struct ethernet_t *ethernet = cursor_advance(cursor, sizeof(*ethernet));
	return ethernet->type == 0x800 ? -1 : 0;
}
"#;

fn request(tree: PathBuf) -> CompileRequest {
    CompileRequest {
        text: TEXT.as_bytes().to_vec(),
        file: "/virtual/main.c".to_owned(),
        target: Target { kernel_source: Some(tree), vmlinux_btf: None, ..Target::live() },
        ..CompileRequest::default()
    }
}

#[test]
#[ignore = "needs trees of kernel headers: run by x test headers"]
fn programs_compile_over_real_headers() {
    let trees = std::env::var("BCC_TEST_HEADERS").expect("BCC_TEST_HEADERS names trees");
    for tree in trees.split(':').filter(|tree| !tree.is_empty()) {
        let output = bcc_frontend::Compiler.compile(&request(tree.into()));
        let output = output.unwrap_or_else(|error| panic!("{tree}: {error}"));
        let mut names: Vec<&str> = output.spec.programs.iter().map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["filter", "kprobe__tcp_sendmsg", "on_request"], "{tree}");
        assert!(output.spec.programs.iter().all(|p| p.insns.len() > 16), "{tree}");
        println!("{tree}: {} programs", names.len());
    }
}

#[test]
fn a_tree_that_is_none_is_told() {
    let error = bcc_frontend::Compiler.compile(&request("/nowhere".into())).expect_err("no tree");
    let text = error.to_string();
    assert!(text.contains("/nowhere") && text.contains("BCC_KERNEL_SOURCE"), "{text}");
}

#[test]
fn without_types_and_headers_the_error_says_what_was_tried_and_what_to_install() {
    let mut request = request(PathBuf::new());
    let target = &mut request.target;
    (target.kernel_source, target.modules, target.kheaders) = (None, None, None);
    target.release = "9.9.9-none".to_owned();
    let text = bcc_frontend::Compiler.compile(&request).expect_err("nothing there").to_string();
    for part in
        ["/sys/kernel/btf/vmlinux", "/lib/modules/9.9.9-none/build", "kheaders", "9.9.9-none"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}
