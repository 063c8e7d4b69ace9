//! USDT probes: `bcc_usdt_*`. A context is what `bcc_usdt_new_*` gives, or a `bcc.USDT` of Python.

use super::texts::Texts;
use super::{c_text, failed};
use crate::usdt::Usdt;
use bcc_core::usdt::{self, Argument, Operand, Probe, UsdtError};
use bcc_sys::SysError;
use nix::errno::Errno;
use std::collections::HashSet;
use std::ffi::{c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Contexts that C code made and has to close; those of Python's objects are theirs.
static OWNED: LazyLock<Mutex<HashSet<usize>>> = LazyLock::new(Mutex::default);

/// `struct bcc_usdt`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct CProbe {
    provider: *const c_char,
    name: *const c_char,
    bin_path: *const c_char,
    semaphore: u64,
    num_locations: c_int,
    num_arguments: c_int,
}

/// `struct bcc_usdt_location`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct CLocation {
    address: u64,
    bin_path: *const c_char,
}

/// `struct bcc_usdt_argument`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct CArgument {
    size: c_int,
    valid: c_int,
    constant: i64,
    deref_offset: c_int,
    deref_ident: *const c_char,
    base_register: *const c_char,
    index_register: *const c_char,
    scale: c_int,
}

fn count(count: usize) -> c_int {
    c_int::try_from(count).unwrap_or(c_int::MAX)
}

fn path(texts: &Texts, path: &Path) -> *const c_char {
    texts.keep(path.as_os_str().as_bytes())
}

fn refused(error: &UsdtError) -> c_int {
    log::debug!("{error}");
    failed(match error {
        UsdtError::NoProbe(_) | UsdtError::NoFile(_) => Errno::ENOENT,
        UsdtError::Process { source, .. } => {
            source.raw_os_error().map_or(Errno::ESRCH, Errno::from_raw)
        }
        _ => Errno::EINVAL,
    })
}

fn made(probes: Result<usdt::Usdt, UsdtError>) -> *mut Usdt {
    match probes {
        Ok(probes) => {
            let context = Box::into_raw(Box::new(Usdt::of(probes)));
            OWNED.lock().unwrap_or_else(PoisonError::into_inner).insert(context.addr());
            context
        }
        Err(error) => {
            refused(&error);
            std::ptr::null_mut()
        }
    }
}

/// The probes of the files that process `pid` has mapped, or of one of them.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_usdt_new_frompid(pid: c_int, path: *const c_char) -> *mut Usdt {
    // SAFETY: as this function's.
    let path = unsafe { c_text(path) }.ok();
    made(usdt::Usdt::of_process(pid, path.as_deref().map(Path::new)))
}

/// The probes of a file.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_usdt_new_frompath(path: *const c_char) -> *mut Usdt {
    // SAFETY: as this function's.
    made(usdt::Usdt::of_path(&unsafe { c_text(path) }.unwrap_or_default()))
}

/// Ends a context of [`bcc_usdt_new_frompid`] or [`bcc_usdt_new_frompath`]; one of Python's is left alone.
///
/// # Safety
/// `context` is not used again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_usdt_close(context: *mut Usdt) {
    if OWNED.lock().unwrap_or_else(PoisonError::into_inner).remove(&context.addr()) {
        // SAFETY: it came from a box, as it was among the owned ones, and the caller gives it up.
        drop(unsafe { Box::from_raw(context) });
    }
}

/// Calls `call` with each probe, whose texts live as long as the context.
///
/// # Safety
/// `context` is null or a live one.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_usdt_foreach(
    context: *const Usdt,
    call: Option<extern "C" fn(*const CProbe)>,
) {
    // SAFETY: as this function's.
    let (Some(context), Some(call)) = (unsafe { context.as_ref() }, call) else { return };
    // A copy: the function may ask the context for more.
    let probes = context.lock().probes().to_vec();
    for probe in probes {
        let shown = CProbe {
            provider: context.texts.keep(&probe.provider),
            name: context.texts.keep(&probe.name),
            bin_path: path(&context.texts, &probe.path),
            semaphore: probe.semaphore,
            num_locations: count(probe.locations.len()),
            num_arguments: count(probe.argument_count()),
        };
        call(&raw const shown);
    }
}

/// A context and a probe of it: `name` or `provider:name`, as C functions get them.
struct Named<'a> {
    context: &'a Usdt,
    name: String,
}

