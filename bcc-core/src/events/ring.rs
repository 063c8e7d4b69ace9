//! `BPF_MAP_TYPE_RINGBUF`: one ring that all CPUs write.

use super::EventError;
use crate::map::{Map, MapError};
use bcc_sys::SysError;
use bcc_sys::bpf::{MapFd, MapType};
use bcc_sys::mmap::RingBuf;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};

/// A mapped ring buffer.
#[derive(Debug)]
pub struct RingBuffer {
    ring: RingBuf,
    map: MapFd,
    /// As the module knows it, where losses are counted.
    table: Option<Map>,
}

impl RingBuffer {
    /// Maps the ring buffer map.
    ///
    /// # Errors
    /// [`EventError::MapType`] for a map of another kind; what `mmap(2)` says.
    ///
    /// # Kernel support
    /// v5.8.
    pub fn open(map: BorrowedFd<'_>) -> Result<Self, EventError> {
        let map = open_map(map, MapType::RINGBUF)?;
        let ring = RingBuf::map(map.as_fd(), map.info().max_entries as usize)?;
        Ok(Self { ring, map, table: None })
    }

    /// Maps the ring buffer of a `BPF_RINGBUF_OUTPUT` table, whose losses are counted.
    ///
    /// # Errors
    /// As [`RingBuffer::open`].
    pub fn of(table: &Map) -> Result<Self, EventError> {
        Ok(Self { table: Some(table.clone()), ..Self::open(table.as_fd())? })
    }

    /// How many records found no room so far, in all programs of the module; `None` unless opened by
    /// [`RingBuffer::of`]. See [`Map::losses`].
    ///
    /// # Errors
    /// As [`Map::losses`].
    pub fn losses(&self) -> Result<Option<u64>, MapError> {
        self.table.as_ref().map_or(Ok(None), Map::losses)
    }

    /// Gives each waiting event to `sink` until it breaks; returns how many were given and the
    /// break's value.
    pub fn consume<B>(&mut self, sink: impl FnMut(&[u8]) -> ControlFlow<B>) -> (usize, Option<B>) {
        self.ring.consume(sink)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }
}

impl AsFd for RingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

/// A descriptor of our own of a map of type `expected`.
pub(super) fn open_map(map: BorrowedFd<'_>, expected: MapType) -> Result<MapFd, EventError> {
    let copy =
        map.try_clone_to_owned().map_err(|_lost| SysError::last("fcntl(F_DUPFD_CLOEXEC)"))?;
    let map = MapFd::new(copy)?;
    let found = map.map_type();
    if found == expected { Ok(map) } else { Err(EventError::MapType { found, expected }) }
}
