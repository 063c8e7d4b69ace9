//! Processes and files by name: what `bcc_procutils_*` and `bcc_perf_map_*` tell.

use super::{c_text, copied, failed, put_text};
use bcc_core::kernel::kallsyms::Kallsyms;
use bcc_core::regular;
use bcc_core::symbol::process::maps::{Mapping, is_file, parse_mapping};
use bcc_core::symbol::{library, perf_map};
use nix::errno::Errno;
use std::ffi::{CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Path of a library by its short name (to be freed by `bcc_procutils_free`), or null.
///
/// # Safety
/// `name` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_procutils_which_so(
    name: *const c_char,
    pid: c_int,
) -> *mut c_char {
    // SAFETY: as this function's.
    let name = unsafe { c_text(name) }.unwrap_or_default();
    let found = library::find_library(&name, (pid > 0).then_some(pid));
    found.map_or(std::ptr::null_mut(), |path| copied(path.as_os_str().as_bytes()))
}

/// Path of an executable (to be freed by `bcc_procutils_free`), or null.
///
/// # Safety
/// `name` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_procutils_which(name: *const c_char) -> *mut c_char {
    // SAFETY: as this function's.
    let name = unsafe { c_text(name) }.unwrap_or_default();
    let found = library::find_executable(&name);
    found.map_or(std::ptr::null_mut(), |path| copied(path.as_os_str().as_bytes()))
}

/// Frees what a function of this library says is to be freed.
///
/// # Safety
/// `memory` is null or of such a function, and not used again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_procutils_free(memory: *const c_char) {
    // SAFETY: it is null or of `malloc(3)`, and the caller gives it up.
    unsafe { libc::free(memory.cast_mut().cast()) }
}

/// Calls `call` with the name and address of each kernel symbol.
///
/// # Safety
/// `payload` is what `call` wants it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_procutils_each_ksym(
    call: Option<extern "C" fn(*const c_char, *const c_char, u64, *mut c_void)>,
    payload: *mut c_void,
) -> c_int {
    let (Some(call), Ok(symbols)) = (call, Kallsyms::read()) else { return failed(Errno::ENOENT) };
    for symbol in symbols.iter() {
        let (Ok(name), Ok(module)) = (CString::new(symbol.name), CString::new(symbol.module))
        else {
            continue;
        };
        call(name.as_ptr(), module.as_ptr(), symbol.address, payload);
    }
    0
}

/// Whether a mapping of that name is of a file.
///
/// # Safety
/// `name` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_mapping_is_file_backed(name: *const c_char) -> c_int {
    // SAFETY: as this function's.
    let name = unsafe { c_text(name) }.unwrap_or_default();
    c_int::from(!name.is_empty() && !name.starts_with('[') && !name.starts_with("//anon"))
}

/// As [`bcc_procutils_which_so`], out of the libraries that process `pid` has mapped alone.
///
/// # Safety
/// `name` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_procutils_which_so_in_process(
    name: *const c_char,
    pid: c_int,
) -> *mut c_char {
    // SAFETY: as this function's.
    let name = unsafe { c_text(name) }.unwrap_or_default();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let found = library::in_maps(&maps, &name);
    found.map_or(std::ptr::null_mut(), |path| copied(path.as_os_str().as_bytes()))
}

/// The language of process `pid` (a text that is never freed), or null.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bcc_procutils_language(pid: c_int) -> *const c_char {
    let known = [c"java", c"node", c"perl", c"php", c"python", c"ruby"];
    let language = u32::try_from(pid).ok().and_then(crate::kernel::process_language);
    let found = known.into_iter().find(|name| Some(name.to_bytes()) == language.map(str::as_bytes));
    found.map_or(std::ptr::null(), |name| name.as_ptr())
}

/// `struct mod_info`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct ModInfo {
    name: *const c_char,
    start: u64,
    end: u64,
    file_offset: u64,
    dev_major: u64,
    dev_minor: u64,
    inode: u64,
}