impl Named<'_> {
    /// # Safety
    /// `context` is null or a live one, the texts are null or C strings. Without a provider any counts.
    unsafe fn of(
        context: *const Usdt,
        provider: *const c_char,
        name: *const c_char,
    ) -> Result<Self, SysError> {
        // SAFETY: as this function's.
        let (provider, name) = (unsafe { c_text(provider) }, unsafe { c_text(name) }?);
        // SAFETY: as this function's.
        let context = unsafe { context.as_ref() }
            .ok_or(SysError { call: "bcc_usdt", errno: Errno::EFAULT })?;
        let name = provider.map_or_else(|_any| name.clone(), |from| format!("{from}:{name}"));
        Ok(Self { context, name })
    }

    /// What `look` finds of the probe.
    fn probe<T>(&self, look: impl FnOnce(&Probe) -> Option<T>) -> Option<T> {
        let probes = self.context.lock();
        let probe = probes.probe(&self.name).inspect_err(|error| log::debug!("{error}")).ok()?;
        look(probe)
    }

    fn enable(&self, function: &str) -> c_int {
        let enabled = self.context.lock().enable(&self.name, function);
        enabled.map_or_else(|error| refused(&error), |()| 0)
    }

    fn add_to_semaphore(&self, by: i16) -> c_int {
        let added = self.context.lock().step_semaphore(&self.name, by);
        added.map_or_else(|error| refused(&error), |()| 0)
    }

    fn argument_type(&self, index: c_int) -> *const c_char {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let found = self.context.lock().argument_type(&self.name, index);
        found.map_or(null(), |name| self.context.texts.keep(name))
    }
}

/// Place number `index` of a probe.
///
/// # Safety
/// `context` is null or a live one, the texts are C strings, `to` is null or a `bcc_usdt_location`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_usdt_get_location(
    context: *const Usdt,
    provider: *const c_char,
    name: *const c_char,
    index: c_int,
    to: *mut CLocation,
) -> c_int {
    // SAFETY: as this function's.
    let (named, to) = (unsafe { Named::of(context, provider, name) }, unsafe { to.as_mut() });
    let (Ok(named), Some(to)) = (named, to) else { return failed(Errno::EFAULT) };
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    let found =
        named.probe(|probe| Some((probe.locations.get(index)?.address, probe.path.clone())));
    let Some((address, file)) = found else { return failed(Errno::ENOENT) };
    *to = CLocation { address, bin_path: path(&named.context.texts, &file) };
    0
}

fn argument(texts: &Texts, argument: &Argument) -> CArgument {
    /// Which members count.
    const CONSTANT: c_int = 0x1;
    const DEREF_OFFSET: c_int = 0x2;
    const DEREF_IDENT: c_int = 0x4;
    const BASE_REGISTER: c_int = 0x8;
    const INDEX_REGISTER: c_int = 0x10;
    const SCALE: c_int = 0x20;
    let size = c_int::from(argument.size);
    let mut out = CArgument {
        size: if argument.signed { -size } else { size },
        valid: 0,
        constant: 0,
        deref_offset: 0,
        deref_ident: null(),
        base_register: null(),
        index_register: null(),
        scale: 0,
    };
    let distance = |offset: i64| c_int::try_from(offset).unwrap_or(0);
    match &argument.operand {
        Operand::Constant(value) => (out.valid, out.constant) = (CONSTANT, *value),
        Operand::Register(name) => {
            (out.valid, out.base_register) = (BASE_REGISTER, texts.keep(name));
        }
        Operand::Memory { base, index, offset, symbol, .. } => {
            (out.valid, out.deref_offset) = (DEREF_OFFSET, distance(*offset));
            if let Some(base) = base {
                out.valid |= BASE_REGISTER;
                out.base_register = texts.keep(base);
            }
            if let Some((register, scale)) = index {
                out.valid |= INDEX_REGISTER | SCALE;
                (out.index_register, out.scale) = (texts.keep(register), c_int::from(*scale));
            }
            if let Some(symbol) = symbol {
                out.valid |= DEREF_IDENT;
                out.deref_ident = texts.keep(symbol);
            }
        }
        Operand::Address { symbol, offset } => {
            out.valid = DEREF_OFFSET | DEREF_IDENT;
            (out.deref_offset, out.deref_ident) = (distance(*offset), texts.keep(symbol));
        }
        Operand::Unknown(_) => {}
    }
    out
}

