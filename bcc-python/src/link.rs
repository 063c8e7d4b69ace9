//! Attachments: what `bcc.attach` keeps under the names it gives them.

use crate::error::{attach_failed, load_error};
use bcc_core::Error;
use bcc_core::link::{self, kprobe, perf_event, raw_tp, tracepoint, tracing, uprobe};
use bcc_core::module::{Module, matching};
use bcc_core::usdt::with_semaphore;
use bcc_sys::perf::PerfEventAttr;
use pyo3::exceptions::{PyRuntimeWarning, PyValueError};
use pyo3::prelude::*;
use std::ffi::{CString, OsStr};
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// One attachment; it ends with `detach()`, or with the object.
#[pyclass(frozen, module = "bcc._native")]
#[derive(Debug)]
pub(crate) struct Link(Mutex<Option<link::Link>>);

impl From<link::Link> for Link {
    fn from(link: link::Link) -> Self {
        Self(Mutex::new(Some(link)))
    }
}

#[pymethods]
impl Link {
    /// Detaches; a second call does nothing.
    fn detach(&self, py: Python<'_>) -> PyResult<()> {
        let link = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match link {
            // Waits for the kernel's grace periods.
            Some(link) => py
                .detach(|| link.detach())
                .map_err(|error| attach_failed("Failed to detach BPF program", &error)),
            None => Ok(()),
        }
    }
}

/// Program `name`, as messages show it.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// A kernel function's entry or return.
pub(crate) fn attach_kprobe(
    py: Python<'_>,
    program: BorrowedFd<'_>,
    name: &[u8],
    opts: &kprobe::KprobeOpts,
) -> PyResult<Link> {
    let attached = py.detach(|| kprobe::attach(program, opts));
    let attached = attached.map_err(|error| {
        let kind = if opts.on_return { "kretprobe" } else { "kprobe" };
        let text = format!(
            "Failed to attach BPF program {} to {kind} {}, it's not traceable (either non-existing, \
             inlined, or marked as \"notrace\")",
            shown(name),
            opts.function
        );
        attach_failed(&text, &error)
    })?;
    if let Some(note) = attached.note() {
        // The caller of `attach_kprobe`, two frames of Python's up.
        let warning = CString::new(format!("{}: {note}", shown(name)))?;
        PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &warning, 2)?;
    }
    Ok(attached.into())
}

/// A place in a user program.
pub(crate) fn attach_uprobe(
    py: Python<'_>,
    program: BorrowedFd<'_>,
    path: &[u8],
    offset: u64,
    on_return: bool,
    pid: i32,
    ref_ctr_offset: u32,
) -> PyResult<Link> {
    let opts = uprobe::UprobeOpts {
        path: PathBuf::from(OsStr::from_bytes(path)),
        offset,
        on_return,
        pid: (pid >= 0).then_some(pid),
        ref_ctr_offset,
        cookie: 0,
    };
    let attached = py.detach(|| uprobe::attach(program, &with_semaphore(opts)));
    attached.map(Link::from).map_err(|error| {
        let kind = if on_return { "uretprobe" } else { "uprobe" };
        attach_failed(&format!("Failed to attach BPF to {kind}"), &error)
    })
}

/// What holds the attachments to many places, and the positions of those refused. With several links
/// there is one for each place, in order; a single one may hold all.
pub(crate) type Many = (Vec<Link>, Vec<usize>);

fn many(made: Result<matching::Matched, Error>, text: impl Fn() -> String) -> PyResult<Many> {
    match made {
        Ok(made) => Ok((made.links.into_iter().map(Link::from).collect(), made.refused)),
        Err(Error::Load(error)) => Err(load_error(&error)),
        Err(Error::Attach(error)) => Err(attach_failed(&text(), &error)),
        Err(error) => Err(crate::error::AttachError::new_err(format!("{}: {error}", text()))),
    }
}

/// Kernel functions' entries or returns.
pub(crate) fn attach_kprobes(
    py: Python<'_>,
    module: &Module,
    name: &[u8],
    functions: &[Vec<u8>],
    on_return: bool,
) -> PyResult<Many> {
    let name = shown(name);
    let functions: Vec<String> = functions.iter().map(|function| shown(function)).collect();
    let made = py.detach(|| matching::kprobes(module, &name, &functions, on_return));
    many(made, || {
        let kind = if on_return { "kretprobes" } else { "kprobes" };
        format!(
            "Failed to attach BPF program {name} to {} {kind}, none is traceable",
            functions.len()
        )
    })
}

/// Places of one file.
pub(crate) fn attach_uprobes(
    py: Python<'_>,
    module: &Module,
    name: &[u8],
    path: &[u8],
    offsets: &[u64],
    on_return: bool,
    pid: i32,
) -> PyResult<Many> {
    let (name, path) = (shown(name), PathBuf::from(OsStr::from_bytes(path)));
    let pid = (pid >= 0).then_some(pid);
    let made = py.detach(|| matching::uprobes(module, &name, &path, offsets, pid, on_return));
    many(made, || {
        let kind = if on_return { "uretprobe" } else { "uprobe" };
        format!("Failed to attach BPF to {kind}")
    })
}

/// Ends many attachments at once: their grace periods pass side by side.
#[pyfunction]
pub(crate) fn detach_links(py: Python<'_>, links: Vec<PyRef<'_, Link>>) -> PyResult<()> {
    let taken: Vec<link::Link> = links
        .iter()
        .filter_map(|link| link.0.lock().unwrap_or_else(PoisonError::into_inner).take())
        .collect();
    drop(links);
    py.detach(|| link::detach_all(taken))
        .map_err(|error| attach_failed("Failed to detach BPF program", &error))
}

