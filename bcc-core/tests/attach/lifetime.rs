//! What is left of a process that is killed: nothing.

use super::common::Alone;
use super::kprobes::kernel_has_kprobes;
use super::support::{Counter, load_named, of_this_process};
use bcc_core::link::{kprobe, raw_tp, remove_stale_probes, tracepoint, uprobe};
use bcc_sys::bpf::ProgType;
use bcc_sys::bpf::info::prog_info;
use bcc_sys::bpf::object::{ObjectKind, fd_by_id, ids};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Says that this process is to be the victim.
const VICTIM: &str = "BCC_TEST_VICTIM";

/// How many loaded programs have this name.
fn programs_named(name: &str) -> usize {
    let all = ids(ObjectKind::Prog).unwrap();
    let named = |id: &u32| {
        let Ok(fd) = fd_by_id(ObjectKind::Prog, *id) else { return false };
        prog_info(fd.as_fd()).is_ok_and(|info| info.name == name)
    };
    all.iter().filter(|id| named(id)).count()
}

fn name_of(pid: u32) -> String {
    format!("v{pid}")
}

/// Not a test of its own: attaches everything, says so, and waits to be killed.
#[test]
fn victim() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let name = name_of(std::process::id());
    let counter = Counter::new();
    let code = of_this_process(&counter.bump(0));
    let load = |kind| load_named(kind, 0, &code, &name);
    let (tp, raw, probe) =
        (load(ProgType::TRACEPOINT), load(ProgType::RAW_TRACEPOINT), load(ProgType::KPROBE));
    let place = super::probes::place_of(victim as fn() as usize as u64);
    let mut links = vec![
        tracepoint::attach(tp.as_fd(), "syscalls", "sys_enter_getppid").unwrap(),
        raw_tp::attach(raw.as_fd(), "sys_enter").unwrap(),
        uprobe::attach(probe.as_fd(), &place).unwrap(),
    ];
    if kernel_has_kprobes() {
        let opts = kprobe::KprobeOpts {
            function: "__x64_sys_getppid".to_owned(),
            on_return: true,
            maxactive: 8,
            ..Default::default()
        };
        links.push(kprobe::attach(probe.as_fd(), &opts).unwrap());
    }
    println!("attached {}", links.len());
    // Ends with the parent at the latest.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn killed_process_leaves_nothing() {
    let Some(_alone) = Alone::as_root() else { return };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lifetime::victim", "--nocapture"])
        .env(VICTIM, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let name = name_of(child.id());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.contains("attached"));
    assert!(ready, "the victim did not come up");
    assert_eq!(programs_named(&name), 3);
    child.kill().unwrap();
    child.wait().unwrap();
    let removed = remove_stale_probes();
    assert_eq!(removed, usize::from(kernel_has_kprobes()));
    // The kernel frees programs a grace period after the last descriptor.
    let deadline = Instant::now() + Duration::from_secs(60);
    while programs_named(&name) > 0 {
        assert!(Instant::now() < deadline, "a program is left");
        std::thread::yield_now();
    }
}

#[test]
fn forked_child_leaves_the_parents_links_and_buffers_alone() {
    use bcc_core::events::{EventError, Poller, RingBuffer};
    let Some(_alone) = Alone::as_root() else { return };
    let counter = Counter::new();
    let program = load_named(ProgType::TRACEPOINT, 0, &of_this_process(&counter.bump(0)), "fork");
    let link = tracepoint::attach(program.as_fd(), "syscalls", "sys_enter_getppid").unwrap();
    let map = super::support::create_map(bcc_sys::bpf::MapType::RINGBUF, 0, 0, 1 << 12);
    let mut ring = RingBuffer::open(map.as_fd()).unwrap();
    let mut poller = Poller::new().unwrap();
    #[expect(unsafe_code, reason = "the child only closes what it inherited and ends")]
    // SAFETY: the child calls nothing that needs a lock another thread may have held.
    let forked = unsafe { nix::unistd::fork() }.unwrap();
    match forked {
        nix::unistd::ForkResult::Child => {
            let refused = matches!(poller.wait(0), Err(EventError::Forked));
            let silent = ring.consume(|_| std::ops::ControlFlow::<()>::Continue(())) == (0, None);
            drop((link, ring, poller));
            #[expect(unsafe_code, reason = "no destructors or handlers of the parent's may run")]
            // SAFETY: ends the process at once.
            unsafe {
                libc::_exit(i32::from(!(refused && silent)))
            }
        }
        nix::unistd::ForkResult::Parent { child } => {
            let status = nix::sys::wait::waitpid(child, None).unwrap();
            assert!(matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)), "{status:?}");
        }
    }
    super::support::call_getppid(3);
    assert_eq!(counter.value(), 3);
    assert!(ring.is_empty());
}