fn executable_mappings(
    pid: c_int,
    mut each: impl FnMut(&Mapping<'_>) -> bool,
) -> Result<(), Errno> {
    let maps =
        std::fs::read_to_string(format!("/proc/{pid}/maps")).map_err(|_error| Errno::ESRCH)?;
    let mapped = maps.lines().filter_map(parse_mapping);
    for mapping in mapped.filter(|mapping| mapping.executable && !mapping.path.is_empty()) {
        if !each(&mapping) {
            break;
        }
    }
    Ok(())
}

/// Calls `call` with each executable mapping of a file, and of the vDSO, that process `pid` has, until it
/// returns a negative number; a perf map of the process comes last. The second argument says whether the
/// name is a path in the process's mount namespace.
///
/// # Safety
/// `payload` is what `call` wants it to be; a `mod_info` lives during the call.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_procutils_each_module(
    pid: c_int,
    call: Option<extern "C" fn(*const ModInfo, c_int, *mut c_void) -> c_int>,
    payload: *mut c_void,
) -> c_int {
    let Some(call) = call else { return failed(Errno::EFAULT) };
    let give = |name: &[u8], mapping: Option<&Mapping<'_>>, in_namespace: bool| {
        let Ok(text) = CString::new(name) else { return true };
        let hex = |part: Option<&str>| part.and_then(|part| u64::from_str_radix(part, 16).ok());
        let mut device = mapping.map_or("", |mapping| mapping.device).split(':');
        let info = ModInfo {
            name: text.as_ptr(),
            start: mapping.map_or(0, |mapping| mapping.start),
            end: mapping.map_or(u64::MAX, |mapping| mapping.end),
            file_offset: mapping.map_or(0, |mapping| mapping.offset),
            dev_major: hex(device.next()).unwrap_or(0),
            dev_minor: hex(device.next()).unwrap_or(0),
            inode: mapping.map_or(0, |mapping| mapping.inode),
        };
        call(&raw const info, c_int::from(in_namespace), payload) >= 0
    };
    let mut goes_on = true;
    let walked = executable_mappings(pid, |mapping| {
        let wanted = is_file(mapping.path) || mapping.path == "[vdso]";
        goes_on = !wanted || give(mapping.path.as_bytes(), Some(mapping), is_file(mapping.path));
        goes_on
    });
    if let Err(errno) = walked {
        return failed(errno);
    }
    if goes_on && let Some(map) = perf_map::paths(pid).into_iter().find(|path| path.exists()) {
        give(map.as_os_str().as_bytes(), None, false);
    }
    0
}

/// The address in process `pid` of the byte at file offset `offset` of `module`.
///
/// # Safety
/// `module` is null or a C string; `address` is null or points to a number.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_resolve_global_addr(
    pid: c_int,
    module: *const c_char,
    offset: u64,
    inode_match_only: u8,
    address: *mut u64,
) -> c_int {
    // SAFETY: as this function's.
    let (Ok(module), Some(to)) = (unsafe { c_text(module) }, unsafe { address.as_mut() }) else {
        return failed(Errno::EFAULT);
    };
    let inode = std::fs::metadata(&module).ok().map(|meta| meta.ino());
    let mut found = None;
    let walked = executable_mappings(pid, |mapping| {
        let same = match inode_match_only {
            0 => mapping.path == module,
            _ => Some(mapping.inode) == inode,
        };
        let into =
            offset.checked_sub(mapping.offset).filter(|into| *into < mapping.end - mapping.start);
        found = into.filter(|_| same).map(|into| mapping.start + into);
        found.is_none()
    });
    match (walked, found) {
        (Ok(()), Some(found)) => {
            *to = found;
            0
        }
        (Ok(()), None) => failed(Errno::ENOENT),
        (Err(errno), _) => failed(errno),
    }
}

/// The id of a `perf-ID.map` file's name.
fn perf_map_id(path: &str) -> Option<u32> {
    let name = Path::new(path).file_name()?.to_str()?;
    name.strip_prefix("perf-")?.strip_suffix(".map")?.parse().ok()
}

/// Whether a path is named like a perf map.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_is_perf_map(path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    c_int::from(unsafe { c_text(path) }.is_ok_and(|path| perf_map_id(&path).is_some()))
}

/// Whether a path is a perf map that is there.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_is_valid_perf_map(path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    let path = unsafe { c_text(path) }.unwrap_or_default();
    c_int::from(perf_map_id(&path).is_some() && Path::new(&path).exists())
}

/// The id by which process `pid` knows itself; -1 without such a process.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bcc_perf_map_nstgid(pid: c_int) -> c_int {
    perf_map::inner_pid(pid).unwrap_or_else(|| failed(Errno::ESRCH))
}

/// Writes where process `pid` leaves its perf map; true when it fits.
///
/// # Safety
/// `to` is null or points to `len` bytes that only this call uses.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_perf_map_path(to: *mut c_char, len: usize, pid: c_int) -> bool {
    let path = perf_map::paths(pid).into_iter().next().unwrap_or_default();
    // SAFETY: as this function's.
    unsafe { put_text(path.as_os_str().as_bytes(), to, len) >= 0 }
}

/// Calls `call` with name, start and length of each symbol of a perf map, until it returns something else
/// than 0.
///
/// # Safety
/// `path` is null or a C string; `payload` is what `call` wants it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_perf_map_foreach_sym(
    path: *const c_char,
    call: Option<extern "C" fn(*const c_char, u64, u64, *mut c_void) -> c_int>,
    payload: *mut c_void,
) -> c_int {
    // SAFETY: as this function's.
    let (Ok(path), Some(call)) = (unsafe { c_text(path) }, call) else {
        return failed(Errno::EFAULT);
    };
    let Ok(text) = regular::read(Path::new(&path)) else { return failed(Errno::ENOENT) };
    for symbol in perf_map::parse(&text).iter() {
        let Ok(name) = CString::new(symbol.name) else { continue };
        if call(name.as_ptr(), symbol.address, symbol.size, payload) != 0 {
            break;
        }
    }
    0
}
