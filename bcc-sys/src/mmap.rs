//! Mapped memory that the kernel writes: perf rings and BPF ring buffers.
//!
//! Positions are loaded with `Acquire` and stored with `Release`; what lies between consumer and
//! producer is not written by the kernel, so it may be lent as a slice until it is given back.

use crate::SysError;
use crate::perf::SAMPLE_TIME;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, munmap};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Bytes per page of memory.
pub fn page_size() -> usize {
    match nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE) {
        Ok(Some(size)) if size > 0 => size as usize,
        _ => 4096,
    }
}

/// Memory that some other party writes as well.
#[derive(Debug)]
struct Region {
    base: NonNull<u8>,
    len: usize,
    owner: Owner,
}

/// Who gives the memory back.
#[derive(Debug)]
enum Owner {
    /// A mapping, made in the process with this id; a forked child has it not.
    Mapped { pid: u32 },
    /// The test that made it.
    #[cfg(test)]
    Borrowed,
}

// SAFETY: a region is an address range without thread affinity; all access goes through the
// methods below, which need `&mut` of the ring for anything but atomic loads.
unsafe impl Send for Region {}
// SAFETY: by shared reference only atomic loads and stores are possible.
unsafe impl Sync for Region {}

// What is called per record is inlined into `consume`, which other crates instantiate.
impl Region {
    fn map(fd: BorrowedFd<'_>, len: usize, offset: usize, write: bool) -> Result<Self, SysError> {
        let fail = |errno| SysError { call: "mmap", errno };
        let size = NonZeroUsize::new(len).ok_or(fail(nix::errno::Errno::EINVAL))?;
        let mut prot = ProtFlags::PROT_READ;
        if write {
            prot |= ProtFlags::PROT_WRITE;
        }
        // SAFETY: no address is asked for, so no memory in use is replaced; `fd` is open.
        let base =
            unsafe { mmap(None, size, prot, MapFlags::MAP_SHARED, fd, offset as libc::off_t) }
                .map_err(fail)?;
        let region =
            Self { base: base.cast(), len, owner: Owner::Mapped { pid: std::process::id() } };
        // SAFETY: the range has just been mapped, whole pages, and is ours.
        unsafe { madvise(base, len, MmapAdvise::MADV_DONTFORK) }
            .map_err(|errno| SysError { call: "madvise(DONTFORK)", errno })?;
        Ok(region)
    }

    /// Whether the memory is there in this process.
    fn is_ours(&self) -> bool {
        match self.owner {
            Owner::Mapped { pid } => pid == std::process::id(),
            #[cfg(test)]
            Owner::Borrowed => true,
        }
    }

    /// The 64-bit word at byte `offset`.
    #[inline]
    fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.len, "word outside the mapping");
        // SAFETY: in bounds (asserted) of a range that lives as long as `self`.
        let at = unsafe { self.base.add(offset) };
        // SAFETY: aligned (pages are, and so is the offset), in bounds, and every party that
        // writes the word does it atomically.
        unsafe { AtomicU64::from_ptr(at.as_ptr().cast()) }
    }

    /// The 32-bit word at byte `offset`.
    #[inline]
    fn half(&self, offset: usize) -> &AtomicU32 {
        assert!(offset.is_multiple_of(4) && offset + 4 <= self.len, "word outside the mapping");
        // SAFETY: in bounds (asserted) of a range that lives as long as `self`.
        let at = unsafe { self.base.add(offset) };
        // SAFETY: as in `word`.
        unsafe { AtomicU32::from_ptr(at.as_ptr().cast()) }
    }

    /// Bytes that the other party does not write for the length of the borrow.
    ///
    /// # Safety
    /// The range lies between the consumer's and the producer's position, and the consumer's is
    /// not moved past it while the slice lives.
    #[inline]
    unsafe fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        let end = offset.checked_add(len);
        assert!(end.is_some_and(|end| end <= self.len), "slice outside the mapping");
        // SAFETY: in bounds (asserted) of a range that lives as long as `self`.
        let at = unsafe { self.base.add(offset) };
        // SAFETY: in bounds, initialised by the kernel; nobody writes it meanwhile (caller).
        unsafe { std::slice::from_raw_parts(at.as_ptr(), len) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        match self.owner {
            // In a forked child the range is not mapped, or holds something of the child's own.
            Owner::Mapped { pid } if pid == std::process::id() => {
                // SAFETY: mapped by `map`, whole, and no borrow of it outlives `self`.
                let _ = unsafe { munmap(self.base.cast(), self.len) };
            }
            Owner::Mapped { .. } => {}
            #[cfg(test)]
            Owner::Borrowed => {}
        }
    }
}

