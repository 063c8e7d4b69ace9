//! Keys and leaves of a module's tables: their types and texts; structs that programs submit.

use super::module::{bpf_table_id, module, text};
use super::{c_text, failed, input, output, put_text};
use crate::map::Map;
use crate::module::Module;
use bcc_core::map::text as values;
use bcc_core::spec::{TypeDesc, describe};
use nix::errno::Errno;
use std::ffi::{c_char, c_int, c_void};

/// Key or leaf.
fn key(table: &Map) -> &TypeDesc {
    &table.core.spec().key
}

fn leaf(table: &Map) -> &TypeDesc {
    &table.core.spec().leaf
}

type Part = fn(&Map) -> &TypeDesc;

/// # Safety
/// `handle` is null or a live module's.
unsafe fn desc(handle: *const Module, index: usize, part: Part) -> *const c_char {
    // SAFETY: as this function's.
    let module = unsafe { module(handle) };
    let found = module.and_then(|module| Some((module, module.table(index)?)));
    found.map_or(std::ptr::null(), |(module, table)| module.texts.keep(describe(part(table))))
}

/// # Safety
/// `handle` is null or a live module's, `buffer` null or points to `len` bytes, `value` to a whole value.
unsafe fn print(
    handle: *const Module,
    index: usize,
    buffer: *mut c_char,
    len: usize,
    value: *const c_void,
    part: Part,
) -> c_int {
    // SAFETY: as this function's.
    let Some(table) = (unsafe { module(handle) }).and_then(|module| module.table(index)) else {
        return failed(Errno::ENOENT);
    };
    let ty = part(table);
    // SAFETY: as this function's.
    let Ok(bytes) = (unsafe { input(value, ty.size() as usize) }) else {
        return failed(Errno::EFAULT);
    };
    match values::print(ty, bytes) {
        // SAFETY: as this function's.
        Ok(text) => match unsafe { put_text(text.as_bytes(), buffer, len) } {
            -1 => -1,
            _ => 0,
        },
        Err(error) => {
            log::debug!("{error}");
            failed(Errno::EINVAL)
        }
    }
}

/// # Safety
/// `handle` is null or a live module's, `buffer` null or a C string, `value` has room for a whole value.
unsafe fn scan(
    handle: *const Module,
    index: usize,
    buffer: *const c_char,
    value: *mut c_void,
    part: Part,
) -> c_int {
    // SAFETY: as this function's.
    let Some(table) = (unsafe { module(handle) }).and_then(|module| module.table(index)) else {
        return failed(Errno::ENOENT);
    };
    let ty = part(table);
    // SAFETY: as this function's.
    let (text, to) = (unsafe { c_text(buffer) }, unsafe { output(value, ty.size() as usize) });
    let (Ok(text), Ok(to)) = (text, to) else { return failed(Errno::EFAULT) };
    match values::scan(ty, &text) {
        Ok(bytes) => {
            to.copy_from_slice(&bytes);
            0
        }
        Err(error) => {
            log::debug!("{error}");
            failed(Errno::EINVAL)
        }
    }
}

/// The four functions about keys, or about leaves.
macro_rules! parts {
    ($($part:ident $desc_id:ident $desc:ident $print:ident $scan:ident;)*) => {
        $(
            /// The type as JSON, or null; it lives as long as the module.
            ///
            /// # Safety
            /// `handle` is null or a live module's.
            #[unsafe(no_mangle)]
            pub(crate) unsafe extern "C" fn $desc_id(handle: *const Module, index: usize) -> *const c_char {
                // SAFETY: as this function's.
                unsafe { desc(handle, index, $part) }
            }

            /// The type as JSON, or null; it lives as long as the module.
            ///
            /// # Safety
            /// `handle` is null or a live module's, `name` null or a C string.
            #[unsafe(no_mangle)]
            pub(crate) unsafe extern "C" fn $desc(handle: *const Module, name: *const c_char) -> *const c_char {
                // SAFETY: as this function's.
                let index = unsafe { bpf_table_id(handle, name) };
                // SAFETY: as this function's.
                unsafe { desc(handle, index, $part) }
            }

            /// Writes a value as text; -1 when it does not fit.
            ///
            /// # Safety
            /// `handle` is null or a live module's, `buffer` null or points to `len` bytes, `value` to
            /// as many bytes as the type has.
            #[unsafe(no_mangle)]
            pub(crate) unsafe extern "C" fn $print(
                handle: *const Module,
                index: usize,
                buffer: *mut c_char,
                len: usize,
                value: *const c_void,
            ) -> c_int {
                // SAFETY: as this function's.
                unsafe { print(handle, index, buffer, len, value, $part) }
            }

            /// Reads a value out of its text.
            ///
            /// # Safety
            /// `handle` is null or a live module's, `buffer` null or a C string, `value` null or points
            /// to as many bytes as the type has.
            #[unsafe(no_mangle)]
            pub(crate) unsafe extern "C" fn $scan(
                handle: *const Module,
                index: usize,
                buffer: *const c_char,
                value: *mut c_void,
            ) -> c_int {
                // SAFETY: as this function's.
                unsafe { scan(handle, index, buffer, value, $part) }
            }
        )*
    };
}

parts! {
    key bpf_table_key_desc_id bpf_table_key_desc bpf_table_key_snprintf bpf_table_key_sscanf;
    leaf bpf_table_leaf_desc_id bpf_table_leaf_desc bpf_table_leaf_snprintf bpf_table_leaf_sscanf;
}

/// # Safety
/// `handle` is null or a live module's, `table` null or a C string.
unsafe fn fields<'a>(
    handle: *const Module,
    table: *const c_char,
) -> Option<(&'a Module, Vec<String>)> {
    // SAFETY: as this function's.
    let (module, table) = (unsafe { module(handle) }?, unsafe { text(table) }?);
    Some((module, module.event_fields(table)?))
}

/// How many fields the struct has that programs submit to a table.
///
/// # Safety
/// `handle` is null or a live module's, `table` null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_perf_event_fields(
    handle: *const Module,
    table: *const c_char,
) -> usize {
    // SAFETY: as this function's.
    unsafe { fields(handle, table) }.map_or(0, |(_, fields)| fields.len())
}

/// Field number `index` of that struct as `name#type`, or null; it lives as long as the module.
///
/// # Safety
/// As [`bpf_perf_event_fields`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_perf_event_field(
    handle: *const Module,
    table: *const c_char,
    index: usize,
) -> *const c_char {
    // SAFETY: as this function's.
    let found = unsafe { fields(handle, table) };
    let field = found.and_then(|(module, fields)| Some((module, fields.into_iter().nth(index)?)));
    field.map_or(std::ptr::null(), |(module, field)| module.texts.keep(field))
}
