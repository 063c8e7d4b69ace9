//! Kernel functions; these run where the kernel has kprobes (the guests).

use super::common::Alone;
use super::support::{Counter, call_getppid, load, of_this_process};
use bcc_core::link::kprobe::{self, KprobeOpts};
use bcc_core::link::{self, AttachKind, Problem};
use bcc_sys::bpf::ProgType;
use std::os::fd::AsFd;

pub(crate) fn kernel_has_kprobes() -> bool {
    std::path::Path::new("/sys/bus/event_source/devices/kprobe").exists()
}

fn function() -> KprobeOpts {
    KprobeOpts { function: "__x64_sys_getppid".to_owned(), ..KprobeOpts::default() }
}

#[test]
fn kprobes_count_each_call_or_the_kernel_has_none() {
    let Some(_alone) = Alone::as_root() else { return };
    let counter = Counter::new();
    let program = load(ProgType::KPROBE, 0, &of_this_process(&counter.bump(0)));
    if !kernel_has_kprobes() {
        let error = kprobe::attach(program.as_fd(), &function()).unwrap_err();
        assert!(matches!(error.problem, Problem::Unsupported), "{error}");
        return;
    }
    let mut expected = 0;
    for (on_return, maxactive) in [(false, 0), (true, 0), (true, 16)] {
        let opts = KprobeOpts { on_return, maxactive, ..function() };
        let link = kprobe::attach(program.as_fd(), &opts).unwrap();
        let named = tracefs_names().iter().any(|name| name.contains("getppid_bcc_"));
        assert_eq!(named, maxactive > 0, "only maxactive needs a name");
        call_getppid(19);
        expected += 19;
        assert_eq!(counter.value(), expected);
        link.detach().unwrap();
        call_getppid(3);
        assert_eq!(counter.value(), expected);
    }
    assert!(tracefs_names().is_empty());
}

fn tracefs_names() -> Vec<String> {
    let path = bcc_core::kernel::tracefs::root().join("kprobe_events");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| line.contains("_bcc_")).map(str::to_owned).collect()
}

#[test]
fn functions_that_cannot_be_traced_say_so() {
    let Some(_alone) = Alone::as_root() else { return };
    let counter = Counter::new();
    let program = load(ProgType::KPROBE, 0, &counter.bump(0));
    let opts = KprobeOpts { function: "no_such_function_here".to_owned(), ..Default::default() };
    let error = kprobe::attach(program.as_fd(), &opts).unwrap_err();
    assert_eq!(error.kind, AttachKind::Kprobe);
    if kernel_has_kprobes() {
        assert_eq!(error.errno(), Some(nix::errno::Errno::ENOENT));
        assert!(error.hint.is_some());
        let opts = KprobeOpts { maxactive: 4, on_return: true, ..opts };
        let error = kprobe::attach(program.as_fd(), &opts).unwrap_err();
        assert!(matches!(error.problem, Problem::Io { .. }), "{error:?}");
        assert!(tracefs_names().is_empty());
    }
}

#[test]
fn multi_kprobe_leaves_out_what_cannot_be_traced() {
    let Some(_alone) = Alone::as_root() else { return };
    let counter = Counter::new();
    let code = of_this_process(&counter.bump(0));
    if !kernel_has_kprobes() || super::probes::release() < (6, 12) {
        return;
    }
    let program = load(ProgType::KPROBE, 42, &code);
    let text = std::fs::read_to_string("/proc/kallsyms").unwrap();
    let address = |name: &str| {
        let line = text.lines().find(|line| line.split(' ').nth(2) == Some(name)).unwrap();
        u64::from_str_radix(&line[..16], 16).unwrap()
    };
    let good = [address("__x64_sys_getppid"), address("__x64_sys_vhangup")];
    let addresses = [good[0], good[0] + 16, good[1], 4096];
    let opts = link::kprobe_multi::KprobeMultiOpts {
        addresses: &addresses,
        cookies: &[],
        on_return: false,
    };
    let made = link::kprobe_multi::attach(program.as_fd(), &opts).unwrap();
    assert_eq!(made.refused, [good[0] + 16, 4096]);
    call_getppid(23);
    drop(made);
    call_getppid(2);
    assert_eq!(counter.value(), 23);
}
