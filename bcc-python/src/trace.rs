//! The kernel's trace pipe.

use bcc_core::kernel::tracepipe::{self, Next};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::os::fd::{AsFd, IntoRawFd, RawFd};
use std::sync::{Mutex, PoisonError};

/// A line's parts: task, pid, cpu, flags, seconds, message.
type Fields<'py> = (Bound<'py, PyBytes>, i64, i64, Bound<'py, PyBytes>, f64, Bound<'py, PyBytes>);

/// An open trace pipe, of a tracing instance of our own where the kernel allows.
#[pyclass(frozen, module = "bcc._native")]
#[derive(Debug)]
pub(crate) struct TracePipe(Mutex<tracepipe::TracePipe>);

/// What one attempt to read gave, copied.
enum Got {
    Line(Vec<u8>),
    Nothing,
    Interrupted,
}

impl TracePipe {
    fn read(&self) -> std::io::Result<Got> {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match pipe.next_line()? {
            Next::Line(line) => Got::Line(line.trim_ascii_end().to_vec()),
            Next::Nothing => Got::Nothing,
            Next::Interrupted => Got::Interrupted,
        })
    }

    /// A line that has been read already, parsed; `None` when there is none.
    fn buffered<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !pipe.has_line() {
            return Ok(None);
        }
        match pipe.next_line()? {
            Next::Line(line) => event(py, line.trim_ascii_end()),
            Next::Nothing | Next::Interrupted => Ok(None),
        }
    }

    fn line(&self, py: Python<'_>) -> PyResult<Option<Vec<u8>>> {
        loop {
            match py.detach(|| self.read())? {
                Got::Line(line) => return Ok(Some(line)),
                Got::Nothing => return Ok(None),
                // A signal: its Python handler runs here, and may raise.
                Got::Interrupted => py.check_signals()?,
            }
        }
    }
}

#[pymethods]
impl TracePipe {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        Ok(Self(Mutex::new(py.detach(tracepipe::TracePipe::open)?)))
    }

    /// Another descriptor of the pipe, the caller's to close.
    fn dup(&self) -> PyResult<RawFd> {
        let pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(pipe.as_fd().try_clone_to_owned()?.into_raw_fd())
    }

    /// Makes reads return None instead of waiting.
    fn set_nonblocking(&self, nonblocking: bool) -> PyResult<()> {
        let pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(pipe.set_nonblocking(nonblocking)?)
    }

    /// The next line without its newline, or None.
    fn readline<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        Ok(self.line(py)?.map(|line| PyBytes::new(py, &line)))
    }

    /// The next event's parts; None when there is none (only `nonblocking`, or when the pipe ends),
    /// False for a line that is no event's.
    fn fields<'py>(&self, py: Python<'py>, nonblocking: bool) -> PyResult<Bound<'py, PyAny>> {
        // Most lines came with an earlier one: no system call, and the interpreter kept.
        if let Some(fields) = self.buffered(py)? {
            return Ok(fields);
        }
        self.set_nonblocking(nonblocking)?;
        loop {
            let Some(line) = self.line(py)? else { return Ok(py.None().into_bound(py)) };
            if let Some(fields) = event(py, &line)? {
                return Ok(fields);
            }
        }
    }
}

/// An event's parts, False for a line that is no event's, `None` for one to pass over.
fn event<'py>(py: Python<'py>, line: &[u8]) -> PyResult<Option<Bound<'py, PyAny>>> {
    if line.is_empty() || tracepipe::is_loss(line) {
        return Ok(None);
    }
    Ok(Some(match parse_trace_line(py, line) {
        Some(fields) => fields.into_pyobject(py)?.into_any(),
        None => false.into_pyobject(py)?.to_owned().into_any(),
    }))
}

/// (task, pid, cpu, flags, seconds, message) of a trace line, or None when it is not one.
#[pyfunction]
pub(crate) fn parse_trace_line<'py>(py: Python<'py>, line: &[u8]) -> Option<Fields<'py>> {
    let fields = tracepipe::fields(line)?;
    let bytes = |slice| PyBytes::new(py, slice);
    let (task, flags, message) = (bytes(fields.task), bytes(fields.flags), bytes(fields.message));
    Some((task, fields.pid, fields.cpu, flags, fields.seconds, message))
}
