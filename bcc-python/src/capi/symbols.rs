//! C functions about symbols: caches by process, and the places that probes go to.

use super::texts::Texts;
use super::{c_text, copied, failed};
use bcc_core::kernel::kallsyms::Kallsyms;
use bcc_core::symbol::build_id::BuildIdCache;
use bcc_core::symbol::demangle::demangle;
use bcc_core::symbol::place::{self, Wanted};
use bcc_core::symbol::process::ProcessSymbols;
use nix::errno::Errno;
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
    texts: Texts,
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
        Self { source: Mutex::new(source), texts: Texts::default() }
    }

    /// Name, offset, module; with the module alone, the offset is in it.
    fn resolve(&self, address: u64) -> Option<Found> {
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
    match cache.resolve(address) {
        Some(found) => fill(to, &cache.texts, found, names),
        None => failed(Errno::ENOENT),
    }
}

/// Name, offset and module; without a name, the offset is in the module.
type Found = (Option<String>, u64, String);

fn fill(to: &mut CSymbol, texts: &Texts, (name, offset, module): Found, names: bool) -> c_int {
    to.offset = offset;
    to.module = texts.keep(&module);
    let Some(name) = name else { return failed(Errno::ENOENT) };
    to.name = texts.keep(&name);
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

/// `struct bpf_stack_build_id`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct BuildIdFrame {
    status: i32,
    build_id: [u8; 20],
    offset: u64,
}

/// What `bcc_buildsymcache_new` gives a pointer to.
#[derive(Debug, Default)]
pub(crate) struct BuildIdSymbols {
    files: Mutex<BuildIdCache>,
    texts: Texts,
}

/// Symbols of files by their build-id.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bcc_buildsymcache_new() -> *mut BuildIdSymbols {
    Box::into_raw(Box::default())
}

/// # Safety
/// `cache` is null or of [`bcc_buildsymcache_new`], and not used again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_free_buildsymcache(cache: *mut BuildIdSymbols) {
    if !cache.is_null() {
        // SAFETY: it came from a box, and the caller gives it up.
        drop(unsafe { Box::from_raw(cache) });
    }
}

/// Adds a file; -1 for one without build-id.
///
/// # Safety
/// `cache` is null or of [`bcc_buildsymcache_new`], `path` null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_buildsymcache_add_module(
    cache: *mut BuildIdSymbols,
    path: *const c_char,
) -> c_int {
    // SAFETY: as this function's.
    let (Some(cache), Ok(path)) = (unsafe { cache.as_ref() }, unsafe { c_text(path) }) else {
        return failed(Errno::EFAULT);
    };
    let mut files = cache.files.lock().unwrap_or_else(PoisonError::into_inner);
    match files.add_module(Path::new(&path)) {
        Ok(()) => 0,
        Err(error) => {
            log::debug!("{error}");
            failed(Errno::ENOENT)
        }
    }
}

/// Fills `to` with what a frame of a build-id stack is; -1 without a name.
///
/// # Safety
/// `cache` is of [`bcc_buildsymcache_new`], `frame` points to a `bpf_stack_build_id`, `to` to a
/// `bcc_symbol`; each may be null. The texts live as long as the cache, `demangle_name` until
/// `bcc_symbol_free_demangle_name`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_buildsymcache_resolve(
    cache: *mut BuildIdSymbols,
    frame: *const BuildIdFrame,
    to: *mut CSymbol,
) -> c_int {
    /// `BPF_STACK_BUILD_ID_VALID`.
    const VALID: i32 = 1;
    // SAFETY: as this function's.
    let (cache, frame) = (unsafe { cache.as_ref() }, unsafe { frame.as_ref() });
    // SAFETY: as this function's.
    let (Some(cache), Some(frame), Some(to)) = (cache, frame, unsafe { to.as_mut() }) else {
        return failed(Errno::EFAULT);
    };
    if frame.status != VALID {
        return failed(Errno::ENOENT);
    }
    let mut files = cache.files.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(symbol) = files.resolve(&frame.build_id, frame.offset) else {
        return failed(Errno::ENOENT);
    };
    let found = (symbol.name.map(str::to_owned), symbol.offset, symbol.module.to_owned());
    fill(to, &cache.texts, found, true)
}
