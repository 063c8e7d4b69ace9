//! Programs and maps as the kernel sees them: information, pins, test runs, iterators.

use crate::error::attach_failed;
use crate::link::borrow;
use bcc_core::link::tracing;
use bcc_sys::bpf::{info, object};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::ffi::CString;
use std::os::fd::{IntoRawFd, RawFd};

fn os_error(error: bcc_sys::SysError) -> PyErr {
    PyOSError::new_err((error.errno as i32, format!("{}: {}", error.call, error.errno.desc())))
}

/// What the kernel says of a program.
#[pyfunction]
pub(crate) fn program_info(py: Python<'_>, fd: RawFd) -> PyResult<Bound<'_, PyDict>> {
    let info = info::prog_info(borrow(fd)?).map_err(os_error)?;
    let dict = PyDict::new(py);
    dict.set_item("id", info.id)?;
    dict.set_item("type", info.prog_type.0)?;
    dict.set_item("name", info.name)?;
    dict.set_item("tag", info.tag.iter().map(|byte| format!("{byte:02x}")).collect::<String>())?;
    dict.set_item("jited_len", info.jited_len)?;
    dict.set_item("xlated_len", info.xlated_len)?;
    dict.set_item("load_time_ns", info.load_time_ns)?;
    dict.set_item("created_by_uid", info.created_by_uid)?;
    dict.set_item("map_ids", info.map_ids)?;
    dict.set_item("gpl_compatible", info.gpl_compatible)?;
    dict.set_item("run_time_ns", info.run_time_ns)?;
    dict.set_item("run_cnt", info.run_cnt)?;
    dict.set_item("recursion_misses", info.recursion_misses)?;
    dict.set_item("verified_insns", info.verified_insns)?;
    Ok(dict)
}

/// What the kernel says of a map.
#[pyfunction]
pub(crate) fn map_info(py: Python<'_>, fd: RawFd) -> PyResult<Bound<'_, PyDict>> {
    let info = info::map_info(borrow(fd)?).map_err(os_error)?;
    let dict = PyDict::new(py);
    dict.set_item("id", info.id)?;
    dict.set_item("type", info.map_type.0)?;
    dict.set_item("name", info.name)?;
    dict.set_item("key_size", info.key_size)?;
    dict.set_item("value_size", info.value_size)?;
    dict.set_item("max_entries", info.max_entries)?;
    dict.set_item("flags", info.flags)?;
    dict.set_item("btf_id", info.btf_id)?;
    Ok(dict)
}

/// Pins what a descriptor stands for to a path of a bpffs.
#[pyfunction]
pub(crate) fn pin(fd: RawFd, path: &[u8]) -> PyResult<()> {
    let path = CString::new(path).map_err(|_nul| PyValueError::new_err("the path has a NUL"))?;
    object::obj_pin(borrow(fd)?, &path).map_err(os_error)
}

/// What a run of a program on given data gave: result, data, context, nanoseconds per run.
type Ran<'py> = (u32, Bound<'py, PyBytes>, Bound<'py, PyBytes>, u32);

/// Runs a program on given data.
#[pyfunction]
pub(crate) fn test_run<'py>(
    py: Python<'py>,
    fd: RawFd,
    data: &[u8],
    ctx: &[u8],
    repeat: u32,
) -> PyResult<Ran<'py>> {
    /// What a program may add in front of and behind a packet.
    const ROOM: usize = 512;
    let program = borrow(fd)?;
    let data_out = if data.is_empty() { 0 } else { data.len() + ROOM };
    let run = object::TestRun { data, ctx, data_out, ctx_out: ctx.len(), repeat, flags: 0, cpu: 0 };
    let result = py.detach(|| object::prog_test_run(program, &run)).map_err(os_error)?;
    let (data, ctx) = (PyBytes::new(py, &result.data), PyBytes::new(py, &result.ctx));
    Ok((result.retval, data, ctx, result.duration_ns))
}

/// A descriptor that runs an iterator program once when it is read to its end; the caller's.
#[pyfunction]
pub(crate) fn open_iterator(fd: RawFd) -> PyResult<RawFd> {
    let failed = |error| attach_failed("Failed to attach BPF iterator", &error);
    let link = tracing::attach_iter(borrow(fd)?, "", &[]).map_err(failed)?;
    // The reader keeps what it runs.
    tracing::read_iter(&link).map(IntoRawFd::into_raw_fd).map_err(failed)
}