/// What a perf ring holds.
#[derive(Debug, PartialEq, Eq)]
pub enum PerfRecord<'a> {
    /// What `bpf_perf_event_output` sent, padded by the kernel to 8 bytes minus 4.
    Sample(&'a [u8]),
    /// So many samples found no room.
    Lost(u64),
}

/// The ring of one perf event whose samples are the bytes, or a time and the bytes.
#[derive(Debug)]
pub struct PerfRing {
    region: Region,
    data: usize,
    size: usize,
    /// Whether samples begin with a time.
    timed: bool,
    scratch: Vec<u8>,
}

impl PerfRing {
    const HEAD: usize = 1024;
    const TAIL: usize = 1032;
    const RECORD_LOST: u32 = 2;
    const RECORD_SAMPLE: u32 = 9;

    /// Maps `pages` pages (a power of two) of data of a perf event, with the `sample_type` that it was
    /// opened with: [`SAMPLE_RAW`](crate::perf::SAMPLE_RAW), with or without [`SAMPLE_TIME`].
    ///
    /// # Errors
    /// `EINVAL` for a number that is no power of two, `EPERM` over the limit of locked memory.
    pub fn map(event: BorrowedFd<'_>, pages: usize, sample_type: u64) -> Result<Self, SysError> {
        let invalid = SysError { call: "mmap", errno: nix::errno::Errno::EINVAL };
        if !pages.is_power_of_two() {
            return Err(invalid);
        }
        let page = page_size();
        let size = pages.checked_mul(page).ok_or(invalid)?;
        let len = size.checked_add(page).ok_or(invalid)?;
        let region = Region::map(event, len, 0, true)?;
        let timed = sample_type & SAMPLE_TIME != 0;
        Ok(Self { region, data: page, size, timed, scratch: Vec::new() })
    }

    /// Whether anything waits.
    pub fn is_empty(&self) -> bool {
        if !self.region.is_ours() {
            return true;
        }
        let head = self.region.word(Self::HEAD).load(Ordering::Acquire);
        head == self.region.word(Self::TAIL).load(Ordering::Relaxed)
    }

    /// How far the kernel has written: an end for [`PerfRing::consume_until`].
    pub fn head(&self) -> u64 {
        if self.region.is_ours() { self.region.word(Self::HEAD).load(Ordering::Acquire) } else { 0 }
    }

    /// When the next record before `end` was written, in nanoseconds of `CLOCK_MONOTONIC`; 0 for one
    /// that does not say. `None` when there is none.
    pub fn next_time(&self, end: u64) -> Option<u64> {
        if !self.region.is_ours() {
            return None;
        }
        let tail = self.region.word(Self::TAIL).load(Ordering::Relaxed);
        let available = end.wrapping_sub(tail) as usize;
        let time = |(kind, _)| self.time(tail, kind);
        (available > 0).then(|| self.header(tail, available).map_or(0, time))
    }

