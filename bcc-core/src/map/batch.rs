//! Many elements per system call where the kernel can, one by one where it cannot.

use super::{Bytes, Map, MapError};
use bcc_sys::SysError;
use bcc_sys::bpf::{BatchResult, MapFd, MapType};
use nix::errno::Errno;

/// Elements asked for at once, to begin with.
const CHUNK: usize = 1024;

type Read = fn(&MapFd, Option<&[u8]>, &mut [u8], &mut [u8]) -> Result<BatchResult, SysError>;

/// Whether the answer means that the kernel lacks the command for this type, not that it failed.
pub(super) fn unsupported(error: SysError) -> bool {
    matches!(error.errno, Errno::EINVAL | Errno::EPERM) || error.is_unsupported()
}

impl Map {
    /// Types whose batch commands exist in some kernel; others are walked at once.
    fn may_batch(&self) -> bool {
        matches!(
            self.map_type(),
            MapType::HASH
                | MapType::ARRAY
                | MapType::LRU_HASH
                | MapType::PERCPU_HASH
                | MapType::PERCPU_ARRAY
                | MapType::LRU_PERCPU_HASH
                | MapType::LPM_TRIE
                | MapType::ARRAY_OF_MAPS
                | MapType::HASH_OF_MAPS
        ) && self.key_size() > 0
    }

    /// All elements. The kernel may write meanwhile: an element that comes or goes may be missed.
    ///
    /// # Errors
    /// [`MapError::Op`] when the kernel refuses.
    pub fn items(&self) -> Result<Vec<(Bytes, Bytes)>, MapError> {
        match self.read_all(MapFd::lookup_batch)? {
            Some(items) => Ok(items),
            None => self.items_one_by_one(false),
        }
    }

    /// Takes all elements out.
    ///
    /// # Errors
    /// [`MapError::Op`] when the kernel refuses.
    pub fn take_items(&self) -> Result<Vec<(Bytes, Bytes)>, MapError> {
        let deletes = !self.map_type().is_array();
        let taken = if deletes { self.read_all(MapFd::lookup_and_delete_batch)? } else { None };
        match taken {
            Some(items) => Ok(items),
            None => self.items_one_by_one(true),
        }
    }

    fn items_one_by_one(&self, take: bool) -> Result<Vec<(Bytes, Bytes)>, MapError> {
        let mut items = Vec::new();
        for key in self.keys() {
            let key = key?;
            let value = if !take {
                self.lookup(&key)?
            } else if self.map_type().is_array() {
                let value = self.lookup(&key)?;
                self.update(&key, &vec![0; self.value_len()], 0)?;
                value
            } else {
                self.lookup_and_delete(&key)?
            };
            if let Some(value) = value {
                items.push((key, value));
            }
        }
        Ok(items)
    }

    /// `None` when the kernel has no such command for the map.
    fn read_all(&self, read: Read) -> Result<Option<Vec<(Bytes, Bytes)>>, MapError> {
        if !self.may_batch() || self.value_len() == 0 {
            return Ok(None);
        }
        let (key_len, value_len) = (self.key_size(), self.value_len());
        let mut room = CHUNK.min(self.max_entries() as usize).max(1);
        let (mut keys, mut values) = (vec![0; room * key_len], vec![0; room * value_len]);
        let mut items = Vec::new();
        let mut start: Option<Bytes> = None;
        loop {
            let batch = match read(self.raw(), start.as_deref(), &mut keys, &mut values) {
                Ok(batch) => batch,
                // A bucket holds more than fits: more room, from the same place.
                Err(error)
                    if error.errno == Errno::ENOSPC && room < self.max_entries() as usize =>
                {
                    room = (room * 2).min(self.max_entries() as usize);
                    keys.resize(room * key_len, 0);
                    values.resize(room * value_len, 0);
                    continue;
                }
                Err(error) if start.is_none() && unsupported(error) => return Ok(None),
                Err(error) => return Err(self.failed("read a batch of")(error)),
            };
            let keys = keys.chunks_exact(key_len).take(batch.count);
            let values = values.chunks_exact(value_len);
            items.extend(keys.zip(values).map(|(key, value)| (key.to_vec(), value.to_vec())));
            match batch.next {
                Some(next) => start = Some(next),
                None => return Ok(Some(items)),
            }
        }
    }

    /// Writes elements: `keys` and `values` follow each other without gaps. Returns how many.
    ///
    /// # Errors
    /// [`MapError::Size`] for buffers of other sizes, [`MapError::Op`] when the kernel refuses.
    pub fn update_batch(&self, keys: &[u8], values: &[u8]) -> Result<usize, MapError> {
        let count = self.batch_len(keys)?;
        self.sized("value", values, count * self.value_len())?;
        if count == 0 {
            return Ok(0);
        }
        if self.may_batch() {
            match self.raw().update_batch(keys, values, 0) {
                Err(error) if unsupported(error) => {}
                other => return other.map_err(self.failed("update a batch of")),
            }
        }
        let values = values.chunks_exact(self.value_len());
        for (key, value) in keys.chunks_exact(self.key_size()).zip(values) {
            self.update(key, value, 0)?;
        }
        Ok(count)
    }

    /// Removes elements: `keys` follow each other without gaps; absent ones are passed over. Returns
    /// how many were there.
    ///
    /// # Errors
    /// [`MapError::Size`] for a buffer of another size, [`MapError::Op`] when the kernel refuses.
    pub fn delete_batch(&self, keys: &[u8]) -> Result<usize, MapError> {
        let count = self.batch_len(keys)?;
        if count == 0 {
            return Ok(0);
        }
        let (mut deleted, mut at) = (0, 0);
        while self.may_batch() && at < count {
            match self.raw().delete_batch(&keys[at * self.key_size()..]) {
                Ok(done) => {
                    deleted += done;
                    // It stopped at an absent key: go on behind that one.
                    at += done + 1;
                }
                Err(error) if unsupported(error) => break,
                Err(error) => return Err(self.failed("delete a batch of")(error)),
            }
        }
        for key in keys.chunks_exact(self.key_size()).skip(at) {
            deleted += usize::from(self.delete(key)?);
        }
        Ok(deleted)
    }

    fn batch_len(&self, keys: &[u8]) -> Result<usize, MapError> {
        let each = self.key_size();
        if each == 0 || !keys.len().is_multiple_of(each) {
            let wanted = keys.len().next_multiple_of(each.max(1));
            self.sized("key", keys, wanted.max(1))?;
        }
        Ok(keys.len().checked_div(each).unwrap_or(0))
    }
}
