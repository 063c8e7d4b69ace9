//! Maps: bytes in, bytes out; typed and per-CPU views over them.
//!
//! [`crate::spec::MapSpec`] → [`create`] → [`Map`] → elements. What a kind word of the dialect means to
//! the kernel is in [`kinds`]; tables shared between modules of the process are in [`registry`].

mod batch;
pub mod create;
mod error;
mod iter;
pub mod kinds;
mod nested;
pub mod percpu;
pub mod pin;
pub mod registry;
mod stack;
pub mod text;
mod typed;

pub use error::MapError;
pub use iter::Keys;
pub use stack::{BuildIdFrame, StackTraces};
pub use typed::{QueueStack, TypedMap};

pub use bcc_sys::bpf::{MapInfo, MapType};
pub use bcc_sys::{Pod, pod_struct};

use crate::program::privilege::{self, Need};
use crate::spec::{MapSpec, RING_LOSSES};
use bcc_sys::bpf::{MapFd, cmd::elem};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// A key or value as the kernel holds it.
pub type Bytes = Vec<u8>;

/// A map in the kernel and what its declaration said. Clones share the descriptor.
#[derive(Clone, Debug)]
pub struct Map {
    spec: Arc<MapSpec>,
    fd: Arc<MapFd>,
    /// Where programs count what finds no room in this ring buffer.
    losses: Option<Arc<Self>>,
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Map {
    /// A map that is already open, with its declaration.
    pub fn new(spec: Arc<MapSpec>, fd: MapFd) -> Self {
        Self { spec, fd: Arc::new(fd), losses: None }
    }

    /// Whether it is the library's own and no table of the user's.
    pub fn is_hidden(&self) -> bool {
        self.name() == RING_LOSSES
    }

    /// How many records found no room in this ring buffer since it was made, as counted by
    /// `ringbuf_output` and `ringbuf_reserve` on all CPUs (a call of the helper itself is not counted);
    /// `None` for other maps.
    ///
    /// # Errors
    /// [`MapError::Op`] when the kernel refuses.
    pub fn losses(&self) -> Result<Option<u64>, MapError> {
        let Some((counts, slot)) = self.losses.as_ref().zip(self.spec.loss_slot) else {
            return Ok(None);
        };
        let per_cpu = counts.lookup_per_cpu(&slot.to_ne_bytes())?;
        Ok(per_cpu.map(|values| values.typed::<u64>().sum()))
    }

    /// The C name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The declaration: C types of key and leaf among others.
    pub fn spec(&self) -> &MapSpec {
        &self.spec
    }

    /// What the kernel said of the map when it was opened: sizes, type, flags, id.
    pub fn info(&self) -> &MapInfo {
        self.fd.info()
    }

    /// The kernel's type.
    pub fn map_type(&self) -> MapType {
        self.fd.map_type()
    }

    /// Bytes per key.
    pub fn key_size(&self) -> usize {
        self.fd.key_len()
    }

    /// Bytes per value; of a per-CPU map, of one CPU.
    pub fn value_size(&self) -> usize {
        self.info().value_size as usize
    }

    /// Bytes that [`Self::lookup`] returns: all CPUs' values for a per-CPU map.
    pub fn value_len(&self) -> usize {
        self.fd.value_len()
    }

    /// Entries the map can hold.
    pub fn max_entries(&self) -> u32 {
        self.info().max_entries
    }

    /// The descriptor with its sizes, for what this type does not wrap.
    pub fn raw(&self) -> &MapFd {
        &self.fd
    }

    fn sized(&self, what: &'static str, bytes: &[u8], wanted: usize) -> Result<(), MapError> {
        if bytes.len() == wanted {
            return Ok(());
        }
        let map = self.name().to_owned();
        Err(MapError::Size { map, what, wanted, got: bytes.len() })
    }

    fn failed(&self, what: &'static str) -> impl FnOnce(bcc_sys::SysError) -> MapError + '_ {
        self.refused(what, Need::Map)
    }

    /// As [`Map::failed`], of an operation that takes the privilege `need`.
    fn refused(
        &self,
        what: &'static str,
        need: Need,
    ) -> impl FnOnce(bcc_sys::SysError) -> MapError + '_ {
        move |source| {
            let hint = privilege::parenthesised_hint(source.errno, need);
            MapError::Op { map: self.name().to_owned(), what, source, hint }
        }
    }

    /// The value of `key`, or `None`.
    ///
    /// # Errors
    /// [`MapError::Size`] for a key of another size, [`MapError::Op`] when the kernel refuses.
    pub fn lookup(&self, key: &[u8]) -> Result<Option<Bytes>, MapError> {
        self.sized("key", key, self.key_size())?;
        let mut value = vec![0; self.value_len()];
        let found = self.fd.lookup(key, &mut value, 0).map_err(self.failed("look up"))?;
        Ok(found.then_some(value))
    }

    /// Writes the value of `key`; `flags` is one of [`elem`]'s.
    ///
    /// # Errors
    /// [`MapError::Size`] for a key or value of another size, [`MapError::Op`] when the kernel
    /// refuses: the map is full, the index too large, the key (or none) there already.
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), MapError> {
        self.sized("key", key, self.key_size())?;
        self.sized("value", value, self.value_len())?;
        self.fd.update(key, value, flags).map_err(self.failed("update"))
    }

