//! Sockets, XDP, tc and cgroups, in a network namespace and a cgroup of the test's own.

use super::common::Alone;
use super::probes::release;
use super::support::{Counter, load};
use bcc_core::link::tc::{self, Direction, TcOpts};
use bcc_core::link::{prog_attach, socket, xdp};
use bcc_sys::bpf::object::prog_query;
use bcc_sys::bpf::{AttachType, LinkTarget, ProgType};
use bcc_sys::netlink::Route;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::process::Command;

/// Runs `work` in a new network namespace with the loopback device up.
fn in_own_namespace(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap();
            assert!(up.success());
            work();
        });
        if let Err(panic) = done.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Sends `count` datagrams to ourselves and receives them.
fn send(count: usize) {
    let (to, from) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let address = to.local_addr().unwrap();
    for _ in 0..count {
        assert_eq!(from.send_to(b"hello", address).unwrap(), 5);
        assert_eq!(to.recv(&mut [0; 8]).unwrap(), 5);
    }
}

const LOOPBACK: u32 = 1;

#[test]
fn packet_socket_sees_what_its_program_lets_through() {
    let Some(_alone) = Alone::as_root() else { return };
    in_own_namespace(|| {
        let counter = Counter::new();
        let program = load(ProgType::SOCKET_FILTER, 0, &counter.bump(-1));
        let link = socket::attach(program.as_fd(), "lo").unwrap();
        send(5);
        // Each packet passes the loopback device twice, out and in.
        assert_eq!(counter.value(), 10);
        let mut packet = [0; 256];
        let fd = link.fds()[0];
        let len = nix::unistd::read(fd, &mut packet).unwrap();
        assert_eq!(packet[len - 5..len], *b"hello");
        link.detach().unwrap();
        send(1);
        assert_eq!(counter.value(), 10);
        let error = socket::attach(program.as_fd(), "nosuchdev").unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENODEV));
    });
}

#[test]
fn xdp_by_netlink_outlives_its_link_until_detached_or_removed() {
    let Some(_alone) = Alone::as_root() else { return };
    in_own_namespace(|| {
        let counter = Counter::new();
        let program = load(ProgType::XDP, 0, &counter.bump(2));
        let route = Route::open().unwrap();
        let link = xdp::attach(program.as_fd(), "lo", xdp::SKB_MODE).unwrap();
        send(7);
        assert_eq!(counter.value(), 7);
        link.detach().unwrap();
        assert_eq!(route.xdp_program(LOOPBACK).unwrap(), 0);

        drop(xdp::attach(program.as_fd(), "lo", xdp::SKB_MODE).unwrap());
        assert_ne!(route.xdp_program(LOOPBACK).unwrap(), 0);
        let again = xdp::attach(program.as_fd(), "lo", xdp::SKB_MODE | xdp::UPDATE_IF_NOEXIST);
        assert_eq!(again.unwrap_err().errno(), Some(Errno::EBUSY));
        xdp::remove("lo", xdp::SKB_MODE).unwrap();
        assert_eq!(route.xdp_program(LOOPBACK).unwrap(), 0);
    });
}

#[test]
fn a_link_whose_place_another_program_took_says_that_it_cannot_detach() {
    let Some(_alone) = Alone::as_root() else { return };
    in_own_namespace(|| {
        let counter = Counter::new();
        let program = || load(ProgType::XDP, 0, &counter.bump(2));
        let first = xdp::attach(program().as_fd(), "lo", xdp::SKB_MODE).unwrap();
        let second = xdp::attach(program().as_fd(), "lo", xdp::SKB_MODE).unwrap();
        // Since v5.7 the kernel is told which program is to go.
        if let Err(error) = first.detach() {
            assert_eq!(error.errno(), Some(Errno::EEXIST));
            assert!(error.to_string().starts_with("cannot detach from XDP hook lo"), "{error}");
            second.detach().unwrap();
        }
        let error = xdp::remove("nosuchdev", 0).unwrap_err();
        assert!(error.to_string().starts_with("cannot detach from XDP hook nosuchdev"), "{error}");
    });
}