    /// Gives each waiting record to `sink` until it breaks; returns how many were given and the
    /// value of the break. What was given is free for the kernel when this returns.
    ///
    /// A ring inherited through fork has nothing to give.
    pub fn consume<B>(
        &mut self,
        sink: impl FnMut(PerfRecord<'_>) -> ControlFlow<B>,
    ) -> (usize, Option<B>) {
        self.consume_until(self.head(), u64::MAX, sink)
    }

    /// As [`PerfRing::consume`], of what is before `end` (a [`PerfRing::head`]) and not later than
    /// `latest` in [`PerfRing::next_time`].
    pub fn consume_until<B>(
        &mut self,
        end: u64,
        latest: u64,
        mut sink: impl FnMut(PerfRecord<'_>) -> ControlFlow<B>,
    ) -> (usize, Option<B>) {
        if !self.region.is_ours() {
            return (0, None);
        }
        let mut given = 0;
        let mut tail = self.region.word(Self::TAIL).load(Ordering::Relaxed);
        let mut broken = None;
        while tail != end {
            let available = end.wrapping_sub(tail) as usize;
            let Some((kind, len)) = self.header(tail, available) else {
                // Never seen from a kernel; what cannot be read is given up, not looped over.
                tail = end;
                break;
            };
            if latest != u64::MAX && self.time(tail, kind) > latest {
                break;
            }
            let flow = match kind {
                Self::RECORD_SAMPLE | Self::RECORD_LOST => {
                    let before = if self.timed { 8 } else { 0 };
                    let bytes = self.record(tail, len);
                    Self::decode(kind, bytes, before).map(&mut sink)
                }
                _ => None,
            };
            tail = tail.wrapping_add(len as u64);
            given += usize::from(flow.is_some());
            if let Some(ControlFlow::Break(value)) = flow {
                broken = Some(value);
                break;
            }
        }
        self.region.word(Self::TAIL).store(tail, Ordering::Release);
        (given, broken)
    }

    /// Type and length of the record at `at`; `None` when it contradicts itself.
    fn header(&self, at: u64, available: usize) -> Option<(u32, usize)> {
        // Records are multiples of 8 bytes, so a header never wraps.
        let offset = self.data + (at as usize & (self.size - 1));
        let kind = self.region.half(offset).load(Ordering::Relaxed);
        let rest = self.region.half(offset + 4).load(Ordering::Relaxed);
        let len = usize::from((rest.to_ne_bytes()[2..4]).try_into().map(u16::from_ne_bytes).ok()?);
        (len >= 8 && len <= available && len.is_multiple_of(8)).then_some((kind, len))
    }

    /// When the record of this kind at `at` was written.
    #[inline]
    fn time(&self, at: u64, kind: u32) -> u64 {
        if kind != Self::RECORD_SAMPLE || !self.timed {
            return 0;
        }
        let offset = self.data + (at.wrapping_add(8) as usize & (self.size - 1));
        self.region.word(offset).load(Ordering::Relaxed)
    }

    /// The record's bytes in one piece.
    fn record(&mut self, at: u64, len: usize) -> &[u8] {
        let start = at as usize & (self.size - 1);
        if start + len <= self.size {
            // SAFETY: between tail and head; `consume` moves the tail after the borrow's end.
            return unsafe { self.region.bytes(self.data + start, len) };
        }
        let first = self.size - start;
        self.scratch.clear();
        // SAFETY: as above, up to the end of the ring.
        self.scratch.extend_from_slice(unsafe { self.region.bytes(self.data + start, first) });
        // SAFETY: as above, from the start of the ring on.
        self.scratch.extend_from_slice(unsafe { self.region.bytes(self.data, len - first) });
        &self.scratch
    }

    /// `before` are the bytes of a sample before its size.
    fn decode(kind: u32, bytes: &[u8], before: usize) -> Option<PerfRecord<'_>> {
        if kind == Self::RECORD_SAMPLE {
            // header, time, size, data
            let raw = bytes.get(8 + before..)?;
            let size = u32::from_ne_bytes(raw.get(..4)?.try_into().ok()?) as usize;
            return Some(PerfRecord::Sample(raw.get(4..)?.get(..size)?));
        }
        // header, id, lost
        Some(PerfRecord::Lost(u64::from_ne_bytes(bytes.get(16..24)?.try_into().ok()?)))
    }
}

/// A `BPF_MAP_TYPE_RINGBUF` seen from its consumer.
#[derive(Debug)]
pub struct RingBuf {
    consumer: Region,
    producer: Region,
    data: usize,
    mask: usize,
}

impl RingBuf {
    const BUSY: u32 = 1 << 31;
    const DISCARD: u32 = 1 << 30;
    const HEADER: usize = 8;

