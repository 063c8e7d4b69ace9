//! What the benchmarks here share: a ring buffer that this process fills and empties.

use anyhow::{Context, Result, ensure};
use bcc_core::events::RingBuffer;
use bcc_core::{Bpf, BpfBuilder};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::os::fd::AsFd;

/// Events of one call of getppid(2).
const BURST: usize = 64;
/// Calls per filling: 2.5 of the ring's 4 MiB.
const CALLS: usize = 1000;
/// Events of 32 bytes, as in the rows for Python.
const TEXT: &str = r"
struct event { u64 number; u64 more[3]; };
BPF_ARRAY(watched, u32, 1);
BPF_RINGBUF_OUTPUT(events, 1024);
TRACEPOINT_PROBE(syscalls, sys_enter_getppid)
{
    int zero = 0;
    u32 *pid = watched.lookup(&zero);
    struct event event = {};
    if (!pid || bpf_get_current_pid_tgid() >> 32 != *pid)
        return 0;
    #pragma unroll
    for (int i = 0; i < BURST; i++) {
        event.number = i;
        events.ringbuf_output(&event, sizeof(event), BPF_RB_NO_WAKEUP);
    }
    return 0;
}
";

/// A ring buffer whose program sends a burst for each getppid(2) of this process.
#[derive(Debug)]
pub struct Ring {
    buffer: RingBuffer,
    _bpf: Bpf,
}

impl Ring {
    /// Events of a filling.
    pub const EVENTS: usize = BURST * CALLS;

    /// Compiles, loads and attaches; needs root.
    ///
    /// # Errors
    /// What [`BpfBuilder::build_from_text`] and [`RingBuffer::open`] say.
    pub fn new(builder: BpfBuilder) -> Result<Self> {
        let bpf = builder.cflags([format!("-DBURST={BURST}")]).build_from_text(TEXT)?;
        bpf.typed_map::<u32, u32>("watched")?.insert(&0, &std::process::id())?;
        let buffer = RingBuffer::open(bpf.map("events")?.as_fd()).context("the ring")?;
        Ok(Self { buffer, _bpf: bpf })
    }

    /// Sends [`Self::EVENTS`] events.
    pub fn fill(&self) {
        for _ in 0..CALLS {
            black_box(nix::unistd::getppid());
        }
    }

    /// Looks at the first word of each event that waits.
    ///
    /// # Errors
    /// When these are not the events of one filling.
    pub fn empty(&mut self) -> Result<()> {
        let mut sum = 0;
        let (given, _) = self.buffer.consume(|event| {
            sum += event.first_chunk().map_or(0, |number| u64::from_ne_bytes(*number));
            ControlFlow::<()>::Continue(())
        });
        ensure!(given == Self::EVENTS, "{given} events instead of {}", Self::EVENTS);
        ensure!(sum == (CALLS * BURST * (BURST - 1) / 2) as u64, "other events were seen: {sum}");
        Ok(())
    }
}
