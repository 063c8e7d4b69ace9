//! Interfaces, sockets and cgroups, in a network namespace and a cgroup of the tests' own.

use super::{hits, needs, row};
use anyhow::Result;
use bcc_core::Bpf;
use bcc_core::kernel::features::{Feature, supported};
use bcc_core::link::netfilter::{self, Family, NetfilterOpts};
use bcc_core::link::tc::{self, Direction, TcOpts};
use bcc_core::program::{AttachType, ProgType};
use nix::sched::{CloneFlags, unshare};
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

/// Runs `work` in a new network namespace with the loopback device up.
pub(super) fn in_own_network(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            shown(&["ip", "link", "set", "lo", "up"]);
            work();
        });
        if let Err(panic) = done.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// What a command prints.
pub(super) fn shown(command: &[&str]) -> String {
    let done = Command::new(command[0]).args(&command[1..]).output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Runs `work` with the path of a new cgroup.
pub(super) fn with_cgroup(work: impl FnOnce(&Path)) {
    let mount = tempfile::tempdir().unwrap();
    shown(&["mount", "-t", "cgroup2", "none", mount.path().to_str().unwrap()]);
    let group = mount.path().join(format!("bcc_rows_{}", std::process::id()));
    std::fs::create_dir(&group).unwrap();
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&group)));
    std::fs::remove_dir(&group).unwrap();
    shown(&["umount", mount.path().to_str().unwrap()]);
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}

fn send(count: usize) {
    let to = UdpSocket::bind("127.0.0.1:0").unwrap();
    let from = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..count {
        from.send_to(b"hello", to.local_addr().unwrap()).unwrap();
        to.recv(&mut [0; 8]).unwrap();
    }
}

/// Counts packets, whoever's.
const PACKETS: &str = "BPF_ARRAY(hits, u64, 1);
static inline int packet(int result) { hits.increment(0); return result; }\n";

#[test]
fn raw_sockets_and_tc() -> Result<()> {
    let text = format!(
        "{PACKETS} int f(struct __sk_buff *skb) {{ return packet(-1); }}
         int g(struct __sk_buff *skb) {{ return packet(0); }}"
    );
    let mut bpf = Bpf::from_text(text)?;
    in_own_network(|| {
        let id = bpf.attach_raw_socket("f", "lo").unwrap();
        send(5);
        // Each packet passes the loopback device twice, out and in.
        assert_eq!(hits(&bpf), 10);
        bpf.detach(id).unwrap();
        row("Rust attach_raw_socket (crate SocketBuilder)", "10 packets");
        let program = bpf.load_program("g", ProgType::SCHED_CLS).unwrap();
        let opts = TcOpts {
            device: "lo",
            direction: Direction::Egress,
            name: "rows",
            priority: 0,
            handle: 0,
            replace: false,
        };
        let link = tc::attach(program.as_fd(), &opts).unwrap();
        send(3);
        assert!(shown(&["tc", "filter", "show", "dev", "lo", "egress"]).contains("rows"));
        assert_eq!(hits(&bpf), 13);
        link.detach().unwrap();
        row("Rust tc::attach, clsact (own)", "3 packets");
        if supported(Feature::Tcx) {
            let id = bpf.attach_tcx("g", "lo", Direction::Ingress).unwrap();
            send(2);
            assert_eq!(hits(&bpf), 15);
            bpf.detach(id).unwrap();
            row("Rust attach_tcx (own)", "2 packets");
        }
    });
    Ok(())
}

#[test]
fn cgroups() -> Result<()> {
    let text = "int f(struct __sk_buff *skb) { return 1; } int g(struct bpf_sock *s) { return 1; }";
    let mut bpf = Bpf::from_text(text)?;
    with_cgroup(|path| {
        let kind = (ProgType::CGROUP_SKB, AttachType::CGROUP_INET_EGRESS);
        let id = bpf.attach_cgroup("f", path, kind).unwrap();
        assert!(bpf.detach(id).unwrap());
        row("Rust attach_cgroup", "attached, detached");
        let directory = std::fs::File::open(path).unwrap();
        let kind = (ProgType::CGROUP_SOCK, AttachType::CGROUP_INET_SOCK_CREATE);
        let id = bpf.attach_to("g", &directory, kind, 0).unwrap();
        assert!(bpf.detach(id).unwrap());
        row("Rust attach_to (C++ attach_func, detach_func)", "attached, detached");
    });
    Ok(())
}

#[test]
fn storage_of_cgroups() -> Result<()> {
    // Storage of a cgroup exists once a program that uses it is attached there.
    let text = "BPF_CGROUP_STORAGE(shared, u64); BPF_PERCPU_CGROUP_STORAGE(each, u64);
        int f(struct __sk_buff *skb) {
            u64 *n = shared.get_local_storage(0), *m = each.get_local_storage(0);
            __sync_fetch_and_add(n, 1);
            *m += 1;
            return 1;
        }";
    let mut bpf = Bpf::from_text(text)?;
    with_cgroup(|path| {
        let kind = (ProgType::CGROUP_SKB, AttachType::CGROUP_INET_EGRESS);
        let id = bpf.attach_cgroup("f", path, kind).unwrap();
        let procs = path.join("cgroup.procs");
        std::fs::write(&procs, std::process::id().to_string()).unwrap();
        send(7);
        std::fs::write(path.parent().unwrap().join("cgroup.procs"), std::process::id().to_string())
            .unwrap();
        let shared = bpf.map("shared").unwrap();
        let key = shared.next_key(None).unwrap().unwrap();
        let value = shared.lookup(&key).unwrap().unwrap();
        assert_eq!(u64::from_ne_bytes(*value.first_chunk().unwrap()), 7);
        row("Rust BPFCgStorageTable", "7 packets");
        let each = bpf.map("each").unwrap().lookup_per_cpu(&key).unwrap().unwrap();
        assert_eq!(each.typed::<u64>().sum::<u64>(), 7);
        row("Rust BPFPercpuCgStorageTable", "7 packets over all CPUs");
        bpf.detach(id).unwrap();
    });
    Ok(())
}

#[test]
fn netfilter_hooks() -> Result<()> {
    needs!(supported(Feature::Netfilter), "netfilter programs");
    let text = format!("{PACKETS} int f(struct bpf_nf_ctx *ctx) {{ return packet(1); }}");
    let bpf = Bpf::from_text(text)?;
    in_own_network(|| {
        let program = bpf
            .module()
            .load_program("f", Some(ProgType::NETFILTER), Some(AttachType::NETFILTER))
            .unwrap();
        let opts = NetfilterOpts {
            family: Family::Ipv4,
            hook: netfilter::Hook::LocalIn,
            priority: -5,
            defragment: false,
        };
        let link = netfilter::attach(program.as_fd(), &opts).unwrap();
        send(4);
        assert_eq!(hits(&bpf), 4);
        drop(link);
        send(1);
        assert_eq!(hits(&bpf), 4);
        row("Rust netfilter::attach (own)", "4 packets");
    });
    Ok(())
}
