//! Addresses to names, names to addresses.

use crate::error::symbol_error;
use bcc_core::kernel::kallsyms::Kallsyms;
use bcc_core::symbol::build_id::BuildIdCache;
use bcc_core::symbol::demangle::demangle as demangled;
use bcc_core::symbol::library;
use bcc_core::symbol::place::{self, Wanted};
use bcc_core::symbol::process::ProcessSymbols;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

/// The kernel's symbols, read once; `None` when the kernel hides them.
fn kernel() -> Option<&'static Kallsyms> {
    static SYMBOLS: OnceLock<Option<Kallsyms>> = OnceLock::new();
    let read = || Kallsyms::read().inspect_err(|error| log::debug!("{error}")).ok();
    SYMBOLS.get_or_init(read).as_ref()
}

/// Files that `BPF.add_module` named.
static BUILD_IDS: LazyLock<Mutex<BuildIdCache>> = LazyLock::new(Mutex::default);

/// A name, an offset, and the module; without a name the offset is in the module, or the address.
type Resolved<'py> = (Option<Bound<'py, PyBytes>>, u64, Option<Bound<'py, PyBytes>>);

/// Symbols of one process, or of the kernel.
#[pyclass(frozen, module = "bcc._native")]
#[derive(Debug)]
pub(crate) struct SymbolCache {
    /// `None` for the kernel, and for a process that was gone at the start.
    process: Option<Mutex<ProcessSymbols>>,
    is_kernel: bool,
}

/// How an address is shown.
#[derive(Clone, Copy)]
struct Shown {
    module: bool,
    offset: bool,
    demangle: bool,
}

impl Shown {
    /// `name+0xoff [module]`, or `[unknown]`.
    fn text(self, name: Option<&str>, offset: u64, module: Option<&str>) -> String {
        let mut text = match name {
            Some(name) => self.name(name),
            None => "[unknown]".to_owned(),
        };
        if self.offset && name.is_some() {
            let _infallible = write!(text, "+0x{offset:x}");
        }
        if let Some(module) = module.filter(|_| self.module) {
            let _infallible = write!(text, " [{}]", module.rsplit('/').next().unwrap_or(module));
        }
        text
    }

    fn name(self, name: &str) -> String {
        let plain = || name.to_owned();
        if self.demangle { demangled(name).unwrap_or_else(plain) } else { plain() }
    }
}

impl SymbolCache {
    /// Calls `use_symbol` with the name, offset and module of an address.
    fn with<R>(
        &self,
        address: u64,
        use_symbol: impl FnOnce(Option<&str>, u64, Option<&str>) -> R,
    ) -> R {
        if self.is_kernel
            && let Some(symbol) = kernel().and_then(|symbols| symbols.at(address))
        {
            return use_symbol(Some(symbol.name), address - symbol.address, Some(symbol.module));
        }
        if let Some(process) = &self.process {
            let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(symbol) = process.resolve(address) {
                return use_symbol(symbol.name, symbol.offset, Some(symbol.module));
            }
        }
        use_symbol(None, address, None)
    }
}

#[pymethods]
impl SymbolCache {
    #[new]
    fn new(py: Python<'_>, pid: i32) -> Self {
        let is_kernel = pid < 0;
        let read = || ProcessSymbols::new(pid).inspect_err(|error| log::debug!("{error}")).ok();
        let process = if is_kernel { None } else { py.detach(read).map(Mutex::new) };
        Self { process, is_kernel }
    }

    fn resolve<'py>(&self, py: Python<'py>, address: u64, demangle: bool) -> Resolved<'py> {
        let shown = Shown { module: false, offset: false, demangle: demangle && !self.is_kernel };
        let bytes = |text: &str| PyBytes::new(py, text.as_bytes());
        self.with(address, |name, offset, module| {
            (name.map(|name| bytes(&shown.name(name))), offset, module.map(bytes))
        })
    }

    /// `name+0xoff [module]`, or `[unknown]`.
    fn text<'py>(
        &self,
        py: Python<'py>,
        address: u64,
        module: bool,
        offset: bool,
        demangle: bool,
    ) -> Bound<'py, PyBytes> {
        let shown = Shown { module, offset, demangle: demangle && !self.is_kernel };
        let text = self.with(address, |name, into, module| shown.text(name, into, module));
        PyBytes::new(py, text.as_bytes())
    }

    /// The address of a symbol of a module (for the kernel: any, when None), or -1.
    fn resolve_name(&self, module: Option<&[u8]>, name: &[u8]) -> i128 {
        let name = lossy(name);
        let module = lossy(module.unwrap_or_default());
        let found = if let Some(process) = &self.process {
            let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
            process.resolve_name(&module, &name)
        } else {
            kernel().filter(|_| self.is_kernel).and_then(|symbols| match module.as_str() {
                "" => symbols.address_of(&name),
                module => symbols.address_in(module, &name),
            })
        };
        found.map_or(-1, i128::from)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn bytes_of<'py>(py: Python<'py>, path: &Path) -> Bound<'py, PyBytes> {
    PyBytes::new(py, path.as_os_str().as_bytes())
}

