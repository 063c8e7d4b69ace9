//! Addresses to names, names to addresses.

use crate::error::{kallsyms_error, symbol_error};
use crate::texts::{self, Question};
use bcc_core::kernel::kallsyms::KallsymsError;
use bcc_core::kernel::kallsyms::live::LiveKallsyms;
use bcc_core::symbol::SourceFrame;
use bcc_core::symbol::build_id::BuildIdCache;
use bcc_core::symbol::demangle::demangle as demangled;
use bcc_core::symbol::process::{ProcessSymbols, Symbol};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Calls `ask` with the kernel's symbols, which are read when first asked for.
fn kernel<R>(ask: impl FnOnce(&mut LiveKallsyms) -> R) -> Result<R, KallsymsError> {
    static SYMBOLS: Mutex<Option<LiveKallsyms>> = Mutex::new(None);
    let mut symbols = SYMBOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let symbols = match &mut *symbols {
        Some(symbols) => symbols,
        none => none.insert(LiveKallsyms::read()?),
    };
    Ok(ask(symbols))
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
    process: Option<SharedProcess>,
    is_kernel: bool,
}

type SharedProcess = Arc<Mutex<ProcessSymbols>>;

/// The symbols of process `pid` that all of this process's lookups share; `None` when it is gone
/// and was never asked for.
fn shared_process(py: Python<'_>, pid: i32) -> Option<SharedProcess> {
    static PROCESSES: Mutex<BTreeMap<i32, SharedProcess>> = Mutex::new(BTreeMap::new());
    let processes = || PROCESSES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = processes().get(&pid) {
        return Some(Arc::clone(known));
    }
    let read = || ProcessSymbols::new(pid).inspect_err(|error| log::debug!("{error}")).ok();
    let made = Arc::new(Mutex::new(py.detach(read)?));
    Some(Arc::clone(processes().entry(pid).or_insert(made)))
}

/// How an address is shown.
#[derive(Clone, Copy)]
struct Shown {
    module: bool,
    offset: bool,
}

impl Shown {
    /// `name+0xoff [module]`, or `[unknown]`.
    fn text(self, name: Option<&str>, offset: u64, module: Option<&str>) -> String {
        let mut text = String::with_capacity(64);
        text.push_str(name.unwrap_or("[unknown]"));
        if self.offset && name.is_some() {
            let _infallible = write!(text, "+0x{offset:x}");
        }
        text.push_str(&Self::module(module.filter(|_| self.module)));
        text
    }

    /// The text of what was found; one with a name is kept. What has none may get one at any time.
    /// A name found in mappings read just now belongs to a generation that `question` does not know:
    /// it is never asked for again.
    fn answer<'py>(
        self,
        py: Python<'py>,
        question: Question,
        found: Option<Symbol<'_>>,
    ) -> Bound<'py, PyBytes> {
        let Some(Symbol { name, offset, module }) = found else {
            return PyBytes::new(py, self.text(None, question.address, None).as_bytes());
        };
        let text = match (name, self) {
            (Some(name), Self { module: false, offset: false }) => {
                PyBytes::new(py, name.as_bytes())
            }
            _ => PyBytes::new(py, self.text(name, offset, Some(module)).as_bytes()),
        };
        if name.is_some() {
            texts::keep(question, &text);
        }
        text
    }

    /// As bits, demangling among them.
    fn bits(self, demangle: bool) -> u8 {
        u8::from(self.module) | u8::from(self.offset) << 1 | u8::from(demangle) << 2
    }

    /// ` [file]`, or nothing.
    fn module(module: Option<&str>) -> String {
        let file = module.map(|module| module.rsplit('/').next().unwrap_or(module));
        file.map_or_else(String::new, |file| format!(" [{file}]"))
    }
}

impl SymbolCache {
    /// Calls `use_symbol` with the name, offset and module of an address.
    ///
    /// # Errors
    /// When the kernel hides its symbols.
    fn with<R>(
        &self,
        address: u64,
        demangle: bool,
        use_symbol: impl FnOnce(Option<&str>, u64, Option<&str>) -> R,
    ) -> Result<R, KallsymsError> {
        if self.is_kernel {
            return kernel(|symbols| match symbols.at(address) {
                Some(found) => {
                    use_symbol(Some(found.name), address - found.address, Some(found.module))
                }
                None => use_symbol(None, address, None),
            });
        }
        if let Some(process) = &self.process {
            let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
            let found = if demangle {
                process.resolve_demangled(address)
            } else {
                process.resolve(address)
            };
            if let Some(Symbol { name, offset, module }) = found {
                return Ok(use_symbol(name, offset, Some(module)));
            }
        }
        Ok(use_symbol(None, address, None))
    }

