//! Records of several CPUs in the order in which they were written.

use super::perf::CpuReader;
use super::poller::{Event, SourceId};
use bcc_sys::mmap::PerfRecord;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

/// A CPU's ring, of the buffer of that id.
pub(super) type Ring<'a> = (SourceId, &'a mut CpuReader);

/// Gives what waits in `rings` to `sink`, the earliest first, until it breaks; returns how many were
/// given and the break's value. What comes meanwhile is left for the next time, so that this ends.
pub(super) fn give_by_time<B>(
    rings: &mut [Ring<'_>],
    sink: &mut impl FnMut(Event<'_>) -> ControlFlow<B>,
) -> (usize, Option<B>) {
    let ends: Vec<u64> = rings.iter().map(|(_, reader)| reader.ring.head()).collect();
    let next = |rings: &[Ring<'_>], at: usize| {
        let time = rings[at].1.ring.next_time(ends[at])?;
        Some(Reverse((time, at)))
    };
    let mut first: BinaryHeap<_> = (0..rings.len()).filter_map(|at| next(rings, at)).collect();
    let mut total = 0;
    while let Some(Reverse((_, at))) = first.pop() {
        let latest = first.peek().map_or(u64::MAX, |Reverse((time, _))| *time);
        let (source, reader) = &mut rings[at];
        let (given, broken) = give(*source, reader, ends[at], latest, sink);
        total += given;
        if broken.is_some() {
            return (total, broken);
        }
        first.extend(next(rings, at));
    }
    (total, None)
}

/// Gives what waits in one ring, up to `end` and the time `latest`.
fn give<B>(
    source: SourceId,
    reader: &mut CpuReader,
    end: u64,
    latest: u64,
    sink: &mut impl FnMut(Event<'_>) -> ControlFlow<B>,
) -> (usize, Option<B>) {
    let cpu = reader.cpu;
    reader.ring.consume_until(end, latest, |record| match record {
        PerfRecord::Sample(data) => sink(Event::Sample { source, cpu, data }),
        PerfRecord::Lost(count) => sink(Event::Lost { source, cpu, count }),
    })
}
