//! Tracepoints, raw tracepoints, uprobes and perf events on this process.

use super::common::Alone;
use super::support::{Counter, GETPPID, call_getppid, load, of_syscall, of_this_process};
use bcc_core::link::perf_event::{self, PerfEventOpts, Sampling};
use bcc_core::link::{self, AttachKind, Problem, raw_tp, tracepoint, uprobe};
use bcc_sys::bpf::ProgType;
use nix::errno::Errno;
use std::hint::black_box;
use std::os::fd::AsFd;

#[test]
fn tracepoint_counts_each_call_and_ends_with_its_link() {
    let Some(_alone) = Alone::as_root() else { return };
    let counter = Counter::new();
    let program = load(ProgType::TRACEPOINT, 0, &of_this_process(&counter.bump(0)));
    let link = tracepoint::attach(program.as_fd(), "syscalls", "sys_enter_getppid").unwrap();
    assert_eq!(
        (link.kind(), link.target()),
        (AttachKind::Tracepoint, "syscalls:sys_enter_getppid")
    );
    call_getppid(13);
    assert_eq!(counter.value(), 13);
    link.detach().unwrap();
    call_getppid(5);
    assert_eq!(counter.value(), 13);
}

#[test]
fn raw_tracepoint_counts_each_call_and_ends_with_its_link() {
    let Some(_alone) = Alone::as_root() else { return };
    let counter = Counter::new();
    let code = of_this_process(&of_syscall(GETPPID, &counter.bump(0)));
    let program = load(ProgType::RAW_TRACEPOINT, 0, &code);
    let link = raw_tp::attach(program.as_fd(), "sys_enter").unwrap();
    call_getppid(17);
    drop(link);
    call_getppid(5);
    assert_eq!(counter.value(), 17);
}

#[test]
fn unknown_targets_are_not_found() {
    let Some(_alone) = Alone::as_root() else { return };
    let counter = Counter::new();
    let program = load(ProgType::TRACEPOINT, 0, &counter.bump(0));
    let error = tracepoint::attach(program.as_fd(), "sched", "no_such_event").unwrap_err();
    assert!(matches!(error.problem, Problem::NotFound));
    assert_eq!(error.target, "sched:no_such_event");
    let program = load(ProgType::RAW_TRACEPOINT, 0, &counter.bump(0));
    let error = raw_tp::attach(program.as_fd(), "no_such_event").unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOENT));
    let program = load(ProgType::KPROBE, 0, &counter.bump(0));
    let opts = uprobe::UprobeOpts { path: "/no/such/file".into(), ..Default::default() };
    let error = uprobe::attach(program.as_fd(), &opts).unwrap_err();
    assert_eq!((error.kind, error.errno()), (AttachKind::Uprobe, Some(Errno::ENOENT)));
}

#[inline(never)]
fn probed(value: u64) -> u64 {
    black_box(value) ^ black_box(0x5555)
}

/// File and file offset of the code at `address` in this process.
pub(crate) fn place_of(address: u64) -> uprobe::UprobeOpts {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (start, end) = fields.next().unwrap().split_once('-').unwrap();
        let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
        let offset = fields.nth(1).unwrap();
        if (hex(start)..hex(end)).contains(&address) {
            return uprobe::UprobeOpts {
                path: fields.nth(2).unwrap().into(),
                offset: address - hex(start) + hex(offset),
                ..Default::default()
            };
        }
    }
    panic!("no mapping at {address:#x}")
}

#[test]
fn uprobe_and_uretprobe_count_each_call() {
    let Some(_alone) = Alone::as_root() else { return };
    let address = probed as fn(u64) -> u64 as usize as u64;
    let place = place_of(address);
    for (on_return, pid) in
        [(false, None), (true, None), (false, Some(std::process::id().cast_signed()))]
    {
        let counter = Counter::new();
        let program = load(ProgType::KPROBE, 0, &of_this_process(&counter.bump(0)));
        let opts = uprobe::UprobeOpts { on_return, pid, ..place.clone() };
        let link = uprobe::attach(program.as_fd(), &opts).unwrap();
        for value in 0..11 {
            probed(value);
        }
        link.detach().unwrap();
        probed(0);
        assert_eq!(counter.value(), 11, "on_return {on_return}, pid {pid:?}");
    }
}