#[test]
fn xdp_by_link_ends_with_its_link() {
    let Some(_alone) = Alone::as_root() else { return };
    in_own_namespace(|| {
        let counter = Counter::new();
        let program = load(ProgType::XDP, 0, &counter.bump(2));
        let link = xdp::attach_link(program.as_fd(), "lo", xdp::SKB_MODE).unwrap();
        send(3);
        drop(link);
        send(1);
        assert_eq!(counter.value(), 3);
        assert_eq!(Route::open().unwrap().xdp_program(LOOPBACK).unwrap(), 0);
    });
}

#[test]
fn tc_filter_counts_and_takes_its_qdisc_with_it() {
    let Some(_alone) = Alone::as_root() else { return };
    in_own_namespace(|| {
        let counter = Counter::new();
        // TC_ACT_UNSPEC: the next filter decides.
        let program = load(ProgType::SCHED_CLS, 0, &counter.bump(-1));
        let opts = TcOpts {
            device: "lo",
            direction: Direction::Ingress,
            name: "test",
            priority: 0,
            handle: 0,
            replace: false,
        };
        let first = match tc::attach(program.as_fd(), &opts) {
            Ok(link) => link,
            Err(error) => {
                assert_eq!(error.errno(), Some(Errno::ENOENT), "{error}");
                panic!("this kernel has no sch_ingress or cls_bpf");
            }
        };
        let second =
            tc::attach(program.as_fd(), &TcOpts { direction: Direction::Egress, ..opts }).unwrap();
        send(4);
        assert_eq!(counter.value(), 8);
        second.detach().unwrap();
        send(4);
        assert_eq!(counter.value(), 12);
        first.detach().unwrap();
        send(1);
        assert_eq!(counter.value(), 12);
        let left = Route::open().unwrap().remove_clsact(LOOPBACK).unwrap_err();
        assert!(matches!(left.errno, Errno::EINVAL | Errno::ENOENT), "{left}");
    });
}

#[test]
fn tcx_ends_with_its_link_where_the_kernel_has_it() {
    let Some(_alone) = Alone::as_root() else { return };
    in_own_namespace(|| {
        let counter = Counter::new();
        let program = load(ProgType::SCHED_CLS, 0, &counter.bump(-1));
        match tc::attach_tcx(program.as_fd(), "lo", Direction::Ingress) {
            Ok(link) => {
                send(6);
                drop(link);
                send(1);
                assert_eq!(counter.value(), 6);
            }
            Err(error) => assert!(release() < (6, 6), "{error}"),
        }
    });
}

#[test]
fn cgroup_program_ends_with_its_link() {
    let Some(_alone) = Alone::as_root() else { return };
    let root = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let Some(root) = root.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let path = fields.next()?;
        (fields.next()? == "cgroup2").then(|| path.to_owned())
    }) else {
        panic!("no cgroup2 is mounted");
    };
    let path = std::path::PathBuf::from(root).join(format!("bcc_test_{}", std::process::id()));
    std::fs::create_dir(&path).unwrap();
    let counter = Counter::new();
    let program = load(ProgType::CGROUP_SKB, 0, &counter.bump(1));
    let kind = AttachType::CGROUP_INET_EGRESS;
    {
        let directory = std::fs::File::open(&path).unwrap();
        let attached = || prog_query(LinkTarget::Fd(directory.as_fd()), kind, 0).unwrap().len();
        let link = prog_attach::attach_cgroup(program.as_fd(), &path, kind).unwrap();
        assert_eq!(attached(), 1);
        drop(link);
        assert_eq!(attached(), 0);
        let link = prog_attach::attach(program.as_fd(), directory.as_fd(), kind, 0).unwrap();
        assert_eq!(attached(), 1);
        link.detach().unwrap();
        assert_eq!(attached(), 0);
        let error = prog_attach::detach(program.as_fd(), directory.as_fd(), kind).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOENT));
    }
    std::fs::remove_dir(&path).unwrap();
}