    /// `name+0xoff [module]`, or `[unknown]`, of an address of process `pid`.
    fn text<'py>(
        &self,
        py: Python<'py>,
        pid: i32,
        address: u64,
        shown: Shown,
        demangle: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut question = Question { pid, shown: shown.bits(demangle), address, generation: 0 };
        if self.is_kernel {
            let text = kernel(|symbols| {
                question.generation = symbols.generation(address);
                texts::known(py, question).unwrap_or_else(|| {
                    let found = symbols.at(address).map(|found| Symbol {
                        name: Some(found.name),
                        offset: address - found.address,
                        module: found.module,
                    });
                    shown.answer(py, question, found)
                })
            });
            return text.map_err(|error| kallsyms_error(&error));
        }
        let Some(process) = &self.process else { return Ok(shown.answer(py, question, None)) };
        let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
        question.generation = process.generation();
        if let Some(text) = texts::known(py, question) {
            return Ok(text);
        }
        let found = match demangle {
            true => process.resolve_demangled(address),
            false => process.resolve(address),
        };
        Ok(shown.answer(py, question, found))
    }
}

#[pymethods]
impl SymbolCache {
    #[new]
    fn new(py: Python<'_>, #[pyo3(from_py_with = c_int)] pid: i32) -> Self {
        let is_kernel = pid < 0;
        let process = if is_kernel { None } else { shared_process(py, pid) };
        Self { process, is_kernel }
    }

    fn resolve<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = c_ulonglong)] address: u64,
        demangle: bool,
    ) -> PyResult<Resolved<'py>> {
        let bytes = |text: &str| PyBytes::new(py, text.as_bytes());
        self.with(address, demangle, |name, offset, module| {
            (name.map(bytes), offset, module.map(bytes))
        })
        .map_err(|error| kallsyms_error(&error))
    }

    /// The functions around an address as (name, file, line), the innermost inlined one first.
    fn source<'py>(&self, py: Python<'py>, address: u64, demangle: bool) -> Vec<SourceTuple<'py>> {
        let Some(process) = &self.process else { return Vec::new() };
        let frames = process.lock().unwrap_or_else(PoisonError::into_inner).source(address);
        let bytes = |text: String| PyBytes::new(py, text.as_bytes());
        let tuple = |frame: SourceFrame| {
            let name = frame.function.map(|name| readable(name, demangle));
            (name.map(bytes), frame.file.map(bytes), frame.line)
        };
        frames.into_iter().map(tuple).collect()
    }

    /// The address of a symbol of a module (for the kernel: any, when None), or -1.
    fn resolve_name(&self, module: Option<&[u8]>, name: &[u8]) -> PyResult<i128> {
        let name = lossy(name);
        let module = lossy(module.unwrap_or_default());
        let found = if let Some(process) = &self.process {
            let mut process = process.lock().unwrap_or_else(PoisonError::into_inner);
            process.resolve_name(&module, &name)
        } else if self.is_kernel {
            let ask = |symbols: &mut LiveKallsyms| match module.as_str() {
                "" => symbols.address_of(&name),
                module => symbols.address_in(module, &name),
            };
            kernel(ask).map_err(|error| kallsyms_error(&error))?
        } else {
            None
        };
        Ok(found.map_or(-1, i128::from))
    }
}

/// Function, file, line.
type SourceTuple<'py> = (Option<Bound<'py, PyBytes>>, Option<Bound<'py, PyBytes>>, Option<u32>);

fn readable(name: String, demangle: bool) -> String {
    if demangle { demangled(&name).unwrap_or(name) } else { name }
}

/// `inner at file:line, inlined in outer+0xoff at file:line [module]`.
fn with_source(text: &str, frames: &[SourceFrame], demangle: bool) -> String {
    let mut shown = String::new();
    for (number, frame) in frames.iter().enumerate() {
        if number + 1 == frames.len() {
            shown.push_str(text);
        } else {
            let name = frame.function.clone().map(|name| readable(name, demangle));
            shown.push_str(name.as_deref().unwrap_or("[unknown]"));
        }
        if let (Some(file), Some(line)) = (&frame.file, frame.line) {
            let _infallible = write!(shown, " at {file}:{line}");
        }
        if number + 1 < frames.len() {
            shown.push_str(", inlined in ");
        }
    }
    if frames.is_empty() { text.to_owned() } else { shown }
}

