//! Modules: their programs and tables, by number and by name.
//!
//! A module handle is what `Module._as_parameter_` gives; it is valid while that object lives.

use super::failed;
use crate::module::Module;
use nix::errno::Errno;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::os::fd::IntoRawFd;

/// The module behind a handle.
///
/// # Safety
/// `handle` is null or what `Module._as_parameter_` gave, and the module object is still alive.
pub(super) unsafe fn module<'a>(handle: *const Module) -> Option<&'a Module> {
    // SAFETY: passed on from the caller.
    unsafe { handle.as_ref() }
}

/// # Safety
/// `name` is null or a C string.
pub(super) unsafe fn text<'a>(name: *const c_char) -> Option<&'a [u8]> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, and the caller promises a C string.
    Some(unsafe { CStr::from_ptr(name) }.to_bytes())
}

/// Keys and leaves can be printed and scanned: always.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_module_rw_engine_enabled() -> bool {
    true
}

/// Number of functions.
///
/// # Safety
/// `handle` is null or a live module's.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_num_functions(handle: *const Module) -> usize {
    // SAFETY: as this function's.
    unsafe { module(handle) }.map_or(0, |module| module.names().functions.len())
}

/// Name of function number `index`, or null.
///
/// # Safety
/// `handle` is null or a live module's; the name lives as long as the module.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_function_name(
    handle: *const Module,
    index: usize,
) -> *const c_char {
    // SAFETY: as this function's.
    let found = unsafe { module(handle) }.and_then(|module| module.names().functions.get(index));
    found.map_or(std::ptr::null(), |name| name.as_ptr())
}

/// Instructions of a function, map descriptors filled in; null for none. They live as long as the module.
///
/// # Safety
/// `handle` is null or a live module's, `name` null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_function_start(
    handle: *const Module,
    name: *const c_char,
) -> *const c_void {
    // SAFETY: as this function's.
    let (module, name) = (unsafe { module(handle) }, unsafe { text(name) });
    let image = module.zip(name).and_then(|(module, name)| module.image(name));
    image.map_or(std::ptr::null(), |(start, _)| start.cast())
}

/// Bytes at [`bpf_function_start`]; 0 for none.
///
/// # Safety
/// As [`bpf_function_start`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_function_size(
    handle: *const Module,
    name: *const c_char,
) -> usize {
    // SAFETY: as this function's.
    let (module, name) = (unsafe { module(handle) }, unsafe { text(name) });
    module.zip(name).and_then(|(module, name)| module.image(name)).map_or(0, |(_, size)| size)
}

/// As [`bpf_function_start`], by the function's number.
///
/// # Safety
/// `handle` is null or a live module's.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_function_start_id(
    handle: *const Module,
    index: usize,
) -> *const c_void {
    // SAFETY: as this function's.
    let name = unsafe { bpf_function_name(handle, index) };
    // SAFETY: as this function's; the name is null or the module's.
    unsafe { bpf_function_start(handle, name) }
}

/// As [`bpf_function_size`], by the function's number.
///
/// # Safety
/// `handle` is null or a live module's.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_function_size_id(handle: *const Module, index: usize) -> usize {
    // SAFETY: as this function's.
    let name = unsafe { bpf_function_name(handle, index) };
    // SAFETY: as this function's; the name is null or the module's.
    unsafe { bpf_function_size(handle, name) }
}

/// Loads a function of the module; a descriptor for the caller, or -1 and `errno`.
///
/// Its instructions, license and log are the module's: what is given of them is not read.
///
/// # Safety
/// `handle` is null or a live module's, `name` null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_func_load(
    handle: *const Module,
    prog_type: c_int,
    name: *const c_char,
    _insns: *const c_void,
    _len: c_int,
    _license: *const c_char,
    _kern_version: c_uint,
    _log_level: c_int,
    _log: *mut c_char,
    _log_size: c_uint,
    _device: *const c_char,
    attach_type: c_int,
) -> c_int {
    // SAFETY: as this function's.
    let (module, name) = (unsafe { module(handle) }, unsafe { text(name) });
    let loaded = module
        .zip(name)
        .ok_or(Errno::EINVAL)
        .and_then(|(module, name)| module.load_copy(name, prog_type, attach_type));
    loaded.map_or_else(failed, IntoRawFd::into_raw_fd)
}