    /// Removes `key`; false when it was not there.
    ///
    /// # Errors
    /// [`MapError::Size`] for a key of another size, [`MapError::Op`] when the kernel refuses (arrays
    /// have no absent elements).
    pub fn delete(&self, key: &[u8]) -> Result<bool, MapError> {
        self.sized("key", key, self.key_size())?;
        self.fd.delete(key).map_err(self.failed("delete from"))
    }

    /// Takes the value of `key` out, or `None`.
    ///
    /// # Errors
    /// As [`Self::lookup`].
    ///
    /// # Kernel support
    /// Queues and stacks 4.20, hash maps 5.14; before that a lookup and a deletion follow each other.
    pub fn lookup_and_delete(&self, key: &[u8]) -> Result<Option<Bytes>, MapError> {
        self.sized("key", key, self.key_size())?;
        let mut value = vec![0; self.value_len()];
        match self.fd.lookup_and_delete(key, &mut value, 0) {
            Ok(found) => Ok(found.then_some(value)),
            Err(error) if batch::unsupported(error) && self.key_size() > 0 => {
                let value = self.lookup(key)?;
                Ok(if self.delete(key)? { value } else { None })
            }
            Err(error) => Err(self.failed("take from")(error)),
        }
    }

    /// The key after `key`, the first one for `None`, or `None` at the end. When `key` is gone from a
    /// hash map the kernel starts over; [`Self::keys`] knows how to end all the same.
    ///
    /// # Errors
    /// [`MapError::Size`] for a key of another size, [`MapError::Op`] when the kernel refuses.
    pub fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Bytes>, MapError> {
        if let Some(key) = key {
            self.sized("key", key, self.key_size())?;
        }
        let mut next = vec![0; self.key_size()];
        let found = self.fd.next_key(key, &mut next).map_err(self.failed("walk"))?;
        Ok(found.then_some(next))
    }

    /// All keys, each at most once. The kernel may write meanwhile: keys that stay are seen, those that
    /// come or go may be. Deleting the key just handed out is fine.
    pub fn keys(&self) -> Keys<'_> {
        Keys::new(self)
    }

    /// Writes zeros to every element there is.
    ///
    /// # Errors
    /// [`MapError::Op`] when the kernel refuses.
    pub fn zero(&self) -> Result<(), MapError> {
        let zero = vec![0; self.value_len()];
        for key in self.keys() {
            match self.update(&key?, &zero, elem::EXIST) {
                Err(error) if error.errno() == Some(nix::errno::Errno::ENOENT) => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Removes every element; arrays of values are set to zero instead, since theirs cannot go.
    ///
    /// # Errors
    /// [`MapError::Op`] when the kernel refuses.
    pub fn clear(&self) -> Result<(), MapError> {
        if matches!(self.map_type(), MapType::ARRAY | MapType::PERCPU_ARRAY) {
            return self.zero();
        }
        if self.key_size() == 0 {
            while self.lookup_and_delete(&[])?.is_some() {}
            return Ok(());
        }
        for key in self.keys() {
            self.delete(&key?)?;
        }
        Ok(())
    }

    /// Makes the map read-only for user space.
    ///
    /// # Errors
    /// [`MapError::Op`] when the kernel refuses.
    pub fn freeze(&self) -> Result<(), MapError> {
        self.fd.freeze().map_err(self.failed("freeze"))
    }
}
