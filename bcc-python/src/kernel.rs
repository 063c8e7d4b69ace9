//! Questions about the running kernel and machine.

use crate::error::attach_refused;
use crate::link::perf_attr;
use bcc_core::kernel::features::{self, Feature};
use bcc_core::kernel::{cpus, functions, syscalls, tracefs};
use bcc_core::target::Target;
use bcc_sys::btf::{Index, Type};
use bcc_sys::perf;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::os::fd::{AsFd, IntoRawFd, RawFd};
use std::path::Path;
use std::sync::OnceLock;

/// Indices of online CPUs.
#[pyfunction]
pub(crate) fn online_cpus() -> PyResult<Vec<u32>> {
    Ok(cpus::online()?)
}

/// Indices of possible CPUs.
#[pyfunction]
pub(crate) fn possible_cpus() -> PyResult<Vec<u32>> {
    Ok(cpus::possible()?)
}

/// All tracepoints as `category:event`.
#[pyfunction]
pub(crate) fn tracepoints(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyBytes>>> {
    Ok(tracefs::events()?.iter().map(|name| PyBytes::new(py, name.as_bytes())).collect())
}

/// Whether the kernel has a tracepoint.
#[pyfunction]
pub(crate) fn tracepoint_exists(category: &str, event: &str) -> bool {
    tracefs::exists(category, event)
}

/// The interpreter that process `pid` runs, by its executable's name and its libraries'; or None.
#[pyfunction]
pub(crate) fn process_language(pid: u32) -> Option<&'static str> {
    const LANGUAGES: [&str; 6] = ["java", "node", "perl", "php", "python", "ruby"];
    let proc = Path::new("/proc").join(pid.to_string());
    let by_name = |name: &str| LANGUAGES.into_iter().find(|language| name.contains(language));
    let exe = std::fs::read_link(proc.join("exe")).ok();
    let exe = exe.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy());
    if let Some(language) = exe.as_deref().and_then(by_name) {
        return Some(language);
    }
    // A program that embeds an interpreter maps its library.
    let maps = std::fs::read_to_string(proc.join("maps")).ok()?;
    maps.lines().find_map(|line| {
        let library = line.rsplit('/').next().filter(|name| name.starts_with("lib"))?;
        LANGUAGES.into_iter().find(|language| library[3..].starts_with(language))
    })
}

/// Opens and enables an event on every online CPU; the descriptors are the caller's.
#[pyfunction]
pub(crate) fn perf_event_open_all(attr: &[u8], pid: i32) -> PyResult<Vec<RawFd>> {
    let attr = perf_attr(attr)?;
    let mut opened = Vec::new();
    for cpu in cpus::online()? {
        let event = perf::open(&attr, pid, i32::try_from(cpu).unwrap_or(-1), -1)
            .and_then(|event| perf::enable(event.as_fd()).map(|()| event))
            .map_err(|e| attach_refused("Failed to open perf event", e))?;
        opened.push(event);
    }
    Ok(opened.into_iter().map(IntoRawFd::into_raw_fd).collect())
}

/// Kernel functions that can be probed and whose whole name matches, by the Rust regex crate's rules;
/// None when it does not know the pattern's syntax.
#[pyfunction]
pub(crate) fn kprobe_functions<'py>(
    py: Python<'py>,
    pattern: &str,
) -> PyResult<Option<Vec<Bound<'py, PyBytes>>>> {
    let Ok(pattern) = functions::whole(pattern) else { return Ok(None) };
    let found = py.detach(|| functions::kprobe_functions(&pattern))?;
    Ok(Some(found.iter().map(|name| PyBytes::new(py, name.as_bytes())).collect()))
}

/// What the running kernel puts in front of a system call's name.
#[pyfunction]
pub(crate) fn syscall_prefix(py: Python<'_>) -> Bound<'_, PyBytes> {
    PyBytes::new(py, py.detach(syscalls::prefix).as_bytes())
}

/// The running kernel's types, indexed once.
fn btf() -> Option<&'static Index> {
    static INDEX: OnceLock<Option<Index>> = OnceLock::new();
    let open = || {
        let target = Target::running().inspect_err(|error| log::debug!("{error}")).ok()?;
        target.btf().inspect_err(|error| log::debug!("{error}")).ok()
    };
    INDEX.get_or_init(open).as_ref()
}

/// 1 or 0; -1 without BTF or such a struct. Members of anonymous members count.
#[pyfunction]
pub(crate) fn struct_has_field(py: Python<'_>, name: &[u8], field: &[u8]) -> i32 {
    py.detach(|| has_field(name, field))
}

pub(crate) fn has_field(name: &[u8], field: &[u8]) -> i32 {
    let (name, field) = (String::from_utf8_lossy(name), String::from_utf8_lossy(field));
    match btf() {
        Some(index) if index.composite(&name).is_some() => {
            i32::from(index.has_member(&name, &field))
        }
        _ => -1,
    }
}

/// 1 or 0; -1 without BTF or such an enum. An empty name stands for all enums without one.
#[pyfunction]
pub(crate) fn enum_has_value(py: Python<'_>, name: &[u8], value: &[u8]) -> i32 {
    py.detach(|| has_value(&String::from_utf8_lossy(name), &String::from_utf8_lossy(value)))
}

pub(crate) fn has_value(name: &str, value: &str) -> i32 {
    let Some(index) = btf() else { return -1 };
    if name.is_empty() {
        return i32::from(index.enum_value(value).is_some());
    }
    let Some(id) = index.first(name, |ty| matches!(ty, Type::Enum(_))) else { return -1 };
    match index.btf().get(id) {
        Ok(Type::Enum(found)) => i32::from(found.values().any(|(known, _)| known == value)),
        _ => -1,
    }
}

/// Whether the running kernel has a feature, by trial: `fentry`, `fmod_ret`, `lsm`, `raw_tracepoint`,
/// `kprobe_multi`, `uprobe_multi`, `uprobe_multi_process`, `perf_link`, `tcx`, `ringbuf`, `map_batch` or
/// `netfilter`.
#[pyfunction]
pub(crate) fn supports(py: Python<'_>, feature: &str) -> PyResult<bool> {
    let feature = match feature {
        "fentry" => Feature::Fentry,
        "fmod_ret" => Feature::FmodRet,
        "lsm" => Feature::Lsm,
        "raw_tracepoint" => Feature::RawTracepoint,
        "kprobe_multi" => Feature::KprobeMulti,
        "uprobe_multi" => Feature::UprobeMulti,
        "uprobe_multi_process" => Feature::UprobeMultiProcess,
        "perf_link" => Feature::PerfLink,
        "tcx" => Feature::Tcx,
        "ringbuf" => Feature::Ringbuf,
        "map_batch" => Feature::MapBatch,
        "netfilter" => Feature::Netfilter,
        _ => return Err(PyValueError::new_err(format!("no feature is called {feature}"))),
    };
    Ok(py.detach(|| features::supported(feature)))
}
