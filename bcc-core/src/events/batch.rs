//! Events copied out of the rings.

use super::SourceId;

/// Events in the order they were read, in one piece of memory that is used again and again.
#[derive(Debug, Default, Clone)]
pub struct Batch {
    bytes: Vec<u8>,
    records: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    source: SourceId,
    cpu: u32,
    lost: u64,
    start: usize,
    len: usize,
}

/// One event of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Which buffer it came through.
    pub source: SourceId,
    /// CPU whose ring held it; 0 for ring buffers, which have no CPU.
    pub cpu: u32,
    /// How many events found no room; such a record has no data.
    pub lost: u64,
    /// What the program sent, at an address that is a multiple of 8; of a perf buffer, up to seven bytes
    /// more: [`Pod::from_prefix`](crate::map::Pod::from_prefix) makes a struct of them.
    pub data: &'a [u8],
}

impl Batch {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
    }

    /// The record at `index`.
    pub fn get(&self, index: usize) -> Option<Record<'_>> {
        self.records.get(index).map(|entry| self.record(entry))
    }

    /// All records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.records.iter().map(|entry| self.record(entry))
    }

    fn record(&self, entry: &Entry) -> Record<'_> {
        let data = &self.bytes[entry.start..entry.start + entry.len];
        Record { source: entry.source, cpu: entry.cpu, lost: entry.lost, data }
    }

    pub(super) fn push(&mut self, source: SourceId, cpu: u32, data: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(data);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.records.push(Entry { source, cpu, lost: 0, start, len: data.len() });
    }

    pub(super) fn push_lost(&mut self, source: SourceId, cpu: u32, lost: u64) {
        self.records.push(Entry { source, cpu, lost, start: self.bytes.len(), len: 0 });
    }
}
