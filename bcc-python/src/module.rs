//! One compiled module: programs, tables, attachments and event buffers, behind `bcc.BPF`.

mod buffers;
mod for_c;
mod names;

pub(crate) use names::Names;

use buffers::Buffers;
use names::tables;

use crate::capi::texts::Texts;
use crate::error::load_error;
use crate::link::{self, Link, Sampled};
use crate::map::Map;
use crate::usdt::{self, Usdt};
use crate::{construct, types};
use bcc_core::events::PerfBufferOpts;
use bcc_core::link::kprobe::KprobeOpts;
use bcc_core::module::Module as CoreModule;
use bcc_core::program::{LoadError as CoreLoadError, Program};
use bcc_sys::bpf::{AttachType, ProgType};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::collections::HashMap;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A module in the kernel. Its tables stay usable after `close()`.
#[pyclass(frozen, module = "bcc._native")]
#[derive(Debug)]
pub(crate) struct Module {
    core: Mutex<Option<Arc<CoreModule>>>,
    maps: Vec<Py<Map>>,
    names: Names,
    buffers: Buffers,
    /// Instructions that C code has pointers to.
    images: Mutex<HashMap<String, Box<[u8]>>>,
    /// Texts that C code has pointers to.
    pub(crate) texts: Texts,
}

/// One field list of a submitted struct, and its exact type.
type Layout<'py> = (Vec<String>, Bound<'py, PyAny>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

impl Module {
    fn core(&self) -> PyResult<Arc<CoreModule>> {
        lock(&self.core).clone().ok_or_else(|| PyException::new_err("the module is closed"))
    }

    /// A program that `load` has loaded.
    fn program(&self, py: Python<'_>, name: &[u8]) -> PyResult<Arc<Program>> {
        let (core, name) = (self.core()?, text(name));
        py.detach(|| core.load_program(&name, None, None)).map_err(|e| load_error(&e))
    }

    fn map_at(&self, id: usize) -> PyResult<&Py<Map>> {
        self.maps
            .get(id)
            .ok_or_else(|| PyException::new_err(format!("the module has no table {id}")))
    }
}

#[pymethods]
impl Module {
    #[new]
    #[pyo3(signature = (*, text, file, cflags, debug, usdts, allow_rlimit, device, kernel_source))]
    #[expect(clippy::too_many_arguments, reason = "keywords of one call in `bcc.bpf`")]
    pub(crate) fn new(
        py: Python<'_>,
        text: Option<Vec<u8>>,
        file: Option<Vec<u8>>,
        cflags: Vec<Vec<u8>>,
        debug: u32,
        usdts: Vec<Py<Usdt>>,
        allow_rlimit: bool,
        device: Option<Vec<u8>>,
        kernel_source: Option<Vec<u8>>,
    ) -> PyResult<Self> {
        let preamble = usdt::readers(&usdts)?.into_bytes();
        let source = construct::Source { text, file, cflags, debug, kernel_source, preamble };
        let core = construct::module(py, source, allow_rlimit, device)?;
        let maps = tables(&core)
            .enumerate()
            .map(|(id, map)| Py::new(py, Map::new(map.clone(), id)))
            .collect::<PyResult<_>>()?;
        Ok(Self {
            names: Names::of(&core),
            core: Mutex::new(Some(Arc::new(core))),
            maps,
            buffers: Buffers::default(),
            images: Mutex::default(),
            texts: Texts::default(),
        })
    }

    /// The handle that C functions take.
    #[getter]
    fn _as_parameter_(slf: &Bound<'_, Self>) -> usize {
        std::ptr::from_ref(slf.get()).addr()
    }

