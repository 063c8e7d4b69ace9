//! Questions about the running kernel, and paths of its bpffs.

use super::{c_text, failed};
use crate::kernel;
use bcc_core::map::pin;
use nix::errno::Errno;
use std::ffi::{c_char, c_int};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// 1 or 0; -1 without type information or such a struct.
///
/// # Safety
/// The texts are null or C strings.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn kernel_struct_has_field(
    name: *const c_char,
    field: *const c_char,
) -> c_int {
    // SAFETY: as this function's.
    let (name, field) = (unsafe { c_text(name) }, unsafe { c_text(field) });
    name.and_then(|name| Ok((name, field?)))
        .map_or(-1, |(name, field)| kernel::has_field(name.as_bytes(), field.as_bytes()))
}

/// 1 or 0; -1 without type information or such an enum. An empty name stands for those without one.
///
/// # Safety
/// The texts are null or C strings.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn kernel_enum_has_val(
    name: *const c_char,
    value: *const c_char,
) -> c_int {
    // SAFETY: as this function's.
    let (name, value) = (unsafe { c_text(name) }, unsafe { c_text(value) });
    name.and_then(|name| Ok((name, value?)))
        .map_or(-1, |(name, value)| kernel::has_value(&name, &value))
}

/// Whether the kernel has type information of itself.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_has_kernel_btf() -> bool {
    Path::new("/sys/kernel/btf/vmlinux").exists()
}

/// Gives memory back: there is none to give, the compiler is another process.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bcc_free_memory() -> c_int {
    0
}

/// Makes the directory of a path that something is to be pinned to, for its owner only.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_make_parent_dir(path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    let Ok(path) = (unsafe { c_text(path) }) else { return failed(Errno::EFAULT) };
    let parent = Path::new(&path).parent().filter(|parent| !parent.as_os_str().is_empty());
    let Some(parent) = parent else { return failed(Errno::EINVAL) };
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent) {
        Ok(()) => 0,
        Err(error) => failed(error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)),
    }
}

/// 0 when the directory of a path is on a bpffs.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_check_bpffs_path(path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    let Ok(path) = (unsafe { c_text(path) }) else { return failed(Errno::EFAULT) };
    match pin::is_on_bpffs(Path::new(&path)) {
        Ok(true) => 0,
        Ok(false) => failed(Errno::EINVAL),
        Err(errno) => failed(errno),
    }
}
