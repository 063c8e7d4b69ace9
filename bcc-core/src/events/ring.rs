//! `BPF_MAP_TYPE_RINGBUF`: one ring that all CPUs write.

use super::EventError;
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
        Ok(Self { ring, map })
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
