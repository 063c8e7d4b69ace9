//! All elements of a map at once.

use crate::error;
use crate::map::Map;
use bcc_sys::SysError;
use bcc_sys::bpf::{self, MapFd, MapType};
use nix::errno::Errno;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

/// A command that reads elements in batches.
type ReadBatch =
    fn(&MapFd, Option<&[u8]>, &mut [u8], &mut [u8]) -> Result<bpf::BatchResult, SysError>;
/// Keys, leaves, and how many of each.
pub(crate) type Rows<'py> = (Bound<'py, PyByteArray>, Bound<'py, PyByteArray>, usize);

/// Entries asked for in one batch call, to begin with.
const CHUNK: usize = 4096;

/// All elements, one behind the other.
#[derive(Default)]
pub(crate) struct Flat {
    pub(crate) keys: Vec<u8>,
    leaves: Vec<u8>,
    pub(crate) count: usize,
}

impl Map {
    /// All elements, by batch calls where the kernel has them.
    pub(crate) fn all(&self) -> PyResult<Flat> {
        if let Some(flat) = self.batch(MapFd::lookup_batch, "BPF_MAP_LOOKUP_BATCH", true)? {
            return Ok(flat);
        }
        let mut flat = Flat::default();
        let mut value = vec![0; self.core.value_len()];
        for key in self.core.keys() {
            let key = key.map_err(|e| error::map_error(&e))?;
            match self.core.raw().lookup(&key, &mut value, 0) {
                Ok(true) => flat.push(&key, &value),
                Ok(false) => {}
                Err(e) => return Err(error::map_failed("Could not look up", e)),
            }
        }
        Ok(flat)
    }

    /// Reads all by batch calls; `None` when the kernel has none for this type and `optional` is set.
    pub(crate) fn batch(
        &self,
        read: ReadBatch,
        call: &str,
        optional: bool,
    ) -> PyResult<Option<Flat>> {
        let (key_len, value_len) = (self.core.key_size(), self.core.value_len());
        let most = self.core.max_entries() as usize;
        if optional && (key_len == 0 || value_len == 0 || !batches(self.core.map_type())) {
            return Ok(None);
        }
        let mut room = CHUNK.min(most).max(1);
        let mut flat = Flat::default();
        let mut start: Option<Vec<u8>> = None;
        loop {
            let (have_keys, have_leaves) = (flat.count * key_len, flat.count * value_len);
            flat.keys.resize(have_keys + room * key_len, 0);
            flat.leaves.resize(have_leaves + room * value_len, 0);
            let (keys, leaves) = (&mut flat.keys[have_keys..], &mut flat.leaves[have_leaves..]);
            match read(self.core.raw(), start.as_deref(), keys, leaves) {
                Ok(result) => {
                    flat.count += result.count;
                    if result.next.is_none() {
                        flat.keys.truncate(flat.count * key_len);
                        flat.leaves.truncate(flat.count * value_len);
                        return Ok(Some(flat));
                    }
                    start = result.next;
                }
                // A bucket holds more than fits: more room, from the same place.
                Err(e) if e.errno == Errno::ENOSPC && room < most => room = (room * 2).min(most),
                Err(_) if optional && start.is_none() => return Ok(None),
                Err(e) => return Err(error::map_failed(&format!("{call} has failed"), e)),
            }
        }
    }
}

impl Flat {
    pub(crate) fn push(&mut self, key: &[u8], leaf: &[u8]) {
        self.keys.extend_from_slice(key);
        self.leaves.extend_from_slice(leaf);
        self.count += 1;
    }

    pub(crate) fn into_py(self, py: Python<'_>) -> Rows<'_> {
        (PyByteArray::new(py, &self.keys), PyByteArray::new(py, &self.leaves), self.count)
    }
}

/// Types that some kernel reads in batches.
pub(crate) fn batches(map_type: MapType) -> bool {
    matches!(
        map_type,
        MapType::HASH
            | MapType::ARRAY
            | MapType::LRU_HASH
            | MapType::PERCPU_HASH
            | MapType::PERCPU_ARRAY
            | MapType::LRU_PERCPU_HASH
            | MapType::LPM_TRIE
    )
}
