//! A map's descriptor with the sizes the kernel copies, and the commands on single elements.
//!
//! The kernel copies as many bytes as *it* thinks a key or value has, whatever the caller's buffer
//! holds; so [`MapFd`] asks the kernel for the sizes once and refuses slices of any other length.

use super::attr::MapElemAttr;
use super::call::{addr, addr_mut, bpf, raw};
use super::cmd::{Cmd, MapType};
use super::info::{MapInfo, map_info};
use crate::SysError;
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

pub use super::batch::BatchResult;

/// An open map. Values of per-CPU maps are all possible CPUs' values in a row, each padded to a
/// multiple of eight bytes.
#[derive(Debug)]
pub struct MapFd {
    fd: OwnedFd,
    info: MapInfo,
    value_len: usize,
}

impl AsFd for MapFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl MapFd {
    /// Takes over a map's descriptor.
    ///
    /// # Errors
    /// The kernel's: `EINVAL` when the descriptor is no map.
    pub fn new(fd: OwnedFd) -> Result<Self, SysError> {
        let info = map_info(fd.as_fd())?;
        let one = info.value_size as usize;
        let value_len = if info.map_type.is_per_cpu() {
            one.next_multiple_of(8) * possible_cpus()?
        } else {
            one
        };
        Ok(Self { fd, info, value_len })
    }

    /// What the kernel said when the map was opened.
    pub fn info(&self) -> &MapInfo {
        &self.info
    }

    /// Bytes per key.
    pub fn key_len(&self) -> usize {
        self.info.key_size as usize
    }

    /// Bytes per value as user space sees it, all CPUs' together.
    pub fn value_len(&self) -> usize {
        self.value_len
    }

    /// Another descriptor of the same map.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn try_clone(&self) -> Result<Self, SysError> {
        let fd = self.fd.try_clone().map_err(|_lost| SysError::last("fcntl(F_DUPFD_CLOEXEC)"))?;
        Ok(Self { fd, info: self.info.clone(), value_len: self.value_len })
    }

    fn check(&self, cmd: Cmd, key: usize, value: Option<usize>) -> Result<(), SysError> {
        if key == self.key_len() && value.is_none_or(|len| len == self.value_len) {
            Ok(())
        } else {
            Err(SysError { call: cmd.call(), errno: Errno::EINVAL })
        }
    }

    fn attr(&self, key: &[u8], value: u64, flags: u64) -> MapElemAttr {
        MapElemAttr {
            map_fd: raw(self.as_fd()),
            key: addr(key),
            value,
            flags,
            ..Default::default()
        }
    }

    /// Copies the value of `key` to `value`; false when there is none. Queues and stacks take an empty
    /// key and are only looked at.
    ///
    /// # Errors
    /// `EINVAL` for slices of other lengths than the map's, else the kernel's: `EPERM` or
    /// `EOPNOTSUPP` for maps that cannot be read from user space.
    pub fn lookup(&self, key: &[u8], value: &mut [u8], flags: u64) -> Result<bool, SysError> {
        self.read(Cmd::MapLookupElem, key, value, flags)
    }

    /// As [`Self::lookup`], taking the element out.
    ///
    /// # Errors
    /// See [`Self::lookup`]; the kernel's also for types that cannot (hash maps since 5.14).
    pub fn lookup_and_delete(
        &self,
        key: &[u8],
        value: &mut [u8],
        flags: u64,
    ) -> Result<bool, SysError> {
        self.read(Cmd::MapLookupAndDeleteElem, key, value, flags)
    }

    fn read(&self, cmd: Cmd, key: &[u8], value: &mut [u8], flags: u64) -> Result<bool, SysError> {
        self.check(cmd, key.len(), Some(value.len()))?;
        found(bpf(cmd, &mut self.attr(key, addr_mut(value), flags)))
    }

    /// Writes an element; for queues and stacks (empty key) adds one.
    ///
    /// # Errors
    /// `EINVAL` for slices of other lengths than the map's, else the kernel's: `E2BIG` when the map is
    /// full or the index too large, `EEXIST`, `ENOENT`.
    pub fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), SysError> {
        self.check(Cmd::MapUpdateElem, key.len(), Some(value.len()))?;
        bpf(Cmd::MapUpdateElem, &mut self.attr(key, addr(value), flags)).map(drop)
    }

    /// Removes an element; false when there is none.
    ///
    /// # Errors
    /// `EINVAL` for a key of another length than the map's, and for arrays; else the kernel's.
    pub fn delete(&self, key: &[u8]) -> Result<bool, SysError> {
        self.check(Cmd::MapDeleteElem, key.len(), None)?;
        found(bpf(Cmd::MapDeleteElem, &mut self.attr(key, 0, 0)))
    }

    /// Copies the key after `key` (the first one for `None`) to `next`; false at the end. When `key`
    /// is no longer in a hash map, the kernel starts over.
    ///
    /// # Errors
    /// `EINVAL` for slices of other lengths than the map's, else the kernel's.
    pub fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> Result<bool, SysError> {
        let cmd = Cmd::MapGetNextKey;
        self.check(cmd, key.map_or(next.len(), <[u8]>::len), None)?;
        self.check(cmd, next.len(), None)?;
        found(bpf(cmd, &mut self.attr(key.unwrap_or_default(), addr_mut(next), 0)))
    }

    /// Makes the map read-only for user space, for good.
    ///
    /// # Errors
    /// The kernel's: `EBUSY`, `EPERM`.
    pub fn freeze(&self) -> Result<(), SysError> {
        bpf(Cmd::MapFreeze, &mut self.attr(&[], 0, 0)).map(drop)
    }

    /// The type, for short.
    pub fn map_type(&self) -> MapType {
        self.info.map_type
    }
}

/// Absence is no error.
fn found(result: Result<i64, SysError>) -> Result<bool, SysError> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if error.errno == Errno::ENOENT => Ok(false),
        Err(error) => Err(error),
    }
}

/// Number of CPUs the kernel may ever bring up: the number of values in a per-CPU element.
///
/// # Errors
/// `ENOENT` or `EINVAL` when sysfs does not say.
pub fn possible_cpus() -> Result<usize, SysError> {
    static CPUS: OnceLock<usize> = OnceLock::new();
    if let Some(cpus) = CPUS.get() {
        return Ok(*cpus);
    }
    let path = "/sys/devices/system/cpu/possible";
    let text =
        std::fs::read_to_string(path).map_err(|_lost| SysError::last("open(cpu/possible)"))?;
    let cpus =
        count_cpus(&text).ok_or(SysError { call: "read(cpu/possible)", errno: Errno::EINVAL })?;
    Ok(*CPUS.get_or_init(|| cpus))
}

/// CPUs in a list like `0-3,8`: the kernel copies one value per CPU in it, without gaps.
fn count_cpus(list: &str) -> Option<usize> {
    let mut count = 0;
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        count += last.checked_sub(first)?.checked_add(1)?;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(count_cpus("0-3\n"), Some(4));
        assert_eq!(count_cpus("0\n"), Some(1));
        assert_eq!(count_cpus("0,2-3"), Some(3));
        assert_eq!(count_cpus("3-1"), None);
        assert_eq!(count_cpus(""), None);
    }
}
