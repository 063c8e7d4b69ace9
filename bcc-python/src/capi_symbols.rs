//! C functions about symbols: caches by process, and the places that probes go to.
#![expect(unsafe_code, reason = "C functions: pointers from the caller, names without mangling")]

use crate::capi_objects::{c_text, failed};
use bcc_core::kernel::kallsyms::Kallsyms;
use bcc_core::symbol::demangle::demangle;
use bcc_core::symbol::library;
use bcc_core::symbol::place::{self, Wanted};
use bcc_core::symbol::process::ProcessSymbols;
use nix::errno::Errno;
use std::collections::HashSet;
use std::ffi::{CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// `struct bcc_symbol`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct CSymbol {
    name: *const c_char,
    demangle_name: *const c_char,
    module: *const c_char,
    offset: u64,
}

/// What `bcc_symcache_new` gives a pointer to.
#[derive(Debug)]
pub(crate) struct SymCache {
    source: Mutex<Source>,
    /// Texts that were handed out; they live as long as the cache.
    texts: Mutex<HashSet<CString>>,
}

#[derive(Debug)]
enum Source {
    Kernel(Option<Kallsyms>),
    Process(Option<Box<ProcessSymbols>>),
}

impl SymCache {
    fn new(pid: c_int) -> Self {
        let source = if pid < 0 {
            Source::Kernel(Kallsyms::read().ok())
        } else {
            Source::Process(ProcessSymbols::new(pid).ok().map(Box::new))
        };
        Self { source: Mutex::new(source), texts: Mutex::default() }
    }

    /// A pointer to the text that is good while the cache is.
    fn text(&self, text: &str) -> *const c_char {
        let Ok(text) = CString::new(text) else { return std::ptr::null() };
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if !texts.contains(&text) {
            texts.insert(text.clone());
        }
        texts.get(&text).map_or(std::ptr::null(), |kept| kept.as_ptr())
    }

    /// Name, offset, module; with the module alone, the offset is in it.
    fn resolve(&self, address: u64) -> Option<(Option<String>, u64, String)> {
        match &mut *self.source.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Kernel(symbols) => {
                let symbol = symbols.as_ref()?.at(address)?;
                let offset = address - symbol.address;
                Some((Some(symbol.name.to_owned()), offset, symbol.module.to_owned()))
            }
            Source::Process(symbols) => {
                let symbol = symbols.as_mut()?.resolve(address)?;
                let name = symbol.name.map(str::to_owned);
                Some((name, symbol.offset, symbol.module.to_owned()))
            }
        }
    }

    fn address_of(&self, module: &str, name: &str) -> Option<u64> {
        match &mut *self.source.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Kernel(symbols) => match module {
                "" => symbols.as_ref()?.address_of(name),
                module => symbols.as_ref()?.address_in(module, name),
            },
            Source::Process(symbols) => symbols.as_mut()?.resolve_name(module, name),
        }
    }
}

/// Symbols of a process, or of the kernel (negative pid).
///
/// # Safety
/// None: the options are not read, there is one good way.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_symcache_new(
    pid: c_int,
    _options: *const c_void,
) -> *mut SymCache {
    Box::into_raw(Box::new(SymCache::new(pid)))
}

/// # Safety
/// `cache` is null or of [`bcc_symcache_new`], and not used again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_free_symcache(cache: *mut SymCache, _pid: c_int) {
    if !cache.is_null() {
        // SAFETY: it came from a box, and the caller gives it up.
        drop(unsafe { Box::from_raw(cache) });
    }
}

/// Reads a process's mappings again.
///
/// # Safety
/// `cache` is null or of [`bcc_symcache_new`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_symcache_refresh(cache: *mut SymCache) {
    // SAFETY: as this function's.
    let Some(cache) = (unsafe { cache.as_ref() }) else { return };
    if let Source::Process(Some(symbols)) =
        &mut *cache.source.lock().unwrap_or_else(PoisonError::into_inner)
        && let Err(error) = symbols.refresh()
    {
        log::debug!("{error}");
    }
}

/// # Safety
/// As [`bcc_symcache_resolve`].
unsafe fn resolve(cache: *mut SymCache, address: u64, to: *mut CSymbol, names: bool) -> c_int {
    // SAFETY: as the caller's.
    let Some(to) = (unsafe { to.as_mut() }) else { return failed(Errno::EFAULT) };
    *to = CSymbol {
        name: std::ptr::null(),
        demangle_name: std::ptr::null(),
        module: std::ptr::null(),
        offset: address,
    };
    // SAFETY: as the caller's.
    let Some(cache) = (unsafe { cache.as_ref() }) else { return failed(Errno::EFAULT) };
    let Some((name, offset, module)) = cache.resolve(address) else {
        return failed(Errno::ENOENT);
    };
    to.offset = offset;
    to.module = cache.text(&module);
    let Some(name) = name else { return failed(Errno::ENOENT) };
    to.name = cache.text(&name);
    if names {
        let plain = demangle(&name).and_then(|plain| CString::new(plain).ok());
        to.demangle_name = plain.map_or(to.name, |plain| plain.into_raw().cast_const());
    }
    0
}

