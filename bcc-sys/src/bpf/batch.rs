//! Batch commands: many elements per system call.

use super::attr::MapBatchAttr;
use super::call::{addr, addr_mut, bpf, raw};
use super::cmd::Cmd;
use super::map::MapFd;
use crate::SysError;
use nix::errno::Errno;
use std::os::fd::AsFd;

/// What one batch of lookups gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchResult {
    /// Elements read into the front of the caller's buffers.
    pub count: usize,
    /// Where to go on, or `None` when that was all.
    pub next: Option<Vec<u8>>,
}

impl MapFd {
    /// Copies elements from `start` (`None`: the beginning) on, as many as fit.
    ///
    /// # Errors
    /// `EINVAL` for buffers that are no multiple of the map's sizes or of differing counts, and for map
    /// types without the command; `ENOSPC` when a hash bucket has more elements than fit.
    ///
    /// # Kernel support
    /// Hash and array 5.6, LPM 5.9, per-CPU hash 5.6, per-CPU array 5.13.
    pub fn lookup_batch(
        &self,
        start: Option<&[u8]>,
        keys: &mut [u8],
        values: &mut [u8],
    ) -> Result<BatchResult, SysError> {
        self.read_batch(Cmd::MapLookupBatch, start, keys, values)
    }

    /// As [`Self::lookup_batch`], taking the elements out.
    ///
    /// # Errors
    /// See [`Self::lookup_batch`].
    pub fn lookup_and_delete_batch(
        &self,
        start: Option<&[u8]>,
        keys: &mut [u8],
        values: &mut [u8],
    ) -> Result<BatchResult, SysError> {
        self.read_batch(Cmd::MapLookupAndDeleteBatch, start, keys, values)
    }

    /// Bytes of a position: hash maps use a bucket's number, others the last key.
    fn position_len(&self) -> usize {
        self.key_len().max(8)
    }

    fn read_batch(
        &self,
        cmd: Cmd,
        start: Option<&[u8]>,
        keys: &mut [u8],
        values: &mut [u8],
    ) -> Result<BatchResult, SysError> {
        let room = self.batch_count(cmd, keys.len(), Some(values.len()))?;
        if start.is_some_and(|start| start.len() != self.position_len()) {
            return Err(SysError { call: cmd.call(), errno: Errno::EINVAL });
        }
        let mut next = vec![0; self.position_len()];
        let mut attr = MapBatchAttr {
            in_batch: addr(start.unwrap_or_default()),
            out_batch: addr_mut(&mut next),
            keys: addr_mut(keys),
            values: addr_mut(values),
            count: room,
            map_fd: raw(self.as_fd()),
            ..Default::default()
        };
        let more = match bpf(cmd, &mut attr) {
            Ok(_) => true,
            Err(error) if error.errno == Errno::ENOENT => false,
            Err(error) => return Err(error),
        };
        let count = attr.count.min(room) as usize;
        Ok(BatchResult { count, next: more.then_some(next) })
    }

    /// Writes as many elements as the buffers hold; returns how many, which is all unless it fails.
    ///
    /// # Errors
    /// See [`Self::lookup_batch`], and [`MapFd::update`]'s.
    pub fn update_batch(&self, keys: &[u8], values: &[u8], flags: u64) -> Result<usize, SysError> {
        let cmd = Cmd::MapUpdateBatch;
        let count = self.batch_count(cmd, keys.len(), Some(values.len()))?;
        self.write_batch(cmd, count, addr(keys), addr(values), flags)
    }

    /// Removes elements and returns how many; fewer than given when it stopped at an absent key, which
    /// is the one at that index.
    ///
    /// # Errors
    /// See [`Self::lookup_batch`].
    pub fn delete_batch(&self, keys: &[u8]) -> Result<usize, SysError> {
        let cmd = Cmd::MapDeleteBatch;
        let count = self.batch_count(cmd, keys.len(), None)?;
        self.write_batch(cmd, count, addr(keys), 0, 0)
    }

    fn write_batch(
        &self,
        cmd: Cmd,
        count: u32,
        keys: u64,
        values: u64,
        elem_flags: u64,
    ) -> Result<usize, SysError> {
        let map_fd = raw(self.as_fd());
        let mut attr =
            MapBatchAttr { keys, values, count, map_fd, elem_flags, ..Default::default() };
        match bpf(cmd, &mut attr) {
            Ok(_) => {}
            Err(error) if cmd == Cmd::MapDeleteBatch && error.errno == Errno::ENOENT => {}
            Err(error) => return Err(error),
        }
        Ok(attr.count.min(count) as usize)
    }

    /// Elements in buffers of these lengths, which must be whole and equal in number.
    fn batch_count(&self, cmd: Cmd, keys: usize, values: Option<usize>) -> Result<u32, SysError> {
        let whole =
            |len: usize, each: usize| (each > 0 && len.is_multiple_of(each)).then(|| len / each);
        let count = whole(keys, self.key_len())
            .filter(|count| values.is_none_or(|len| whole(len, self.value_len()) == Some(*count)));
        count
            .and_then(|count| u32::try_from(count).ok())
            .ok_or(SysError { call: cmd.call(), errno: Errno::EINVAL })
    }
}