#[test]
fn uprobe_multi_covers_its_places_where_the_kernel_has_it() {
    let Some(_alone) = Alone::as_root() else { return };
    let address = probed as fn(u64) -> u64 as usize as u64;
    let place = place_of(address);
    let counter = Counter::new();
    let code = of_this_process(&counter.bump(0));
    let program = load(ProgType::KPROBE, 48, &code);
    let opts = link::uprobe_multi::UprobeMultiOpts {
        path: &place.path,
        offsets: &[place.offset],
        ref_ctr_offsets: &[],
        cookies: &[],
        on_return: false,
        pid: None,
    };
    match link::uprobe_multi::attach(program.as_fd(), &opts) {
        Ok(link) => {
            for value in 0..7 {
                probed(value);
            }
            drop(link);
            probed(0);
            assert_eq!(counter.value(), 7);
        }
        Err(error) => {
            assert!(matches!(error.errno(), Some(Errno::EINVAL | Errno::EOPNOTSUPP)), "{error}");
            assert!(release() < (6, 6), "{error}");
        }
    }
}

/// Major and minor number of the running kernel.
pub(crate) fn release() -> (u32, u32) {
    let name = nix::sys::utsname::uname().unwrap();
    let mut parts = name.release().to_str().unwrap().split(['.', '-']).map(str::parse);
    (parts.next().unwrap().unwrap(), parts.next().unwrap().unwrap())
}

#[test]
fn page_faults_of_this_thread_are_counted() {
    let Some(_alone) = Alone::as_root() else { return };
    let counter = Counter::new();
    let program = load(ProgType::PERF_EVENT, 0, &counter.bump(0));
    let opts = PerfEventOpts {
        kind: 1,
        config: 2,
        sampling: Sampling::Period(1),
        pid: Some(nix::unistd::gettid().as_raw()),
        cpu: None,
        group: None,
    };
    let link = perf_event::attach(program.as_fd(), &opts).unwrap();
    assert_eq!(link.fds().len(), bcc_core::kernel::cpus::online().unwrap().len());
    let page = bcc_sys::mmap::page_size();
    let mut memory = vec![0u8; page * 101];
    for byte in memory.iter_mut().step_by(page) {
        *byte = 1;
    }
    black_box(&memory);
    drop(link);
    let seen = counter.value();
    // Huge pages may serve many addresses by one fault.
    assert!(seen >= 1, "{seen}");
    let mut more = vec![0u8; page * 101];
    more.iter_mut().step_by(page).for_each(|byte| *byte = 1);
    black_box(&more);
    assert_eq!(counter.value(), seen);
}

#[test]
fn events_that_run_no_program_are_refused() {
    let Some(_alone) = Alone::as_root() else { return };
    let counter = Counter::new();
    let program = load(ProgType::PERF_EVENT, 0, &counter.bump(0));
    let clock = PerfEventOpts {
        kind: 1,
        config: 0,
        sampling: Sampling::Frequency(0),
        pid: None,
        cpu: Some(0),
        group: None,
    };
    let error = perf_event::attach(program.as_fd(), &clock).unwrap_err();
    assert!(matches!(error.problem, Problem::Invalid(_)));
    let opts = PerfEventOpts { sampling: Sampling::Frequency(10), cpu: Some(4000), ..clock };
    let error = perf_event::attach(program.as_fd(), &opts).unwrap_err();
    assert!(matches!(error.errno(), Some(Errno::EINVAL | Errno::ENODEV)), "{error}");
}