/// Fills `to` with what is at `address`; -1 without a name, module and offset filled all the same.
///
/// # Safety
/// `cache` is of [`bcc_symcache_new`], `to` points to a `bcc_symbol`; either may be null. The texts live as
/// long as the cache, `demangle_name` until `bcc_symbol_free_demangle_name`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_symcache_resolve(
    cache: *mut SymCache,
    address: u64,
    to: *mut CSymbol,
) -> c_int {
    // SAFETY: as this function's.
    unsafe { resolve(cache, address, to, true) }
}

/// As [`bcc_symcache_resolve`], without `demangle_name`.
///
/// # Safety
/// As [`bcc_symcache_resolve`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_symcache_resolve_no_demangle(
    cache: *mut SymCache,
    address: u64,
    to: *mut CSymbol,
) -> c_int {
    // SAFETY: as this function's.
    unsafe { resolve(cache, address, to, false) }
}

/// # Safety
/// `symbol` is null or was filled by [`bcc_symcache_resolve`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_symbol_free_demangle_name(symbol: *mut CSymbol) {
    // SAFETY: as this function's.
    let Some(symbol) = (unsafe { symbol.as_mut() }) else { return };
    if !symbol.demangle_name.is_null() && symbol.demangle_name != symbol.name {
        // SAFETY: only `resolve` sets it to something else than the name, out of a `CString`.
        drop(unsafe { CString::from_raw(symbol.demangle_name.cast_mut()) });
    }
    symbol.demangle_name = std::ptr::null();
}

/// The address of a name, in a module or (null) anywhere.
///
/// # Safety
/// `cache` is null or of [`bcc_symcache_new`]; the texts are null or C strings; `address` is null or
/// points to a number.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_symcache_resolve_name(
    cache: *mut SymCache,
    module: *const c_char,
    name: *const c_char,
    address: *mut u64,
) -> c_int {
    // SAFETY: as this function's. No module means any.
    let module = unsafe { c_text(module) }.unwrap_or_default();
    // SAFETY: as this function's.
    let Ok(name) = (unsafe { c_text(name) }) else { return failed(Errno::EFAULT) };
    // SAFETY: as this function's.
    let Some(cache) = (unsafe { cache.as_ref() }) else { return failed(Errno::EFAULT) };
    // SAFETY: as this function's.
    let Some(address) = (unsafe { address.as_mut() }) else { return failed(Errno::EFAULT) };
    match cache.address_of(&module, &name) {
        Some(found) => {
            *address = found;
            0
        }
        None => failed(Errno::ENOENT),
    }
}

/// A copy in memory of `malloc(3)`, for `bcc_procutils_free`; null for what has a NUL inside.
fn copied(bytes: &[u8]) -> *mut c_char {
    let Ok(text) = CString::new(bytes) else { return std::ptr::null_mut() };
    // SAFETY: a C string that lives during the call.
    unsafe { libc::strdup(text.as_ptr()) }
}

/// The file (to be freed by `bcc_procutils_free`) and file offset of a symbol, or of an address.
///
/// # Safety
/// The texts are null or C strings; `to` is null or points to a `bcc_symbol`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_resolve_symname(
    module: *const c_char,
    symbol: *const c_char,
    address: u64,
    pid: c_int,
    _options: *const c_void,
    to: *mut CSymbol,
) -> c_int {
    // SAFETY: as this function's.
    let Ok(module) = (unsafe { c_text(module) }) else { return failed(Errno::EFAULT) };
    // SAFETY: as this function's.
    let name = unsafe { c_text(symbol) }.unwrap_or_default();
    // SAFETY: as this function's.
    let Some(to) = (unsafe { to.as_mut() }) else { return failed(Errno::EFAULT) };
    let wanted = if name.is_empty() { Wanted::Address(address) } else { Wanted::Symbol(&name, 0) };
    match place::resolve(&module, wanted, (pid > 0).then_some(pid)) {
        Ok(found) => {
            to.module = copied(found.path.as_os_str().as_bytes());
            to.name = symbol;
            to.demangle_name = symbol;
            to.offset = found.offset;
            0
        }
        Err(error) => {
            log::debug!("{error}");
            failed(Errno::ENOENT)
        }
    }
}

/// Calls `call` with the name and address of each function of a library or executable, until it returns
/// something else than 0.
///
/// # Safety
/// `module` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_foreach_function_symbol(
    module: *const c_char,
    call: Option<extern "C" fn(*const c_char, u64) -> c_int>,
) -> c_int {
    // SAFETY: as this function's.
    let (Ok(module), Some(call)) = (unsafe { c_text(module) }, call) else {
        return failed(Errno::EFAULT);
    };
    let Ok(module) = place::Module::open(&module, None) else { return failed(Errno::ENOENT) };
    for function in module.functions().iter() {
        let Ok(name) = CString::new(function.name) else { continue };
        if call(name.as_ptr(), function.address) != 0 {
            break;
        }
    }
    0
}

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

/// 1 for an ELF file that is a shared object, 0 for another, -1 for what is none.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_elf_is_shared_obj(path: *const c_char) -> c_int {
    const ET_DYN: u8 = 3;
    // SAFETY: as this function's.
    let path = unsafe { c_text(path) }.unwrap_or_default();
    let mut head = [0; 18];
    let read = std::fs::File::open(Path::new(&path))
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    match read {
        Ok(()) if head.starts_with(b"\x7fELF") => {
            // e_type, of either byte order: its other byte is 0.
            c_int::from(head[16].max(head[17]) == ET_DYN)
        }
        _ => failed(Errno::ENOEXEC),
    }
}
