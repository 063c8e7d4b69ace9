//! Names of libbpf that libbcc hands on.

use super::maps::{
    CreateMap, bcc_create_map_xattr, bpf_delete_elem, bpf_get_next_key, bpf_lookup_elem,
    bpf_update_elem,
};
use std::ffi::{c_char, c_int, c_uint, c_void};

/// `struct bpf_map_create_opts`, as far as it is read.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MapCreateOpts {
    size: usize,
    btf_fd: u32,
    btf_key_type_id: u32,
    btf_value_type_id: u32,
    btf_vmlinux_value_type_id: u32,
    inner_map_fd: u32,
    map_flags: u32,
    map_extra: u64,
    numa_node: u32,
    map_ifindex: u32,
}

/// A new map; its descriptor.
///
/// # Safety
/// `name` is null or a C string, `opts` null or points to such a struct.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_map_create(
    map_type: c_uint,
    name: *const c_char,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    opts: *const MapCreateOpts,
) -> c_int {
    // SAFETY: as this function's.
    let opts = unsafe { opts.as_ref() }.copied().unwrap_or_default();
    let attr = CreateMap {
        name,
        map_type,
        map_flags: opts.map_flags,
        key_size,
        value_size,
        max_entries,
        numa_node: opts.numa_node,
        btf_fd: opts.btf_fd,
        btf_key_type_id: opts.btf_key_type_id,
        btf_value_type_id: opts.btf_value_type_id,
        map_ifindex: opts.map_ifindex,
        inner_map_fd: opts.inner_map_fd,
    };
    // SAFETY: the struct lives during the call; the name as this function's.
    unsafe { bcc_create_map_xattr(&raw const attr, true) }
}

/// As [`bpf_update_elem`].
///
/// # Safety
/// As [`bpf_update_elem`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_map_update_elem(
    fd: c_int,
    key: *const c_void,
    value: *const c_void,
    flags: u64,
) -> c_int {
    // SAFETY: as this function's.
    unsafe { bpf_update_elem(fd, key, value, flags) }
}

/// As [`bpf_lookup_elem`].
///
/// # Safety
/// As [`bpf_lookup_elem`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_map_lookup_elem(
    fd: c_int,
    key: *const c_void,
    value: *mut c_void,
) -> c_int {
    // SAFETY: as this function's.
    unsafe { bpf_lookup_elem(fd, key, value) }
}

/// As [`bpf_delete_elem`].
///
/// # Safety
/// As [`bpf_delete_elem`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_map_delete_elem(fd: c_int, key: *const c_void) -> c_int {
    // SAFETY: as this function's.
    unsafe { bpf_delete_elem(fd, key) }
}

/// As [`bpf_get_next_key`].
///
/// # Safety
/// As [`bpf_get_next_key`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_map_get_next_key(
    fd: c_int,
    key: *const c_void,
    next: *mut c_void,
) -> c_int {
    // SAFETY: as this function's.
    unsafe { bpf_get_next_key(fd, key, next) }
}
