//! ELF files: what kind they are, what they load, their functions.

use super::{c_text, failed, put_text};
use bcc_core::symbol::SymbolError;
use bcc_core::symbol::elf::ElfFile;
use bcc_core::symbol::process::maps::parse_mapping;
use bcc_core::symbol::table::SymbolTable;
use nix::errno::Errno;
use std::ffi::{CString, c_char, c_int, c_void};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// `ET_EXEC` and `ET_DYN`.
const EXECUTABLE: u16 = 2;
const SHARED: u16 = 3;

type SymbolCall = extern "C" fn(*const c_char, u64, u64, *mut c_void) -> c_int;

/// An ELF file by its path, or by `archive!/member`.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn open(path: *const c_char) -> Result<ElfFile, Errno> {
    // SAFETY: as this function's.
    let path = unsafe { c_text(path) }.map_err(|error| error.errno)?;
    ElfFile::open(Path::new(&path)).map_err(|error| {
        log::debug!("{error}");
        match error {
            SymbolError::Io { source, .. } => {
                source.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
            }
            _ => Errno::ENOEXEC,
        }
    })
}

/// 1 or 0 of a file; -1 for what is no ELF file.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn ask(path: *const c_char, question: impl FnOnce(&ElfFile) -> bool) -> c_int {
    // SAFETY: as this function's.
    unsafe { open(path) }.map_or_else(failed, |elf| c_int::from(question(&elf)))
}

/// Whether it is a shared object, an executable that may be loaded anywhere counted; -1 for no ELF file.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_is_shared_obj(path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    unsafe { ask(path, |elf| elf.file_type() == SHARED) }
}

/// Whether it is an executable that may be loaded anywhere; -1 for no ELF file.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_is_pie(path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    unsafe { ask(path, ElfFile::is_pie) }
}

/// Whether it is an executable; -1 for no ELF file.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_is_exe(path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    unsafe { ask(path, |elf| elf.file_type() == EXECUTABLE || elf.is_pie()) }
}

/// `ET_*`; -1 for no ELF file.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_get_type(path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    unsafe { open(path) }.map_or_else(failed, |elf| elf.file_type().into())
}

/// Whether a mapping of that name is the vDSO.
///
/// # Safety
/// `name` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_is_vdso(name: *const c_char) -> c_int {
    // SAFETY: as this function's.
    c_int::from(unsafe { c_text(name) }.is_ok_and(|name| name == "[vdso]"))
}

/// Writes the build-id in hexadecimal, two digits a byte and a NUL; -1 without one.
///
/// # Safety
/// `path` is null or a C string; `to` is null or has room for the 41 bytes of an id of 20 bytes.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_get_buildid(path: *const c_char, to: *mut c_char) -> c_int {
    // SAFETY: as this function's.
    match unsafe { open(path) }.map(|elf| elf.build_id()) {
        Ok(Some(id)) => {
            let text: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            // SAFETY: as this function's; longer ids are cut to what there is room for.
            match unsafe { put_text(text.as_bytes(), to, 41) } {
                len if len < 0 => -1,
                _ => 0,
            }
        }
        Ok(None) => failed(Errno::ENODATA),
        Err(errno) => failed(errno),
    }
}

/// Address and file offset of the `.text` section; -1 without one.
///
/// # Safety
/// `path` is null or a C string; the others are null or point to numbers.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_get_text_scn_info(
    path: *const c_char,
    address: *mut u64,
    offset: *mut u64,
) -> c_int {
    // SAFETY: as this function's.
    let (address, offset) = (unsafe { address.as_mut() }, unsafe { offset.as_mut() });
    // SAFETY: as this function's.
    let found = unsafe { open(path) }.map(|elf| {
        let start = elf.section_address(".text")?;
        Some((start, elf.file_offset(start)?))
    });
    match (found, address, offset) {
        (Ok(Some((start, at))), Some(address), Some(offset)) => {
            (*address, *offset) = (start, at);
            0
        }
        (Ok(None), ..) => failed(Errno::ENOENT),
        (Err(errno), ..) => failed(errno),
        _ => failed(Errno::EFAULT),
    }
}

/// Calls `call` with address, size in memory and file offset of each part that is loaded for execution,
/// until it returns a negative number.
///
/// # Safety
/// `path` is null or a C string; `payload` is what `call` wants it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_foreach_load_section(
    path: *const c_char,
    call: Option<extern "C" fn(u64, u64, u64, *mut c_void) -> c_int>,
    payload: *mut c_void,
) -> c_int {
    let Some(call) = call else { return failed(Errno::EFAULT) };
    // SAFETY: as this function's.
    match unsafe { open(path) } {
        Ok(elf) => {
            for (address, size, offset) in elf.code_segments() {
                if call(address, size, offset, payload) < 0 {
                    break;
                }
            }
            0
        }
        Err(errno) => failed(errno),
    }
}

fn give(functions: &SymbolTable, call: SymbolCall, payload: *mut c_void) -> c_int {
    for function in functions.iter() {
        let Ok(name) = CString::new(function.name) else { continue };
        if call(name.as_ptr(), function.address, function.size, payload) != 0 {
            break;
        }
    }
    0
}

/// Calls `call` with name, address and size of each function, until it returns something else than 0.
///
/// # Safety
/// `path` is null or a C string; `payload` is what `call` wants it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_foreach_sym(
    path: *const c_char,
    call: Option<SymbolCall>,
    _options: *const c_void,
    payload: *mut c_void,
) -> c_int {
    let Some(call) = call else { return failed(Errno::EFAULT) };
    // SAFETY: as this function's.
    let functions =
        unsafe { open(path) }.and_then(|elf| elf.functions().map_err(|_damaged| Errno::ENOEXEC));
    functions.map_or_else(failed, |functions| give(&functions, call, payload))
}

/// This process's vDSO.
fn vdso() -> Option<ElfFile> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let mapping = maps.lines().filter_map(parse_mapping).find(|m| m.path == "[vdso]")?;
    let mut image = vec![0; usize::try_from(mapping.end.checked_sub(mapping.start)?).ok()?];
    File::open("/proc/self/mem").ok()?.read_exact_at(&mut image, mapping.start).ok()?;
    ElfFile::from_bytes(image, Path::new("[vdso]")).ok()
}

/// As [`bcc_elf_foreach_sym`], of the vDSO.
///
/// # Safety
/// `payload` is what `call` wants it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_foreach_vdso_sym(
    call: Option<SymbolCall>,
    payload: *mut c_void,
) -> c_int {
    let Some(call) = call else { return failed(Errno::EFAULT) };
    let functions = vdso().and_then(|elf| elf.functions().ok());
    functions.map_or_else(|| failed(Errno::ENOENT), |functions| give(&functions, call, payload))
}