    /// Maps the ring buffer map `map` of `size` bytes (its `max_entries`).
    ///
    /// # Errors
    /// What `mmap(2)` says; `EINVAL` for a size that is no power of two.
    pub fn map(map: BorrowedFd<'_>, size: usize) -> Result<Self, SysError> {
        let page = page_size();
        let invalid = SysError { call: "mmap", errno: nix::errno::Errno::EINVAL };
        if !size.is_power_of_two() {
            return Err(invalid);
        }
        let len = size.checked_mul(2).and_then(|data| data.checked_add(page)).ok_or(invalid)?;
        let consumer = Region::map(map, page, 0, true)?;
        // The kernel maps the data twice in a row, so a record that wraps is in one piece.
        let producer = Region::map(map, len, page, false)?;
        Ok(Self { consumer, producer, data: page, mask: size - 1 })
    }

    /// Whether anything waits, finished or not.
    pub fn is_empty(&self) -> bool {
        if !self.consumer.is_ours() {
            return true;
        }
        let at = self.consumer.word(0).load(Ordering::Relaxed);
        at == self.producer.word(0).load(Ordering::Acquire)
    }

    /// Gives each finished record to `sink` until it breaks; returns how many were given and the
    /// value of the break. Ends at a record that is still being written, and at what was there when
    /// the call began.
    ///
    /// The kernel hears of the progress after each sixteenth of the buffer and at the end.
    /// A ring inherited through fork has nothing to give.
    pub fn consume<B>(
        &mut self,
        mut sink: impl FnMut(&[u8]) -> ControlFlow<B>,
    ) -> (usize, Option<B>) {
        if !self.consumer.is_ours() {
            return (0, None);
        }
        let stride = ((self.mask + 1) / 16) as u64;
        let mut given = 0;
        let mut at = self.consumer.word(0).load(Ordering::Relaxed);
        let mut told = at;
        // What arrives meanwhile waits for the next call: epoll finds it there, level-triggered,
        // and a fast producer cannot keep the caller here for ever.
        let end = self.producer.word(0).load(Ordering::Acquire);
        while at < end {
            let offset = self.data + (at as usize & self.mask);
            let header = self.producer.half(offset).load(Ordering::Acquire);
            let len = (header & !(Self::BUSY | Self::DISCARD)) as usize;
            if header & Self::BUSY != 0 || len > self.mask {
                break;
            }
            let mut flow = ControlFlow::Continue(());
            if header & Self::DISCARD == 0 {
                // SAFETY: a finished record between consumer and producer; the position moves
                // past it only below.
                let bytes = unsafe { self.producer.bytes(offset + Self::HEADER, len) };
                flow = sink(bytes);
                given += 1;
            }
            at += (len + Self::HEADER).next_multiple_of(8) as u64;
            if at - told >= stride {
                self.consumer.word(0).store(at, Ordering::Release);
                told = at;
            }
            if let ControlFlow::Break(value) = flow {
                self.consumer.word(0).store(at, Ordering::Release);
                return (given, Some(value));
            }
        }
        self.consumer.word(0).store(at, Ordering::Release);
        (given, None)
    }
}

#[cfg(test)]
#[path = "mmap_tests.rs"]
mod tests;
