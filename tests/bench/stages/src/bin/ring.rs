//! What an event of a ring buffer costs a Rust program, as a row for `../run.py`: microseconds of CPU.

use anyhow::Result;
use bcc_core::Bpf;
use nix::time::{ClockId, clock_gettime};
use stages::Ring;
use std::time::Duration;

const RUNS: usize = 9;

/// Time that this thread has computed.
fn cpu() -> nix::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn main() -> Result<()> {
    let mut ring = Ring::new(Bpf::builder())?;
    let mut samples = Vec::new();
    for _ in 0..RUNS {
        ring.fill();
        let before = cpu()?;
        ring.empty()?;
        samples.push(1e6 * (cpu()? - before).as_secs_f64() / Ring::EVENTS as f64);
    }
    samples.sort_by(f64::total_cmp);
    println!(
        r#"{{"ring buffer from Rust": {{"value": {}, "unit": "us", "better": "lower", "samples": {samples:?}}}}}"#,
        samples[RUNS / 2]
    );
    Ok(())
}
