//! Objects that programs and maps are attached to or keyed by; structs of functions.

use super::row;
use anyhow::Result;
use bcc_core::Bpf;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

#[test]
fn pins() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mount = |arguments: &[&str]| {
        std::process::Command::new(arguments[0]).args(&arguments[1..]).status().unwrap()
    };
    let place = directory.path().to_str().unwrap();
    assert!(mount(&["mount", "-t", "bpf", "none", place]).success());
    let path = directory.path().join("table");
    let text = format!("BPF_TABLE_PINNED(\"hash\", u32, u64, t, 8, \"{}\");", path.display());
    let shown = (|| -> Result<()> {
        let one = Bpf::from_text(&text)?;
        one.typed_map::<u32, u64>("t")?.insert(&1, &11)?;
        drop(one);
        let again = Bpf::from_text(&text)?;
        assert_eq!(again.typed_map::<u32, u64>("t")?.get(&1)?, Some(11));
        row("Rust BPF_TABLE_PINNED", "11 in a second module");
        let pin = CString::new(directory.path().join("program").as_os_str().as_bytes())?;
        let bpf = Bpf::from_text("int f(struct __sk_buff *skb) { return 3; }")?;
        bpf.load_program("f", bcc_core::program::ProgType::SOCKET_FILTER)?.pin(&pin)?;
        bcc_sys::bpf::object::obj_get(&pin, 0)?;
        row("Rust Program::pin", "reopened");
        Ok(())
    })();
    assert!(mount(&["umount", place]).success());
    shown
}

#[test]
fn structs_of_functions() -> Result<()> {
    let text = "
        extern void tcp_reno_cong_avoid(struct sock *sk, u32 ack, u32 acked) __ksym;
        extern u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
        extern u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;
        BPF_STRUCT_OPS(tcp_congestion_ops, ssthresh, struct sock *sk) { return tcp_reno_ssthresh(sk); }
        BPF_STRUCT_OPS(tcp_congestion_ops, undo_cwnd, struct sock *sk) { return tcp_reno_undo_cwnd(sk); }
        BPF_STRUCT_OPS(tcp_congestion_ops, cong_avoid, struct sock *sk, u32 ack, u32 acked) {
            tcp_reno_cong_avoid(sk, ack, acked);
            return 0;
        }";
    let available =
        || std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control").unwrap();
    let name = format!("rows{}", std::process::id());
    let mut bpf = Bpf::from_text(text)?;
    let id = bpf.attach_struct_ops("tcp_congestion_ops", &[("name", name.as_bytes())])?;
    assert!(available().contains(&name));
    bpf.detach(id)?;
    assert!(!available().contains(&name));
    row("Rust attach_struct_ops (own)", "available, then not");
    Ok(())
}