/// Argument number `index` at place number `place` of a probe.
///
/// # Safety
/// As [`bcc_usdt_get_location`], `to` a `bcc_usdt_argument`, whose texts live as long as the context.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_usdt_get_argument(
    context: *const Usdt,
    provider: *const c_char,
    name: *const c_char,
    place: c_int,
    index: c_int,
    to: *mut CArgument,
) -> c_int {
    // SAFETY: as this function's.
    let (named, to) = (unsafe { Named::of(context, provider, name) }, unsafe { to.as_mut() });
    let (Ok(named), Some(to)) = (named, to) else { return failed(Errno::EFAULT) };
    let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let found = named
        .probe(|probe| probe.locations.get(number(place))?.arguments.get(number(index)).cloned());
    let Some(found) = found else { return failed(Errno::ENOENT) };
    *to = argument(&named.context.texts, &found);
    0
}

/// Defines a function about a probe twice: of any provider, and of a given one.
macro_rules! by_name {
    ($($any:ident $specified:ident ($argument:ident: $ty:ty) -> $result:ty, $absent:expr, $doc:literal, $act:expr;)*) => {
        $(
            #[doc = $doc]
            ///
            /// # Safety
            /// `context` is null or a live one, the texts are null or C strings.
            #[unsafe(no_mangle)]
            pub(crate) unsafe extern "C" fn $any(
                context: *const Usdt,
                name: *const c_char,
                $argument: $ty,
            ) -> $result {
                // SAFETY: as this function's.
                unsafe { $specified(context, null(), name, $argument) }
            }

            #[doc = $doc]
            ///
            /// # Safety
            /// `context` is null or a live one, the texts are null or C strings.
            #[unsafe(no_mangle)]
            pub(crate) unsafe extern "C" fn $specified(
                context: *const Usdt,
                provider: *const c_char,
                name: *const c_char,
                $argument: $ty,
            ) -> $result {
                // SAFETY: as this function's.
                match unsafe { Named::of(context, provider, name) } {
                    Ok(named) => $act(named, $argument),
                    Err(error) => {
                        failed(error.errno);
                        $absent
                    }
                }
            }
        )*
    };
}

by_name! {
    bcc_usdt_enable_probe bcc_usdt_enable_fully_specified_probe (function: *const c_char) -> c_int, -1,
        "Wants a function to run at a probe.",
        // SAFETY: as the function's that this is in.
        |named: Named<'_>, function| match unsafe { c_text(function) } {
            Ok(function) => named.enable(&function),
            Err(error) => failed(error.errno),
        };
    bcc_usdt_addsem_probe bcc_usdt_addsem_fully_specified_probe (by: i16) -> c_int, -1,
        "Adds to a probe's semaphore in the process.",
        |named: Named<'_>, by| named.add_to_semaphore(by);
    bcc_usdt_get_probe_argctype bcc_usdt_get_fully_specified_probe_argctype
        (index: c_int) -> *const c_char, null(),
        "C type of argument number `index`, or null; it lives as long as the context.",
        |named: Named<'_>, index| named.argument_type(index);
}

/// The C readers of the arguments of the contexts' enabled probes: good until the next call; null for a
/// failure.
///
/// # Safety
/// `contexts` is null or points to so many live ones, each there once.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_usdt_genargs(
    contexts: *const *const Usdt,
    length: c_int,
) -> *const c_char {
    static LAST: LazyLock<Mutex<Texts>> = LazyLock::new(Mutex::default);
    let contexts = match usize::try_from(length) {
        // SAFETY: not null, and the caller promises that many.
        Ok(length) if !contexts.is_null() => unsafe {
            std::slice::from_raw_parts(contexts, length)
        },
        _ => &[],
    };
    // SAFETY: as this function's.
    let locked: Vec<_> =
        contexts.iter().filter_map(|&one| unsafe { one.as_ref() }).map(Usdt::lock).collect();
    let all: Vec<&usdt::Usdt> = locked.iter().map(|context| &**context).collect();
    match usdt::generate(&all) {
        Ok(text) => {
            let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Texts::default();
            last.keep(text)
        }
        Err(error) => {
            refused(&error);
            null()
        }
    }
}

/// Calls `call` with file, function, address and process (-1 for all) of each uprobe that the enabled
/// probes need.
///
/// # Safety
/// `context` is null or a live one.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_usdt_foreach_uprobe(
    context: *const Usdt,
    call: Option<extern "C" fn(*const c_char, *const c_char, u64, c_int)>,
) {
    // SAFETY: as this function's.
    let (Some(context), Some(call)) = (unsafe { context.as_ref() }, call) else { return };
    let attachments = context.lock().attachments(false);
    for one in attachments {
        let file = path(&context.texts, &one.path);
        let function = context.texts.keep(&one.function);
        call(file, function, one.address, one.opts.pid.unwrap_or(-1));
    }
}
