//! Maps in maps, and maps of descriptors.

use super::{Map, MapError};
use crate::program::privilege::Need;
use crate::spec::MapSpec;
use bcc_sys::bpf::MapFd;
use bcc_sys::bpf::object::{ObjectKind, fd_by_id};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

impl Map {
    /// Puts an open object (a map, a program of a `prog` table, a cgroup, a perf event, a socket) under
    /// `key`. The kernel keeps the object; the descriptor may be closed afterwards.
    ///
    /// # Errors
    /// [`MapError::Size`] for a key of another size, [`MapError::Op`] when the kernel refuses: an inner
    /// map that differs from the template, a program of another type.
    pub fn set_fd(&self, key: &[u8], object: &impl AsFd) -> Result<(), MapError> {
        let raw = object.as_fd().as_raw_fd();
        self.sized("value", &raw.to_ne_bytes(), self.value_len())?;
        self.update(key, &raw.to_ne_bytes(), 0)
    }

    /// The map under `key` of a map-in-map, or `None`. Its declaration is the one of the template as far
    /// as the kernel knows it: sizes and type, no C types.
    ///
    /// # Errors
    /// [`MapError::Type`] when this is no map-in-map, [`MapError::Op`] when the kernel refuses.
    pub fn inner(&self, key: &[u8]) -> Result<Option<Self>, MapError> {
        if !self.map_type().is_map_in_map() {
            return Err(MapError::Type {
                map: self.name().to_owned(),
                map_type: self.map_type(),
                wanted: "map of maps",
            });
        }
        let Some(id) = self.lookup(key)? else { return Ok(None) };
        let id = id.first_chunk().map_or(0, |bytes| u32::from_ne_bytes(*bytes));
        if id == 0 {
            return Ok(None);
        }
        let open = || MapFd::new(fd_by_id(ObjectKind::Map, id)?);
        let fd = open().map_err(self.refused("open the inner map of", Need::Admin))?;
        let info = fd.info();
        let spec = MapSpec {
            name: info.name.clone(),
            map_type: info.map_type.0,
            key_size: info.key_size,
            value_size: info.value_size,
            max_entries: info.max_entries,
            flags: info.flags,
            ..Default::default()
        };
        Ok(Some(Self::new(Arc::new(spec), fd)))
    }
}
