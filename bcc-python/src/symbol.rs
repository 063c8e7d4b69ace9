//! Addresses to names, names to addresses.

use bcc_core::kernel::kallsyms::Kallsyms;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::OnceLock;

/// The kernel's symbols, read once; `None` when the kernel hides them.
fn kernel() -> Option<&'static Kallsyms> {
    static SYMBOLS: OnceLock<Option<Kallsyms>> = OnceLock::new();
    let read = || Kallsyms::read().inspect_err(|error| log::debug!("{error}")).ok();
    SYMBOLS.get_or_init(read).as_ref()
}

/// A name, an offset, and the module; without a name the offset is in the module, or the address.
type Resolved<'py> = (Option<Bound<'py, PyBytes>>, u64, Option<Bound<'py, PyBytes>>);

/// Symbols of one process, or of the kernel.
#[pyclass(frozen, module = "bcc._native")]
#[derive(Debug)]
pub(crate) struct SymbolCache {
    pid: i32,
}

impl SymbolCache {
    /// Calls `use_symbol` with the name, offset and module of an address.
    fn with<R>(
        &self,
        address: u64,
        use_symbol: impl FnOnce(Option<&str>, u64, Option<&str>) -> R,
    ) -> R {
        if self.pid < 0
            && let Some(symbol) = kernel().and_then(|symbols| symbols.at(address))
        {
            return use_symbol(Some(symbol.name), address - symbol.address, Some(symbol.module));
        }
        use_symbol(None, address, None)
    }
}

#[pymethods]
impl SymbolCache {
    #[new]
    fn new(pid: i32) -> Self {
        Self { pid }
    }

    fn resolve<'py>(&self, py: Python<'py>, address: u64, demangle: bool) -> Resolved<'py> {
        let _ = demangle;
        let bytes = |text: &str| PyBytes::new(py, text.as_bytes());
        self.with(address, |name, offset, module| (name.map(bytes), offset, module.map(bytes)))
    }

    /// `name+0xoff [module]`, or `[unknown]`.
    fn text<'py>(
        &self,
        py: Python<'py>,
        address: u64,
        show_module: bool,
        show_offset: bool,
        demangle: bool,
    ) -> Bound<'py, PyBytes> {
        let _ = demangle;
        let text = self.with(address, |name, offset, module| {
            let mut text = name.unwrap_or("[unknown]").to_owned();
            if show_offset && name.is_some() {
                text.push_str(&format!("+0x{offset:x}"));
            }
            if let Some(module) = module.filter(|_| show_module) {
                let base = module.rsplit('/').next().unwrap_or(module);
                text.push_str(&format!(" [{base}]"));
            }
            text
        });
        PyBytes::new(py, text.as_bytes())
    }

    /// The address of a symbol of a module (any, when None), or -1.
    fn resolve_name(&self, module: Option<&[u8]>, name: &[u8]) -> i128 {
        let name = String::from_utf8_lossy(name);
        let found = kernel().filter(|_| self.pid < 0).and_then(|symbols| match module {
            None | Some(b"") => symbols.address_of(&name),
            Some(module) => symbols.address_in(&String::from_utf8_lossy(module), &name),
        });
        found.map_or(-1, i128::from)
    }
}

/// The address of a kernel symbol, or -1.
#[pyfunction]
pub(crate) fn ksymname(name: &[u8]) -> i128 {
    let found = kernel().and_then(|symbols| symbols.address_of(&String::from_utf8_lossy(name)));
    found.map_or(-1, i128::from)
}
