//! Events: perf and ring buffers by callback and by iteration, printed lines, counters.

use super::{builder, getpgid, row};
use anyhow::Result;
use bcc_core::Bpf;
use bcc_core::events::{Batch, Event, PerfBufferOpts, Polled, Poller};
use bcc_core::kernel::tracepipe::{self, Next, TracePipe};
use bcc_sys::perf::TYPE_SOFTWARE;
use std::ops::ControlFlow;

const EVENTS: &str = "
BPF_PERF_OUTPUT(perf);
BPF_RINGBUF_OUTPUT(ring, 8);
TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
    u64 n = 7;
    if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
    perf.perf_submit(args, &n, sizeof(n));
    ring.ringbuf_output(&n, sizeof(n), 0);
    return 0;
}";

fn number(data: &[u8]) -> u64 {
    u64::from_ne_bytes(*data.first_chunk().unwrap())
}

#[test]
fn perf_buffer() -> Result<()> {
    let bpf = builder().build_from_text(EVENTS)?;
    let mut poller = Poller::new()?;
    let opts = PerfBufferOpts { page_count: 4, ..Default::default() };
    let source = bpf.open_perf_buffer(&mut poller, "perf", opts)?;
    getpgid();
    let mut seen = Vec::new();
    let polled = poller.poll(1000, |event| {
        if let Event::Sample { data, .. } = event {
            seen.push(number(data));
        }
        ControlFlow::<()>::Continue(())
    })?;
    assert_eq!((polled, seen), (Polled::Events(1), vec![7]));
    row("Rust open_perf_buffer, Poller::poll (C++ poll_perf_buffer)", "7");
    getpgid();
    let consumed = poller.consume(|_| ControlFlow::<()>::Continue(()))?;
    assert_eq!(consumed, Polled::Events(1));
    row("Rust Poller::consume (C++ BPFPerfBuffer::consume)", "1 event");
    poller.remove(source)?;
    assert!(poller.is_empty());
    row("Rust Poller::remove (C++ close_perf_buffer)", "no buffer left");
    Ok(())
}

#[test]
fn ring_buffer() -> Result<()> {
    let bpf = builder().build_from_text(EVENTS)?;
    let mut poller = Poller::new()?;
    let ring = bpf.open_ring_buffer(&mut poller, "ring")?;
    let perf = bpf.open_perf_buffer(&mut poller, "perf", PerfBufferOpts::default())?;
    getpgid();
    let mut batch = Batch::default();
    assert_eq!(poller.consume_into(&mut batch, 100)?, 2);
    let mut seen: Vec<_> =
        batch.iter().map(|record| (record.source, number(record.data))).collect();
    seen.sort_unstable();
    assert_eq!(seen, [(ring, 7), (perf, 7)]);
    row("Rust open_ring_buffer, Batch::iter (crate RingBufBuilder)", "7 of each of two buffers");
    Ok(())
}

#[test]
fn printed_lines() -> Result<()> {
    let text = "TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
        if (bpf_get_current_pid_tgid() >> 32 == PID) bpf_trace_printk(\"x=%d\", 5);
        return 0; }";
    let _bpf = builder().build_from_text(text)?;
    let mut pipe = TracePipe::open()?;
    getpgid();
    let line = loop {
        if let Next::Line(line) = pipe.next_line()? {
            break line.to_vec();
        }
    };
    let fields = tracepipe::fields(&line).unwrap();
    assert_eq!(fields.message, b"x=5");
    assert_eq!(fields.pid, i64::from(nix::unistd::gettid().as_raw()));
    row("Rust TracePipe, fields (crate trace_read, trace_parse)", "x=5");
    Ok(())
}

#[test]
fn counters() -> Result<()> {
    /// `PERF_COUNT_SW_TASK_CLOCK`: nanoseconds that were run.
    const TASK_CLOCK: u64 = 1;
    let text = "BPF_PERF_ARRAY(clock, NUM_CPUS); BPF_ARRAY(seen, u64, 2);
        TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) {
            int zero = 0, one = 1;
            struct bpf_perf_event_value value = {};
            if (bpf_get_current_pid_tgid() >> 32 != PID) return 0;
            if (clock.perf_counter_value(CUR_CPU_IDENTIFIER, &value, sizeof(value))) return 0;
            seen.update(&zero, &value.counter);
            return 0;
        }";
    let flags = [
        format!("-DPID={}", std::process::id()),
        format!("-DNUM_CPUS={}", bcc_core::kernel::cpus::possible()?.len()),
    ];
    let mut bpf = Bpf::builder().cflags(flags).build_from_text(text)?;
    bpf.open_perf_event("clock", TYPE_SOFTWARE, TASK_CLOCK, None)?;
    for _ in 0..1_000_000 {
        std::hint::spin_loop();
    }
    getpgid();
    let seen = bpf.typed_map::<u32, u64>("seen")?.get(&0)?.unwrap();
    assert!(seen > 0);
    row("Rust open_perf_event (crate PerfEventArray)", "task clock > 0");
    assert!(bpf.close_perf_event("clock") && !bpf.close_perf_event("clock"));
    row("Rust close_perf_event", "once");
    Ok(())
}