    /// Names of all functions, in the text's order.
    fn functions<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let core = self.core()?;
        let names = core.spec().programs.iter();
        Ok(names.map(|program| PyBytes::new(py, program.name.as_bytes())).collect())
    }

    /// What a function's name says it is attached to: prefix and target; `None` for other names.
    fn named_target<'py>(
        &self,
        py: Python<'py>,
        name: &[u8],
    ) -> Option<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let named = bcc_core::program::kind::named(std::str::from_utf8(name).ok()?)?;
        let bytes = |text: &str| PyBytes::new(py, text.as_bytes());
        Some((bytes(named.kind.prefix), bytes(named.target)))
    }

    /// Loads a function; returns its descriptor, which stays the module's.
    fn load(
        &self,
        py: Python<'_>,
        name: &[u8],
        prog_type: u32,
        device: Option<Vec<u8>>,
        attach_type: i64,
    ) -> PyResult<RawFd> {
        let (core, name) = (self.core()?, text(name));
        if let Some(device) = device {
            construct::check_device(&text(&device))?;
        }
        let attach_type = u32::try_from(attach_type).ok().map(AttachType);
        let loaded = py.detach(|| core.load_program(&name, Some(ProgType(prog_type)), attach_type));
        let program = loaded.map_err(|error| {
            report_rejection(&error);
            load_error(&error)
        })?;
        if let Some(log) = program.verifier_log() {
            to_stderr(&format!("{log:#}"));
        }
        Ok(program.as_fd().as_raw_fd())
    }

    /// A function's instructions.
    fn dump<'py>(&self, py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let insns = self.core()?.dump(&text(name)).map_err(|e| load_error(&e))?;
        Ok(PyBytes::new(py, &insns))
    }

    /// The table of that name, or None.
    fn map(&self, py: Python<'_>, name: &[u8]) -> Option<Py<Map>> {
        let found = self.maps.iter().find(|map| map.get().core.name().as_bytes() == name);
        found.map(|map| map.clone_ref(py))
    }

    /// The table at position `id`.
    fn map_by_id(&self, py: Python<'_>, id: usize) -> PyResult<Py<Map>> {
        self.map_at(id).map(|map| map.clone_ref(py))
    }

    /// The struct submitted to table `name`: (`name#type` of each field, exact type or None), or None.
    fn event_layout<'py>(&self, py: Python<'py>, name: &[u8]) -> PyResult<Option<Layout<'py>>> {
        let (core, name) = (self.core()?, text(name));
        let layout = core.spec().events.iter().find(|event| event.table == name);
        layout.map(|layout| types::event(py, layout)).transpose()
    }

    // Attachments of loaded programs.

    fn attach_kprobe(
        &self,
        py: Python<'_>,
        name: &[u8],
        event: &[u8],
        offset: u64,
        on_return: bool,
        maxactive: u32,
    ) -> PyResult<Link> {
        let program = self.program(py, name)?;
        let opts = KprobeOpts { function: text(event), offset, on_return, maxactive, cookie: 0 };
        link::attach_kprobe(py, program.as_fd(), name, &opts)
    }

    #[expect(clippy::too_many_arguments, reason = "the values of one `uprobe_event`")]
    fn attach_uprobe(
        &self,
        py: Python<'_>,
        name: &[u8],
        path: &[u8],
        offset: u64,
        on_return: bool,
        pid: i32,
        ref_ctr_offset: u32,
    ) -> PyResult<Link> {
        let program = self.program(py, name)?;
        link::attach_uprobe(py, program.as_fd(), path, offset, on_return, pid, ref_ctr_offset)
    }

    /// Attaches to each of `functions`, by one system call where the kernel can; what holds it, and
    /// the positions of those that cannot be traced.
    fn attach_kprobes(
        &self,
        py: Python<'_>,
        name: &[u8],
        functions: Vec<Vec<u8>>,
        on_return: bool,
    ) -> PyResult<link::Many> {
        let core = self.core()?;
        link::attach_kprobes(py, &core, name, &functions, on_return)
    }

    /// Attaches to each of the file offsets of `path`, as [`Self::attach_kprobes`].
    fn attach_uprobes(
        &self,
        py: Python<'_>,
        name: &[u8],
        path: &[u8],
        offsets: Vec<u64>,
        on_return: bool,
        pid: i32,
    ) -> PyResult<link::Many> {
        let core = self.core()?;
        link::attach_uprobes(py, &core, name, path, &offsets, on_return, pid)
    }

    fn attach_tracepoint(&self, py: Python<'_>, name: &[u8], tp: &[u8]) -> PyResult<Link> {
        let program = self.program(py, name)?;
        link::attach_tracepoint(py, program.as_fd(), name, tp)
    }

    fn attach_raw_tracepoint(&self, py: Python<'_>, name: &[u8], tp: &[u8]) -> PyResult<Link> {
        let program = self.program(py, name)?;
        link::attach_raw_tracepoint(py, program.as_fd(), tp)
    }

    fn attach_tracing(&self, py: Python<'_>, name: &[u8]) -> PyResult<Link> {
        let program = self.program(py, name)?;
        link::attach_tracing(py, program.as_fd(), name)
    }

    /// Registers a kernel struct of functions, out of programs and of bytes for its data.
    fn attach_struct_ops(
        &self,
        py: Python<'_>,
        name: &[u8],
        values: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> PyResult<Link> {
        let core = self.core()?;
        link::attach_struct_ops(py, &core, &text(name), &values)
    }

    #[expect(clippy::too_many_arguments, reason = "the values of one perf event")]
    fn attach_perf_event(
        &self,
        py: Python<'_>,
        name: &[u8],
        kind: i64,
        config: u64,
        period: u64,
        frequency: u64,
        pid: i32,
        cpu: i32,
        group: RawFd,
    ) -> PyResult<Link> {
        let program = self.program(py, name)?;
        let kind = u32::try_from(kind).unwrap_or(u32::MAX);
        let event = Sampled { kind, config, period, frequency, pid, cpu, group };
        link::attach_perf_event(py, program.as_fd(), &event)
    }

    fn attach_perf_event_raw(
        &self,
        py: Python<'_>,
        name: &[u8],
        attr: &[u8],
        pid: i32,
        cpu: i32,
        group: RawFd,
    ) -> PyResult<Link> {
        let program = self.program(py, name)?;
        link::attach_perf_event_raw(py, program.as_fd(), attr, pid, cpu, group)
    }

    // Event buffers, see `Buffers`.

    fn open_perf_buffer(
        &self,
        py: Python<'_>,
        id: usize,
        callback: Py<PyAny>,
        page_count: usize,
        lost: Py<PyAny>,
        wakeup_events: u32,
    ) -> PyResult<()> {
        let opts = PerfBufferOpts { page_count, wakeup_events };
        self.buffers.open_perf(py, self.map_at(id)?.get(), opts, callback, lost)
    }

    fn perf_poll(&self, py: Python<'_>, timeout_ms: i64) -> PyResult<()> {
        self.buffers.perf()?.poll(py, clamped(timeout_ms))
    }

    fn perf_consume(&self, py: Python<'_>) -> PyResult<()> {
        self.buffers.perf()?.consume(py)
    }

    fn perf_fileno(&self) -> PyResult<RawFd> {
        self.buffers.opened_perf().map(|readers| readers.fd())
    }

    fn close_perf(&self) {
        self.buffers.close_perf();
    }

    /// Opens a counter per online CPU and puts it into the table; gives (cpu, fd) of each.
    fn open_perf_event(
        &self,
        id: usize,
        kind: u32,
        config: u64,
        pid: i32,
    ) -> PyResult<Vec<(i32, RawFd)>> {
        self.buffers.open_counters(self.map_at(id)?.get(), kind, config, pid)
    }

    /// Closes the counter of one CPU, if there is one.
    fn close_perf_reader(&self, id: usize, cpu: i32) {
        self.buffers.close_counter(id, cpu);
    }

    fn open_ring_buffer(
        &self,
        py: Python<'_>,
        id: usize,
        callback: Py<PyAny>,
        ctx: Py<PyAny>,
    ) -> PyResult<()> {
        self.buffers.open_ring(py, self.map_at(id)?.get(), callback, ctx)
    }

    fn ring_poll(&self, py: Python<'_>, timeout_ms: i64) -> PyResult<()> {
        self.buffers.opened_rings()?.poll(py, clamped(timeout_ms))
    }

    fn ring_consume(&self, py: Python<'_>) -> PyResult<()> {
        self.buffers.opened_rings()?.consume(py)
    }

    fn ring_fileno(&self) -> PyResult<RawFd> {
        self.buffers.opened_rings().map(|readers| readers.fd())
    }

    fn close_rings(&self) {
        self.buffers.close_rings();
    }

    /// Closes programs and module; attachments and tables keep what they need.
    fn close(&self) {
        let core = lock(&self.core).take();
        drop(core);
    }
}

fn clamped(timeout_ms: i64) -> i32 {
    i32::try_from(timeout_ms).unwrap_or(if timeout_ms < 0 { -1 } else { i32::MAX })
}

/// Writes to descriptor 2, where the contract wants the compiler's and the verifier's words.
pub(crate) fn to_stderr(text: &str) {
    // A closed stderr is no reason to fail.
    let _lost = writeln!(std::io::stderr().lock(), "{text}");
}

/// What the verifier said of a program, on stderr.
fn report_rejection(error: &CoreLoadError) {
    if let Some(log) = error.log() {
        let errno = error.errno().map_or("", |errno| errno.desc());
        to_stderr(&format!("bpf: Failed to load program: {errno}\n{log:#}"));
    }
}
