//! Maps: made, and their elements read and written, one by one and in batches.

use super::{c_text, failed, fd_of, input, output, owned, status, sys};
use bcc_core::program::privilege::raise_memlock;
use bcc_sys::SysError;
use bcc_sys::bpf::call::MapCreate;
use bcc_sys::bpf::{self, BatchResult, MapFd, MapType};
use nix::errno::Errno;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::os::fd::BorrowedFd;

fn map(fd: c_int) -> Result<MapFd, SysError> {
    let copy = fd_of(fd)?.try_clone_to_owned().map_err(|_errno| SysError::last("fcntl"))?;
    MapFd::new(copy)
}

fn found(found: bool) -> Result<(), SysError> {
    if found { Ok(()) } else { Err(sys("bpf", Errno::ENOENT)) }
}

/// Writes an element.
///
/// # Safety
/// `key` and `value` point to as many bytes as the map's key and value have.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_update_elem(
    fd: c_int,
    key: *const c_void,
    value: *const c_void,
    flags: u64,
) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let key = unsafe { input(key, map.key_len()) }?;
        // SAFETY: as this function's.
        let value = unsafe { input(value, map.value_len()) }?;
        map.update(key, value, flags)
    }))
}

/// A command that reads an element; whether there was one.
type ReadElement = fn(&MapFd, &[u8], &mut [u8], u64) -> Result<bool, SysError>;

/// # Safety
/// As [`bpf_lookup_elem`].
unsafe fn read_element(
    fd: c_int,
    key: *const c_void,
    value: *mut c_void,
    read: ReadElement,
) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let key = unsafe { input(key, map.key_len()) }?;
        // SAFETY: as this function's.
        let value = unsafe { output(value, map.value_len()) }?;
        read(&map, key, value, 0).and_then(found)
    }))
}

/// Reads an element.
///
/// # Safety
/// `key` and `value` point to as many bytes as the map's key and value have (a value per possible CPU
/// for per-CPU maps).
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_lookup_elem(
    fd: c_int,
    key: *const c_void,
    value: *mut c_void,
) -> c_int {
    // SAFETY: as this function's.
    unsafe { read_element(fd, key, value, MapFd::lookup) }
}

/// Takes an element out.
///
/// # Safety
/// As [`bpf_lookup_elem`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_lookup_and_delete(
    fd: c_int,
    key: *const c_void,
    value: *mut c_void,
) -> c_int {
    // SAFETY: as this function's.
    unsafe { read_element(fd, key, value, MapFd::lookup_and_delete) }
}

/// Removes an element.
///
/// # Safety
/// `key` points to as many bytes as the map's key has.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_delete_elem(fd: c_int, key: *const c_void) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let key = unsafe { input(key, map.key_len()) }?;
        map.delete(key).and_then(found)
    }))
}

/// The key after `key`.
///
/// # Safety
/// `key` and `next` point to as many bytes as the map's key has; `key` may be null for the first.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_get_next_key(
    fd: c_int,
    key: *const c_void,
    next: *mut c_void,
) -> c_int {
    status(map(fd).and_then(|map| {
        let key = if key.is_null() {
            None
        } else {
            // SAFETY: as this function's.
            Some(unsafe { input(key, map.key_len()) }?.to_vec())
        };
        // SAFETY: as this function's; `key`, which may be the same memory, was copied.
        let next = unsafe { output(next, map.key_len()) }?;
        map.next_key(key.as_deref(), next).and_then(found)
    }))
}

/// The first key.
///
/// # Safety
/// `key` points to as many bytes as the map's key has.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_get_first_key(
    fd: c_int,
    key: *mut c_void,
    _key_size: usize,
) -> c_int {
    // SAFETY: as this function's; null stands for the first.
    unsafe { bpf_get_next_key(fd, std::ptr::null(), key) }
}

/// A new map; its descriptor.
///
/// # Safety
/// `name` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_create_map(
    map_type: c_uint,
    name: *const c_char,
    key_size: c_int,
    value_size: c_int,
    max_entries: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: as this function's. Without a name the map has none.
    let name = unsafe { c_text(name) }.unwrap_or_default();
    owned(bpf::call::map_create(&MapCreate {
        map_type,
        key_size: key_size.cast_unsigned(),
        value_size: value_size.cast_unsigned(),
        max_entries: max_entries.cast_unsigned(),
        flags: flags.cast_unsigned(),
        name: &name,
        ..Default::default()
    }))
}

/// Writes `count` elements.
///
/// # Safety
/// `keys` and `values` point to as many keys and values as `count` says.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_update_batch(
    fd: c_int,
    keys: *const c_void,
    values: *const c_void,
    count: *mut u32,
) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let count = unsafe { count.as_mut() }.ok_or(sys("bpf", Errno::EFAULT))?;
        // SAFETY: as this function's.
        let keys = unsafe { input(keys, *count as usize * map.key_len()) }?;
        // SAFETY: as this function's.
        let values = unsafe { input(values, *count as usize * map.value_len()) }?;
        *count = u32::try_from(map.update_batch(keys, values, 0)?).unwrap_or(u32::MAX);
        Ok(())
    }))
}

/// Removes `count` keys.
///
/// # Safety
/// `keys` points to as many keys as `count` says.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_delete_batch(
    fd: c_int,
    keys: *const c_void,
    count: *mut u32,
) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let count = unsafe { count.as_mut() }.ok_or(sys("bpf", Errno::EFAULT))?;
        // SAFETY: as this function's.
        let keys = unsafe { input(keys, *count as usize * map.key_len()) }?;
        *count = u32::try_from(map.delete_batch(keys)?).unwrap_or(u32::MAX);
        Ok(())
    }))
}

