//! USDT probes of a process or file, for `bcc.usdt`.

use crate::capi::texts::Texts;
use crate::error::usdt_error;
use bcc_core::usdt::{self, Argument, Location, Operand, Probe};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The probes of one process or file, and which of them are wanted.
#[pyclass(frozen, module = "bcc._native")]
#[derive(Debug)]
pub(crate) struct Usdt {
    probes: Mutex<usdt::Usdt>,
    /// What C functions have given out.
    pub(crate) texts: Texts,
}

/// One uprobe: path as the process knows it, function, address, pid, then what to attach: path to open,
/// file offset, file offset of the semaphore.
type Uprobe<'py> =
    (Bound<'py, PyBytes>, Bound<'py, PyBytes>, u64, i32, Bound<'py, PyBytes>, u64, u32);

impl Usdt {
    pub(crate) fn of(probes: usdt::Usdt) -> Self {
        Self { probes: Mutex::new(probes), texts: Texts::default() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, usdt::Usdt> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// C readers of the arguments of all contexts' enabled probes.
pub(crate) fn readers(contexts: &[Py<Usdt>]) -> PyResult<String> {
    let mut locked: Vec<MutexGuard<'_, usdt::Usdt>> = Vec::with_capacity(contexts.len());
    for (index, context) in contexts.iter().enumerate() {
        // A context given twice is locked once.
        if !contexts.iter().take(index).any(|earlier| earlier.is(context)) {
            locked.push(context.get().lock());
        }
    }
    let all: Vec<&usdt::Usdt> = locked.iter().map(|context| &**context).collect();
    if all.is_empty() {
        return Ok(String::new());
    }
    usdt::generate(&all).map_err(|e| usdt_error(&e))
}

#[pymethods]
impl Usdt {
    #[new]
    fn new(py: Python<'_>, pid: Option<i32>, path: Option<Vec<u8>>) -> PyResult<Self> {
        let path = path.as_deref().map(OsStr::from_bytes).map(Path::new);
        let found = py.detach(|| match pid {
            Some(pid) => usdt::Usdt::of_process(pid, path),
            None => usdt::Usdt::of_path(&path.map(Path::to_string_lossy).unwrap_or_default()),
        });
        Ok(Self::of(found.map_err(|e| usdt_error(&e))?))
    }

    /// The handle that C functions take.
    #[getter]
    fn _as_parameter_(slf: &Bound<'_, Self>) -> usize {
        std::ptr::from_ref(slf.get()).addr()
    }

    /// Wants `function` to run at `probe` (`name` or `provider:name`).
    fn enable(&self, probe: &str, function: &str) -> PyResult<()> {
        self.lock().enable(probe, function).map_err(|e| usdt_error(&e))
    }

    /// C type of a probe's argument, from 0.
    fn argument_ctype(&self, probe: &str, index: usize) -> PyResult<&'static str> {
        self.lock().argument_type(probe, index).map_err(|e| usdt_error(&e))
    }

    /// The C readers.
    fn text(slf: Py<Self>) -> PyResult<String> {
        readers(&[slf])
    }

    /// Every probe as a dict.
    fn probes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        self.lock().probes().iter().map(|probe| describe(py, probe)).collect()
    }

    /// The uprobes of the enabled probes.
    fn uprobes<'py>(&self, py: Python<'py>, ignore_pid: bool) -> Vec<Uprobe<'py>> {
        let bytes = |path: &Path| PyBytes::new(py, path.as_os_str().as_bytes());
        let attachments = self.lock().attachments(ignore_pid);
        let each = attachments.iter().map(|a| {
            let function = PyBytes::new(py, a.function.as_bytes());
            let (pid, opened) = (a.opts.pid.unwrap_or(-1), bytes(&a.opts.path));
            let (offset, semaphore) = (a.opts.offset, a.opts.ref_ctr_offset);
            (bytes(&a.path), function, a.address, pid, opened, offset, semaphore)
        });
        each.collect()
    }
}

fn describe<'py>(py: Python<'py>, probe: &Probe) -> PyResult<Bound<'py, PyDict>> {
    let path = PyBytes::new(py, probe.path.as_os_str().as_bytes());
    let dict = PyDict::new(py);
    dict.set_item("provider", PyBytes::new(py, probe.provider.as_bytes()))?;
    dict.set_item("name", PyBytes::new(py, probe.name.as_bytes()))?;
    dict.set_item("bin_path", &path)?;
    dict.set_item("semaphore", probe.semaphore)?;
    dict.set_item("num_locations", probe.locations.len())?;
    dict.set_item("num_arguments", probe.argument_count())?;
    let places = probe.locations.iter().map(|location| place(py, location, &path));
    dict.set_item("locations", PyList::new(py, places.collect::<PyResult<Vec<_>>>()?)?)?;
    Ok(dict)
}

fn place<'py>(
    py: Python<'py>,
    location: &Location,
    path: &Bound<'py, PyBytes>,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("address", location.address)?;
    dict.set_item("bin_path", path)?;
    let arguments = location.arguments.iter().map(|argument| operand(py, argument));
    dict.set_item("arguments", PyList::new(py, arguments.collect::<PyResult<Vec<_>>>()?)?)?;
    Ok(dict)
}

/// Upstream's bits: which members of an argument count.
mod valid {
    pub(super) const CONSTANT: u32 = 0x1;
    pub(super) const DEREF_OFFSET: u32 = 0x2;
    pub(super) const DEREF_IDENT: u32 = 0x4;
    pub(super) const BASE_REGISTER: u32 = 0x8;
    pub(super) const INDEX_REGISTER: u32 = 0x10;
    pub(super) const SCALE: u32 = 0x20;
}

fn operand<'py>(py: Python<'py>, argument: &Argument) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let size = i32::from(argument.size);
    dict.set_item("size", if argument.signed { -size } else { size })?;
    let mut bits = 0;
    match &argument.operand {
        Operand::Constant(value) => {
            bits |= valid::CONSTANT;
            dict.set_item("constant", value)?;
        }
        Operand::Register(name) => {
            bits |= valid::BASE_REGISTER;
            dict.set_item("base_register_name", name.as_bytes())?;
        }
        Operand::Memory { base, index, offset, symbol, .. } => {
            bits |= valid::DEREF_OFFSET;
            dict.set_item("deref_offset", offset)?;
            if let Some(base) = base {
                bits |= valid::BASE_REGISTER;
                dict.set_item("base_register_name", base.as_bytes())?;
            }
            if let Some((register, scale)) = index {
                bits |= valid::INDEX_REGISTER | valid::SCALE;
                dict.set_item("index_register_name", register.as_bytes())?;
                dict.set_item("scale", scale)?;
            }
            if let Some(symbol) = symbol {
                bits |= valid::DEREF_IDENT;
                dict.set_item("deref_ident", symbol.as_bytes())?;
            }
        }
        Operand::Address { symbol, offset } => {
            bits |= valid::DEREF_IDENT | valid::DEREF_OFFSET;
            dict.set_item("deref_offset", offset)?;
            dict.set_item("deref_ident", symbol.as_bytes())?;
        }
        Operand::Unknown(_) => {}
    }
    dict.set_item("valid", bits)?;
    Ok(dict)
}
