//! Perf buffers: one ring per online CPU, filled by `bpf_perf_event_output`.

use super::EventError;
use super::ring::open_map;
use crate::kernel::cpus;
use bcc_sys::SysError;
use bcc_sys::bpf::{MapFd, MapType};
use bcc_sys::mmap::{PerfRecord, PerfRing};
use bcc_sys::perf::{self, PerfEventAttr};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Size and manners of a perf buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerfBufferOpts {
    /// Pages of data per CPU, a power of two.
    pub page_count: usize,
    /// Wake the reader after so many events.
    pub wakeup_events: u32,
}

impl Default for PerfBufferOpts {
    fn default() -> Self {
        Self { page_count: 8, wakeup_events: 1 }
    }
}

/// One CPU's ring.
#[derive(Debug)]
pub(super) struct CpuReader {
    pub(super) cpu: u32,
    pub(super) event: OwnedFd,
    pub(super) ring: PerfRing,
    /// What the event's clock showed at the last look.
    enabled_for: Option<u64>,
}

impl CpuReader {
    fn open(map: &MapFd, cpu: u32, opts: PerfBufferOpts) -> Result<Self, SysError> {
        let mut attr = PerfEventAttr::bpf_output(opts.wakeup_events);
        attr.read_format = perf::FORMAT_TOTAL_TIME_ENABLED;
        let event = perf::open(&attr, -1, cpu.cast_signed(), -1)?;
        let ring = PerfRing::map(event.as_fd(), opts.page_count, attr.sample_type)?;
        perf::enable(event.as_fd())?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&event);
        map.update(&cpu.to_ne_bytes(), &number.to_ne_bytes(), 0)?;
        Ok(Self { cpu, event, ring, enabled_for: None })
    }

    /// Whether the event's clock has stood still since the last call. A CPU that goes off stops the
    /// events on it for good: the kernel never fills their rings again, though the CPU come back before
    /// anybody sees it gone.
    fn has_stopped(&mut self) -> bool {
        match perf::time_enabled(self.event.as_fd()) {
            Ok(now) => self.enabled_for.replace(now) == Some(now),
            Err(error) => {
                log::debug!("cannot tell whether CPU {} fills its ring: {error}", self.cpu);
                false
            }
        }
    }
}

/// What changed when the CPUs were looked at again.
#[derive(Debug, Default)]
pub(super) struct CpuChange {
    /// Index of the first new reader among [`PerfBuffer::readers`].
    pub(super) added_from: usize,
    /// Readers of CPUs that are or were off; what their rings still hold can be read.
    pub(super) removed: Vec<CpuReader>,
}

/// The rings of one `BPF_MAP_TYPE_PERF_EVENT_ARRAY`.
#[derive(Debug)]
pub struct PerfBuffer {
    map: MapFd,
    opts: PerfBufferOpts,
    pub(super) readers: Vec<CpuReader>,
    pid: u32,
}

impl PerfBuffer {
    /// Opens a ring for each online CPU and puts it into the map.
    ///
    /// # Errors
    /// [`EventError::PageCount`], [`EventError::MapType`]; `EPERM` over the limit of locked memory.
    pub fn open(map: BorrowedFd<'_>, opts: PerfBufferOpts) -> Result<Self, EventError> {
        let online = cpus::online().map_err(EventError::Cpus)?;
        Self::open_on(map, opts, &online)
    }

    /// As [`PerfBuffer::open`], for these CPUs only.
    ///
    /// # Errors
    /// As [`PerfBuffer::open`]; `ENODEV` for a CPU that is off.
    pub fn open_on(
        map: BorrowedFd<'_>,
        opts: PerfBufferOpts,
        cpus: &[u32],
    ) -> Result<Self, EventError> {
        if !opts.page_count.is_power_of_two() {
            return Err(EventError::PageCount(opts.page_count));
        }
        let map = open_map(map, MapType::PERF_EVENT_ARRAY)?;
        let mut buffer = Self { map, opts, readers: Vec::new(), pid: std::process::id() };
        for &cpu in cpus {
            buffer.readers.push(CpuReader::open(&buffer.map, cpu, opts)?);
        }
        Ok(buffer)
    }

    /// CPUs whose rings are open.
    pub fn cpus(&self) -> Vec<u32> {
        self.readers.iter().map(|reader| reader.cpu).collect()
    }

    /// Opens rings for CPUs that came and takes out those of CPUs that went, also of those that are back.
    pub(super) fn follow(&mut self, online: &[u32]) -> CpuChange {
        let (mut kept, mut removed) = (Vec::new(), Vec::new());
        for mut reader in self.readers.drain(..) {
            let fills = online.contains(&reader.cpu) && !reader.has_stopped();
            if fills { kept.push(reader) } else { removed.push(reader) }
        }
        self.readers = kept;
        let change = CpuChange { added_from: self.readers.len(), removed };
        for reader in &change.removed {
            self.take_out(reader.cpu);
        }
        for &cpu in online {
            if self.readers.iter().any(|reader| reader.cpu == cpu) {
                continue;
            }
            match CpuReader::open(&self.map, cpu, self.opts) {
                Ok(reader) => self.readers.push(reader),
                // It may be gone again by now; the next look shows.
                Err(error) => log::warn!("no perf buffer on CPU {cpu}: {error}"),
            }
        }
        change
    }

    /// Gives every waiting record to `sink` with its CPU until it breaks; returns how many were
    /// given and the break's value.
    pub fn consume<B>(
        &mut self,
        mut sink: impl FnMut(u32, PerfRecord<'_>) -> ControlFlow<B>,
    ) -> (usize, Option<B>) {
        let mut given = 0;
        for reader in &mut self.readers {
            let cpu = reader.cpu;
            let (count, broken) = reader.ring.consume(|record| sink(cpu, record));
            given += count;
            if broken.is_some() {
                return (given, broken);
            }
        }
        (given, None)
    }

    fn take_out(&self, cpu: u32) {
        if let Err(error) = self.map.delete(&cpu.to_ne_bytes()) {
            log::debug!("perf buffer of CPU {cpu} stays in its map: {error}");
        }
    }
}

impl Drop for PerfBuffer {
    fn drop(&mut self) {
        // In a forked child the map's entries are the parent's.
        if self.pid == std::process::id() {
            for reader in &self.readers {
                self.take_out(reader.cpu);
            }
        }
    }
}