/// The module's license, or null.
///
/// # Safety
/// `handle` is null or a live module's; the text lives as long as the module.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_module_license(handle: *const Module) -> *const c_char {
    // SAFETY: as this function's.
    unsafe { module(handle) }.map_or(std::ptr::null(), |module| module.names().license.as_ptr())
}

/// The kernel version the module was compiled for.
///
/// # Safety
/// `handle` is null or a live module's.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_module_kern_version(handle: *const Module) -> c_uint {
    // SAFETY: as this function's.
    unsafe { module(handle) }.map_or(0, |module| module.names().kern_version)
}

/// Number of tables.
///
/// # Safety
/// `handle` is null or a live module's.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_num_tables(handle: *const Module) -> usize {
    // SAFETY: as this function's.
    unsafe { module(handle) }.map_or(0, |module| module.names().tables.len())
}

/// Number of the table named `name`, or all ones.
///
/// # Safety
/// `handle` is null or a live module's, `name` null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_table_id(handle: *const Module, name: *const c_char) -> usize {
    // SAFETY: as this function's.
    let (module, name) = (unsafe { module(handle) }, unsafe { text(name) });
    let tables = module.map(|module| &module.names().tables);
    tables
        .zip(name)
        .and_then(|(tables, name)| tables.iter().position(|known| known.to_bytes() == name))
        .unwrap_or(usize::MAX)
}

/// Name of table number `index`, or null.
///
/// # Safety
/// `handle` is null or a live module's; the name lives as long as the module.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_table_name(
    handle: *const Module,
    index: usize,
) -> *const c_char {
    // SAFETY: as this function's.
    let found = unsafe { module(handle) }.and_then(|module| module.names().tables.get(index));
    found.map_or(std::ptr::null(), |name| name.as_ptr())
}

/// A number about each table, by the table's number and by its name.
macro_rules! table_numbers {
    ($($by_id:ident $by_name:ident $number:ty, $absent:expr, $doc:literal, $get:expr;)*) => {
        $(
            #[doc = $doc]
            ///
            /// # Safety
            /// `handle` is null or a live module's.
            #[unsafe(no_mangle)]
            pub(crate) unsafe extern "C" fn $by_id(handle: *const Module, index: usize) -> $number {
                // SAFETY: as this function's.
                let table = unsafe { module(handle) }.and_then(|module| module.table(index));
                table.map_or($absent, $get)
            }

            #[doc = $doc]
            ///
            /// # Safety
            /// `handle` is null or a live module's, `name` null or a C string.
            #[unsafe(no_mangle)]
            pub(crate) unsafe extern "C" fn $by_name(handle: *const Module, name: *const c_char) -> $number {
                // SAFETY: as this function's.
                let index = unsafe { bpf_table_id(handle, name) };
                // SAFETY: as this function's.
                unsafe { $by_id(handle, index) }
            }
        )*
    };
}

table_numbers! {
    bpf_table_fd_id bpf_table_fd c_int, -1, "The table's descriptor, or -1.", |t| t.raw_fd();
    bpf_table_type_id bpf_table_type c_int, -1, "`BPF_MAP_TYPE_*`, or -1.",
        |t| t.core.map_type().0.cast_signed();
    bpf_table_max_entries_id bpf_table_max_entries usize, 0, "Entries.",
        |t| t.core.max_entries() as usize;
    bpf_table_flags_id bpf_table_flags c_int, -1, "`BPF_F_*`, or -1.",
        |t| t.core.spec().flags.cast_signed();
    bpf_table_key_size_id bpf_table_key_size usize, 0, "Bytes per key.", |t| t.core.key_size();
    bpf_table_leaf_size_id bpf_table_leaf_size usize, 0, "Bytes per leaf.", |t| t.core.value_size();
}