/// Text (bytes) of an address of process `pid`, of the kernel for `pid` < 0: `name+0xoff [module]`.
///
/// `addr` may be a `bcc_stacktrace_build_id` of a build-id stack. Unknown: `[unknown]`. With
/// `show_source`, the source line and the functions inlined there, where the file has DWARF.
#[pyfunction]
#[pyo3(signature = (addr, pid, show_module=false, show_offset=false, demangle=true, show_source=false))]
pub(crate) fn sym<'py>(
    py: Python<'py>,
    addr: &Bound<'py, PyAny>,
    #[pyo3(from_py_with = c_int)] pid: i32,
    show_module: bool,
    show_offset: bool,
    demangle: bool,
    show_source: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let shown = Shown { module: show_module, offset: show_offset };
    let Ok(address) = c_ulonglong(addr) else {
        return build_id_symbol(addr, shown, demangle);
    };
    if pid < 0 {
        return ksym(py, address, show_module, show_offset);
    }
    let cache = SymbolCache { process: shared_process(py, pid), is_kernel: false };
    if let (true, Some(process)) = (show_source, &cache.process) {
        let frames = process.lock().unwrap_or_else(PoisonError::into_inner).source(address);
        let without_module = Shown { module: false, ..shown };
        let text = cache.with(address, demangle, |name, offset, module| {
            let text = with_source(&without_module.text(name, offset, module), &frames, demangle);
            text + &Shown::module(module.filter(|_| show_module))
        });
        return text.map(|t| PyBytes::new(py, t.as_bytes())).map_err(|e| kallsyms_error(&e));
    }
    cache.text(py, pid, address, shown, demangle)
}

/// Text (bytes) of a kernel address; `SymbolError` when the kernel hides its symbols.
#[pyfunction]
#[pyo3(signature = (addr, show_module=false, show_offset=false))]
pub(crate) fn ksym(
    py: Python<'_>,
    #[pyo3(from_py_with = c_ulonglong)] addr: u64,
    show_module: bool,
    show_offset: bool,
) -> PyResult<Bound<'_, PyBytes>> {
    let shown = Shown { module: show_module, offset: show_offset };
    SymbolCache { process: None, is_kernel: true }.text(py, -1, addr, shown, false)
}

/// An integer as C takes it: scripts read process ids from `u32` fields, where -1 is 4294967295.
#[expect(clippy::cast_possible_truncation, reason = "what C does")]
fn c_int(value: &Bound<'_, PyAny>) -> PyResult<i32> {
    value.extract::<i64>().map(|wide| wide as i32)
}

/// As [`c_int`]: kernel addresses in signed fields are negative.
fn c_ulonglong(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    value.extract().or_else(|_| value.extract().map(i64::cast_unsigned))
}

pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The address of a kernel symbol, or -1.
#[pyfunction]
pub(crate) fn ksymname(name: &[u8]) -> PyResult<i128> {
    let ask = |symbols: &mut LiveKallsyms| match std::str::from_utf8(name) {
        Ok(name) => symbols.address_of(name),
        Err(_) => None,
    };
    let found = kernel(ask).map_err(|error| kallsyms_error(&error))?;
    Ok(found.map_or(-1, i128::from))
}

/// Makes a file known to `build_id_symbol`.
#[pyfunction]
pub(crate) fn add_build_id_module(path: &[u8]) -> PyResult<()> {
    let mut known = BUILD_IDS.lock().unwrap_or_else(PoisonError::into_inner);
    known.add_module(Path::new(OsStr::from_bytes(path))).map_err(|e| symbol_error(&e))
}

/// Text of a frame of a build-id stack.
fn build_id_symbol<'py>(
    frame: &Bound<'py, PyAny>,
    shown: Shown,
    demangle: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let build_id = frame.py().get_type::<PyBytes>().call1((frame.getattr("build_id")?,))?;
    let build_id: &[u8] = build_id.extract()?;
    let address: u64 = frame.getattr("offset")?.extract()?;
    let mut known = BUILD_IDS.lock().unwrap_or_else(PoisonError::into_inner);
    let text = match known.resolve(build_id, address) {
        Some(Symbol { name, offset, module }) => {
            let readable = name.filter(|_| demangle).and_then(demangled);
            shown.text(readable.as_deref().or(name), offset, Some(module))
        }
        None => shown.text(None, address, None),
    };
    Ok(PyBytes::new(frame.py(), text.as_bytes()))
}
