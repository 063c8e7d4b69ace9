//! C functions that scripts call through `bcc.libbcc.lib`, by the names and conventions of libbcc:
//! 0 or a descriptor, and -1 with `errno`.
#![expect(unsafe_code, reason = "C functions: pointers from the caller, names without mangling")]

mod attach;
mod create;
mod elf;
mod events;
mod kernel;
mod libbpf;
mod maps;
mod module;
mod objects;
mod process;
mod programs;
mod symbols;
mod tables;
pub(crate) mod texts;
mod usdt;
mod zip;

use crate::link::borrow;
use bcc_sys::SysError;
use nix::errno::Errno;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};

/// The C convention for what went wrong.
fn failed(errno: Errno) -> c_int {
    errno.set();
    -1
}

/// 0, or -1 and `errno`.
fn status<T>(result: Result<T, SysError>) -> c_int {
    result.map_or_else(|error| failed(error.errno), |_| 0)
}

/// A descriptor for the caller, or -1 and `errno`.
fn owned(result: Result<OwnedFd, SysError>) -> c_int {
    result.map_or_else(|error| failed(error.errno), IntoRawFd::into_raw_fd)
}

fn sys(call: &'static str, errno: Errno) -> SysError {
    SysError { call, errno }
}

fn fd_of(fd: c_int) -> Result<BorrowedFd<'static>, SysError> {
    borrow(fd).map_err(|_negative| sys("fcntl", Errno::EBADF))
}

/// A text of the caller's.
///
/// # Safety
/// `text` is null or a C string that outlives the call.
unsafe fn c_str<'a>(text: *const c_char) -> Result<&'a CStr, SysError> {
    if text.is_null() {
        return Err(sys("strlen", Errno::EFAULT));
    }
    // SAFETY: not null, and the caller promises a C string.
    Ok(unsafe { CStr::from_ptr(text) })
}

/// As [`c_str`], for what is UTF-8 by rule.
///
/// # Safety
/// As [`c_str`].
unsafe fn c_text(text: *const c_char) -> Result<String, SysError> {
    // SAFETY: as this function's.
    unsafe { c_str(text) }.map(|text| text.to_string_lossy().into_owned())
}

/// # Safety
/// `from` is null or points to `len` bytes that nobody writes during the call.
unsafe fn input<'a>(from: *const c_void, len: usize) -> Result<&'a [u8], SysError> {
    if len == 0 {
        return Ok(&[]);
    }
    if from.is_null() {
        return Err(sys("bpf", Errno::EFAULT));
    }
    // SAFETY: not null, and the caller promises that many bytes.
    Ok(unsafe { std::slice::from_raw_parts(from.cast(), len) })
}

/// # Safety
/// `to` is null or points to `len` bytes that only this call uses.
unsafe fn output<'a>(to: *mut c_void, len: usize) -> Result<&'a mut [u8], SysError> {
    if len == 0 {
        return Ok(&mut []);
    }
    if to.is_null() {
        return Err(sys("bpf", Errno::EFAULT));
    }
    // SAFETY: not null, and the caller promises that many bytes, for this call alone.
    Ok(unsafe { std::slice::from_raw_parts_mut(to.cast(), len) })
}

/// A copy in memory of `malloc(3)`, for `bcc_procutils_free`; null for what has a NUL inside.
fn copied(bytes: &[u8]) -> *mut c_char {
    let Ok(text) = CString::new(bytes) else { return std::ptr::null_mut() };
    // SAFETY: a C string that lives during the call.
    unsafe { libc::strdup(text.as_ptr()) }
}

/// Writes a text of at most `len - 1` bytes and its NUL; its whole length, or -1 when it was cut.
///
/// # Safety
/// `to` is null or points to `len` bytes that only this call uses.
unsafe fn put_text(text: &[u8], to: *mut c_char, len: usize) -> c_int {
    // SAFETY: as this function's.
    let Ok(out) = (unsafe { output(to.cast(), len) }) else { return failed(Errno::EFAULT) };
    let Some((last, room)) = out.split_last_mut() else { return failed(Errno::ENOSPC) };
    *last = 0;
    for (to, from) in room.iter_mut().zip(text.iter().chain(std::iter::repeat(&0))) {
        *to = *from;
    }
    if text.len() > room.len() {
        return failed(Errno::ENOSPC);
    }
    c_int::try_from(text.len()).unwrap_or(c_int::MAX)
}
