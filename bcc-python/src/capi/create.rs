//! Modules that C code makes, out of a text or a file.

use super::{c_str, failed};
use crate::module::Module;
use nix::errno::Errno;
use pyo3::prelude::*;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_uint};
use std::sync::{LazyLock, Mutex, PoisonError};

/// What keeps the modules alive that C code has handles of.
static OWNED: LazyLock<Mutex<HashMap<usize, Py<Module>>>> = LazyLock::new(Mutex::default);

/// What a module is made of.
struct Wanted {
    text: Option<Vec<u8>>,
    file: Option<Vec<u8>>,
    flags: c_uint,
    allow_rlimit: bool,
}

/// # Safety
/// `cflags` is null or points to `count` C strings, `device` is null or a C string.
unsafe fn create(
    wanted: Wanted,
    cflags: *const *const c_char,
    count: c_int,
    device: *const c_char,
) -> *const Module {
    let flags = match usize::try_from(count) {
        // SAFETY: not null, and the caller promises that many.
        Ok(count) if !cflags.is_null() => unsafe { std::slice::from_raw_parts(cflags, count) },
        _ => &[],
    };
    // SAFETY: as this function's.
    let bytes = |text: &*const c_char| unsafe { c_str(*text) }.ok().map(|t| t.to_bytes().to_vec());
    let (flags, device) = (flags.iter().filter_map(bytes).collect(), bytes(&device));
    let Wanted { text, file, flags: debug, allow_rlimit } = wanted;
    let made = Python::attach(|py| {
        let module =
            Module::new(py, text, file, flags, debug, Vec::new(), allow_rlimit, device, None)?;
        Py::new(py, module)
    });
    match made {
        Ok(module) => {
            let handle: *const Module = module.get();
            OWNED.lock().unwrap_or_else(PoisonError::into_inner).insert(handle.addr(), module);
            handle
        }
        Err(error) => {
            // What the compiler has to say is on stderr already.
            log::debug!("{error}");
            failed(Errno::EINVAL);
            std::ptr::null()
        }
    }
}

/// Compiles a file and creates its tables; a handle, or null.
///
/// # Safety
/// `file` is null or a C string, `cflags` null or points to `count` C strings, `device` null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_module_create_c(
    file: *const c_char,
    flags: c_uint,
    cflags: *const *const c_char,
    count: c_int,
    allow_rlimit: bool,
    device: *const c_char,
) -> *const Module {
    // SAFETY: as this function's.
    let Ok(file) = (unsafe { c_str(file) }) else { return std::ptr::null() };
    let file = Some(file.to_bytes().to_vec());
    // SAFETY: as this function's.
    unsafe { create(Wanted { text: None, file, flags, allow_rlimit }, cflags, count, device) }
}

/// As [`bpf_module_create_c`], of a text.
///
/// # Safety
/// As [`bpf_module_create_c`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_module_create_c_from_string(
    text: *const c_char,
    flags: c_uint,
    cflags: *const *const c_char,
    count: c_int,
    allow_rlimit: bool,
    device: *const c_char,
) -> *const Module {
    // SAFETY: as this function's.
    let Ok(text) = (unsafe { c_str(text) }) else { return std::ptr::null() };
    let text = Some(text.to_bytes().to_vec());
    // SAFETY: as this function's.
    unsafe { create(Wanted { text, file: None, flags, allow_rlimit }, cflags, count, device) }
}

/// Ends a module of [`bpf_module_create_c`] or its kin; one of a `bcc.BPF` is that object's.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_module_destroy(module: *const Module) {
    let owned = OWNED.lock().unwrap_or_else(PoisonError::into_inner).remove(&module.addr());
    // With the interpreter, as its end drops a Python object.
    Python::attach(|_py| drop(owned));
}