/// Tracepoint `category:event`.
pub(crate) fn attach_tracepoint(
    py: Python<'_>,
    program: BorrowedFd<'_>,
    name: &[u8],
    tp: &[u8],
) -> PyResult<Link> {
    let tp = shown(tp);
    let (category, event) = tp.split_once(':').unwrap_or((&tp, ""));
    let attached = py.detach(|| tracepoint::attach(program, category, event));
    attached.map(Link::from).map_err(|error| {
        let text = format!("Failed to attach BPF program {} to tracepoint {tp}", shown(name));
        attach_failed(&text, &error)
    })
}

/// A raw tracepoint.
pub(crate) fn attach_raw_tracepoint(
    py: Python<'_>,
    program: BorrowedFd<'_>,
    tp: &[u8],
) -> PyResult<Link> {
    let tp = shown(tp);
    py.detach(|| raw_tp::attach(program, &tp))
        .map(Link::from)
        .map_err(|error| attach_failed("Failed to attach BPF to raw tracepoint", &error))
}

/// What a tracing or LSM program was loaded for.
pub(crate) fn attach_tracing(
    py: Python<'_>,
    program: BorrowedFd<'_>,
    name: &[u8],
) -> PyResult<Link> {
    let name = shown(name);
    py.detach(|| tracing::attach(program, &name))
        .map(Link::from)
        .map_err(|error| attach_failed(&format!("Failed to attach BPF program {name}"), &error))
}

/// A kernel struct of functions, made of the module's programs for it and of bytes for its data.
pub(crate) fn attach_struct_ops(
    py: Python<'_>,
    module: &Module,
    name: &str,
    values: &[(Vec<u8>, Vec<u8>)],
) -> PyResult<Link> {
    let names: Vec<String> = values.iter().map(|(member, _)| shown(member)).collect();
    let data = names.iter().map(String::as_str).zip(values.iter().map(|(_, bytes)| &bytes[..]));
    let data: Vec<(&str, &[u8])> = data.collect();
    let text = format!("Failed to register struct {name}");
    match py.detach(|| module.attach_struct_ops(name, &data)) {
        Ok(link) => Ok(Link::from(link)),
        Err(Error::Load(error)) => Err(load_error(&error)),
        Err(Error::Attach(error)) => Err(attach_failed(&text, &error)),
        Err(error) => Err(crate::error::AttachError::new_err(format!("{text}: {error}"))),
    }
}

/// Where and how often a perf event runs its program, as Python's arguments say.
pub(crate) struct Sampled {
    pub(crate) kind: u32,
    pub(crate) config: u64,
    pub(crate) period: u64,
    pub(crate) frequency: u64,
    pub(crate) pid: i32,
    pub(crate) cpu: i32,
    pub(crate) group: RawFd,
}

/// A perf event by type and config.
pub(crate) fn attach_perf_event(
    py: Python<'_>,
    program: BorrowedFd<'_>,
    event: &Sampled,
) -> PyResult<Link> {
    let sampling = match (event.period, event.frequency) {
        (0, frequency) => perf_event::Sampling::Frequency(frequency),
        (period, 0) => perf_event::Sampling::Period(period),
        _ => {
            return Err(PyValueError::new_err(
                "exactly one of sample_period and sample_freq is needed",
            ));
        }
    };
    let opts = perf_event::PerfEventOpts {
        kind: event.kind,
        config: event.config,
        sampling,
        pid: (event.pid >= 0).then_some(event.pid),
        cpu: (event.cpu >= 0).then_some(event.cpu),
        group: (event.group >= 0).then_some(event.group),
    };
    py.detach(|| perf_event::attach(program, &opts))
        .map(Link::from)
        .map_err(|error| attach_failed("Failed to attach BPF to perf event", &error))
}

/// A perf event by the caller's attributes.
pub(crate) fn attach_perf_event_raw(
    py: Python<'_>,
    program: BorrowedFd<'_>,
    attr: &[u8],
    pid: i32,
    cpu: i32,
    group: RawFd,
) -> PyResult<Link> {
    let attr = perf_attr(attr)?;
    py.detach(|| perf_event::attach_raw(program, &attr, pid, (cpu >= 0).then_some(cpu), group))
        .map(Link::from)
        .map_err(|error| attach_failed("Failed to attach BPF to perf raw event", &error))
}

/// The bytes of a `perf_event_attr`, old and shorter ones extended by zeros.
pub(crate) fn perf_attr(bytes: &[u8]) -> PyResult<PerfEventAttr> {
    let mut all = vec![0; size_of::<PerfEventAttr>()];
    let head = all
        .get_mut(..bytes.len())
        .ok_or_else(|| PyValueError::new_err("the perf_event_attr is too long"))?;
    head.copy_from_slice(bytes);
    <PerfEventAttr as bcc_sys::Pod>::from_bytes(&all)
        .ok_or_else(|| PyValueError::new_err("the perf_event_attr has another size"))
}

/// A descriptor that Python code names by its number.
///
/// It was handed out by this library, or opened by the script; the caller keeps it open for the call.
pub(crate) fn borrow(fd: RawFd) -> PyResult<BorrowedFd<'static>> {
    if fd < 0 {
        return Err(PyValueError::new_err(format!("{fd} is no file descriptor")));
    }
    #[expect(unsafe_code, reason = "Python code passes descriptors as integers")]
    // SAFETY: the number is not -1; that it stays open during the call is the script's business, and
    // a closed one makes the system call fail with EBADF.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    Ok(fd)
}
