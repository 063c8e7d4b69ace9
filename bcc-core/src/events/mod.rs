//! Perf buffers and ring buffers: mapped, polled, decoded to bytes.
//!
//! program → [`PerfBuffer`] (a ring per CPU) or [`RingBuffer`] (one for all) → [`Poller`] → the
//! caller's closure, or a [`Batch`] to look at later.
//!
//! As they come, or collected and iterated over:
//!
//! ```no_run
//! use bcc_core::events::{Batch, Event, PerfBufferOpts, Poller};
//! use bcc_core::map::{Pod, pod_struct};
//! use std::ops::ControlFlow;
//!
//! pod_struct! {
//!     /// As in the C text: `struct event { u32 pid; u32 bytes; };`
//!     struct Sent {
//!         pid: u32,
//!         bytes: u32,
//!     }
//! }
//!
//! # fn demo(bpf: bcc_core::Bpf) -> Result<(), bcc_core::Error> {
//! let mut poller = Poller::new()?;
//! bpf.open_perf_buffer(&mut poller, "events", PerfBufferOpts::default())?;
//! bpf.open_ring_buffer(&mut poller, "more")?;
//! poller.poll(1000, |event| {
//!     if let Event::Sample { cpu, data, .. } = event
//!         && let Some(Sent { pid, bytes }) = Sent::from_prefix(data)
//!     {
//!         println!("{pid} on CPU {cpu}: {bytes} bytes");
//!     }
//!     ControlFlow::<()>::Continue(())
//! })?;
//!
//! let mut batch = Batch::default();
//! poller.consume_into(&mut batch, 1000)?;
//! let bytes: usize = batch.iter().map(|record| record.data.len()).sum();
//! # Ok(()) }
//! ```

mod batch;
mod merge;
mod perf;
mod poller;
mod ring;

pub use batch::{Batch, Record};
pub use perf::{PerfBuffer, PerfBufferOpts};
pub use poller::{Event, Polled, Poller, SourceId};
pub use ring::RingBuffer;

pub use bcc_sys::epoll::Wait;
pub use bcc_sys::mmap::PerfRecord;

use bcc_sys::SysError;

/// Why events could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The kernel refused a call.
    #[error(transparent)]
    Sys(#[from] SysError),
    /// The list of CPUs could not be read.
    #[error("cannot list the online CPUs")]
    Cpus(#[source] std::io::Error),
    /// Pages per CPU must be a power of two.
    #[error("number of pages per CPU must be a power of two, not {0}")]
    PageCount(usize),
    /// The map is of another kind.
    #[error("map of type {found} where {expected} is needed")]
    MapType {
        /// What it is.
        found: bcc_sys::bpf::MapType,
        /// What is needed.
        expected: bcc_sys::bpf::MapType,
    },
    /// The buffers belong to the process that opened them; this one was forked from it.
    #[error("event buffers cannot be read in a forked child")]
    Forked,
}