/// A command that reads elements in batches.
type Read = fn(&MapFd, Option<&[u8]>, &mut [u8], &mut [u8]) -> Result<BatchResult, SysError>;

/// How many bytes of a position the kernel reads and writes: the number of a bucket, or a key.
fn position_len(map: &MapFd) -> usize {
    match map.map_type() {
        MapType::HASH
        | MapType::LRU_HASH
        | MapType::PERCPU_HASH
        | MapType::LRU_PERCPU_HASH
        | MapType::HASH_OF_MAPS => 4,
        _ => map.key_len(),
    }
}

/// Where a batch of elements is read from and to, as the C functions get it.
struct Batch {
    from: *const c_void,
    next: *mut c_void,
    keys: *mut c_void,
    values: *mut c_void,
    count: *mut u32,
}

impl Batch {
    /// # Safety
    /// As [`bpf_lookup_batch`].
    unsafe fn read(&self, map: &MapFd, read: Read) -> Result<(), SysError> {
        // SAFETY: as this function's.
        let count = unsafe { self.count.as_mut() }.ok_or(sys("bpf", Errno::EFAULT))?;
        let (room, used) = (std::mem::take(count) as usize, position_len(map));
        let start = if self.from.is_null() {
            None
        } else {
            // SAFETY: as this function's.
            let mut start = unsafe { input(self.from, used) }?.to_vec();
            start.resize(map.key_len().max(8), 0);
            Some(start)
        };
        // SAFETY: as this function's.
        let keys = unsafe { output(self.keys, room * map.key_len()) }?;
        // SAFETY: as this function's.
        let values = unsafe { output(self.values, room * map.value_len()) }?;
        let batch = read(map, start.as_deref(), keys, values)?;
        *count = u32::try_from(batch.count).unwrap_or(u32::MAX);
        // The convention of libbpf: no entry after these.
        let next = batch.next.ok_or(sys("bpf", Errno::ENOENT))?;
        // SAFETY: as this function's.
        let to = unsafe { output(self.next, used) }?;
        to.copy_from_slice(&next[..used]);
        Ok(())
    }
}

/// Reads up to `count` elements from `from` (null: the start) on, and where to go on into `next`. `count`
/// becomes how many; -1 with `ENOENT` says that these were the last.
///
/// # Safety
/// `count` points to a number, `keys` and `values` to as many keys and values, `from` and `next` to as many
/// bytes as a key has, at least 4.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_lookup_batch(
    fd: c_int,
    from: *const c_void,
    next: *mut c_void,
    keys: *mut c_void,
    values: *mut c_void,
    count: *mut u32,
) -> c_int {
    let batch = Batch { from, next, keys, values, count };
    // SAFETY: as this function's.
    status(map(fd).and_then(|map| unsafe { batch.read(&map, MapFd::lookup_batch) }))
}

/// As [`bpf_lookup_batch`], taking the elements out.
///
/// # Safety
/// As [`bpf_lookup_batch`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_lookup_and_delete_batch(
    fd: c_int,
    from: *const c_void,
    next: *mut c_void,
    keys: *mut c_void,
    values: *mut c_void,
    count: *mut u32,
) -> c_int {
    let batch = Batch { from, next, keys, values, count };
    // SAFETY: as this function's.
    status(map(fd).and_then(|map| unsafe { batch.read(&map, MapFd::lookup_and_delete_batch) }))
}

/// `struct bcc_create_map_attr`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct CreateMap {
    pub(super) name: *const c_char,
    pub(super) map_type: u32,
    pub(super) map_flags: u32,
    pub(super) key_size: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
    pub(super) numa_node: u32,
    pub(super) btf_fd: u32,
    pub(super) btf_key_type_id: u32,
    pub(super) btf_value_type_id: u32,
    pub(super) map_ifindex: u32,
    pub(super) inner_map_fd: u32,
}

/// A descriptor of a struct that holds 0 for none.
fn fd_or_none(fd: u32) -> Result<Option<BorrowedFd<'static>>, SysError> {
    if fd == 0 { Ok(None) } else { fd_of(fd.cast_signed()).map(Some) }
}

/// A new map; its descriptor. With `allow_rlimit`, the memlock limit may be raised on kernels before 5.11.
///
/// # Safety
/// `attr` is null or points to such a struct, its name null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_create_map_xattr(
    attr: *const CreateMap,
    allow_rlimit: bool,
) -> c_int {
    // SAFETY: as this function's.
    let Some(attr) = (unsafe { attr.as_ref() }) else { return failed(Errno::EFAULT) };
    // SAFETY: as this function's. Without a name the map has none.
    let name = unsafe { c_text(attr.name) }.unwrap_or_default();
    let create = || {
        let btf = fd_or_none(attr.btf_fd)?;
        bpf::call::map_create(&MapCreate {
            map_type: attr.map_type,
            key_size: attr.key_size,
            value_size: attr.value_size,
            max_entries: attr.max_entries,
            flags: attr.map_flags,
            name: &name,
            inner: fd_or_none(attr.inner_map_fd)?,
            ifindex: attr.map_ifindex,
            btf: btf.map(|fd| (fd, attr.btf_key_type_id, attr.btf_value_type_id)),
            ..Default::default()
        })
    };
    let made = create();
    match made {
        Err(error) if error.errno == Errno::EPERM && allow_rlimit && raise_memlock() => {
            owned(create())
        }
        made => owned(made),
    }
}
