//! Where in files probes go: libraries, executables, their functions.

use crate::error::symbol_error;
use crate::symbol::lossy;
use bcc_core::symbol::library;
use bcc_core::symbol::place::{self, Wanted};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

fn bytes_of<'py>(py: Python<'py>, path: &Path) -> Bound<'py, PyBytes> {
    PyBytes::new(py, path.as_os_str().as_bytes())
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

/// The functions of a library or executable, as a process sees it: its file is read once.
#[pyclass(frozen, module = "bcc._native")]
#[derive(Debug)]
pub(crate) struct UserModule(place::Module);

#[pymethods]
impl UserModule {
    #[new]
    fn new(py: Python<'_>, module: &[u8], pid: i32) -> PyResult<Self> {
        let module = lossy(module);
        let opened = py.detach(|| place::Module::open(&module, (pid > 0).then_some(pid)));
        Ok(Self(opened.map_err(|e| symbol_error(&e))?))
    }

    /// Names and addresses, as the file has them.
    fn functions<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, u64)> {
        let functions = self.0.functions().iter();
        functions.map(|f| (PyBytes::new(py, f.name.as_bytes()), f.address)).collect()
    }

    /// The file, and offsets in it of functions by their addresses; of IFUNCs what processes use.
    fn places<'py>(
        &self,
        py: Python<'py>,
        addresses: Vec<u64>,
    ) -> PyResult<(Bound<'py, PyBytes>, Vec<u64>)> {
        let found = py.detach(|| self.0.places(&addresses)).map_err(|e| symbol_error(&e))?;
        let offsets = found.into_iter().map(|place| place.offset).collect();
        Ok((bytes_of(py, self.0.path()), offsets))
    }
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