/// The address of a kernel symbol, or -1.
#[pyfunction]
pub(crate) fn ksymname(name: &[u8]) -> i128 {
    let found = kernel().and_then(|symbols| symbols.address_of(&lossy(name)));
    found.map_or(-1, i128::from)
}

/// Makes a file known to `build_id_symbol`.
#[pyfunction]
pub(crate) fn add_build_id_module(path: &[u8]) -> PyResult<()> {
    let mut known = BUILD_IDS.lock().unwrap_or_else(PoisonError::into_inner);
    known.add_module(Path::new(OsStr::from_bytes(path))).map_err(|e| symbol_error(&e))
}

/// Text of a frame of a build-id stack: `name+0xoff [module]`, or `[unknown]`.
#[pyfunction]
pub(crate) fn build_id_symbol<'py>(
    py: Python<'py>,
    build_id: &[u8],
    address: u64,
    module: bool,
    offset: bool,
    demangle: bool,
) -> Bound<'py, PyBytes> {
    let shown = Shown { module, offset, demangle };
    let mut known = BUILD_IDS.lock().unwrap_or_else(PoisonError::into_inner);
    let text = match known.resolve(build_id, address) {
        Some(symbol) => shown.text(symbol.name, symbol.offset, Some(symbol.module)),
        None => shown.text(None, address, None),
    };
    PyBytes::new(py, text.as_bytes())
}

/// The file and file offset of a symbol, or of an address, of a library or executable.
#[pyfunction]
pub(crate) fn resolve_symbol<'py>(
    py: Python<'py>,
    module: &[u8],
    symbol: Option<&[u8]>,
    address: Option<u64>,
    pid: i32,
    into: u64,
) -> PyResult<(Bound<'py, PyBytes>, u64)> {
    let (module, symbol) = (lossy(module), symbol.map(lossy));
    let wanted = match (address, &symbol) {
        (Some(address), _) => Wanted::Address(address),
        (None, symbol) => Wanted::Symbol(symbol.as_deref().unwrap_or_default(), into),
    };
    let found = py
        .detach(|| place::resolve(&module, wanted, (pid > 0).then_some(pid)))
        .map_err(|e| symbol_error(&e))?;
    Ok((bytes_of(py, &found.path), found.offset))
}

/// Names and addresses of a library's or executable's functions.
#[pyfunction]
pub(crate) fn function_symbols<'py>(
    py: Python<'py>,
    module: &[u8],
) -> PyResult<Vec<(Bound<'py, PyBytes>, u64)>> {
    let module = lossy(module);
    let module = py.detach(|| place::Module::open(&module, None)).map_err(|e| symbol_error(&e))?;
    let functions = module.functions().iter();
    Ok(functions.map(|f| (PyBytes::new(py, f.name.as_bytes()), f.address)).collect())
}

/// Path of an executable, looked for as a shell does; or None.
#[pyfunction]
pub(crate) fn find_executable<'py>(py: Python<'py>, name: &[u8]) -> Option<Bound<'py, PyBytes>> {
    library::find_executable(&lossy(name)).map(|path| bytes_of(py, &path))
}

/// Path of a library by its short name, first among those that `pid` (if not 0) has mapped; or None.
#[pyfunction]
pub(crate) fn find_library<'py>(
    py: Python<'py>,
    name: &[u8],
    pid: i32,
) -> Option<Bound<'py, PyBytes>> {
    library::find_library(&lossy(name), (pid > 0).then_some(pid)).map(|path| bytes_of(py, &path))
}
