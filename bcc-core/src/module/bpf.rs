//! The facade for Rust programs: one object that holds a module and what is attached of it.

use super::builder::BpfBuilder;
use super::matching::{self, Matched};
use super::{Module, autoattach};
use crate::Error;
use crate::events::{PerfBuffer, PerfBufferOpts, Poller, RingBuffer, SourceId};
use crate::kernel::{functions, kallsyms};
use crate::link::kprobe::{self, KprobeOpts};
use crate::link::perf_event::{self, PerfEventOpts};
use crate::link::uprobe::{self, UprobeOpts};
use crate::link::{Link, raw_tp, socket, tracepoint, tracing, xdp};
use crate::map::{Map, MapError, QueueStack, StackTraces, TypedMap};
use crate::program::kind::{Hook, KINDS};
use crate::program::{LoadError, Program};
use crate::spec::ModuleSpec;
use crate::symbol::{SymbolError, place};
use bcc_sys::Pod;
use bcc_sys::bpf::ProgType;
use std::os::fd::AsFd;
use std::sync::Arc;

/// A compiled, loaded and attached module. Dropping it detaches everything it attached.
///
/// ```no_run
/// # fn main() -> Result<(), bcc_core::Error> {
/// let bpf = bcc_core::Bpf::from_text(
///     "BPF_HASH(calls, u32);
///      TRACEPOINT_PROBE(sched, sched_process_fork) {
///          u32 pid = bpf_get_current_pid_tgid() >> 32;
///          calls.increment(pid);
///          return 0;
///      }",
/// )?;
/// for item in bpf.typed_map::<u32, u64>("calls")?.iter() {
///     let (pid, forks) = item?;
///     println!("{pid} forked {forks} times");
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Bpf {
    // Links go first: what is attached must end before programs and maps do.
    links: Vec<(LinkId, Link)>,
    next: u32,
    module: Module,
}

/// One attachment of a [`Bpf`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(u32);

/// What came of attaching a program to many functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matches {
    /// Attachments made; one may hold many functions.
    pub links: Vec<LinkId>,
    /// How many functions are attached.
    pub attached: usize,
    /// Functions that cannot be traced.
    pub skipped: Vec<String>,
}

impl Bpf {
    /// Compiles `text` for the running kernel, loads it, and attaches what has a name that says where to.
    ///
    /// # Errors
    /// See [`BpfBuilder::build_from_text`].
    pub fn from_text(text: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::builder().build_from_text(text)
    }

    /// Options first.
    pub fn builder() -> BpfBuilder {
        BpfBuilder::default()
    }

    pub(super) fn new(module: Module, attach: bool) -> Result<Self, Error> {
        let mut bpf = Self { links: Vec::new(), next: 0, module };
        if attach {
            for (_, link) in autoattach::attach_all(&bpf.module)? {
                bpf.hold(link);
            }
        }
        Ok(bpf)
    }

    /// The module: maps, programs, what was compiled.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// What was compiled: warnings, rewritten C, event layouts.
    pub fn spec(&self) -> &ModuleSpec {
        self.module.spec()
    }

    /// The map of that C name.
    ///
    /// # Errors
    /// [`MapError::Unknown`].
    pub fn map(&self, name: &str) -> Result<&Map, MapError> {
        let unknown = || MapError::Unknown { map: name.to_owned() };
        self.module.map(name).ok_or_else(unknown)
    }

    /// The map of that C name, with Rust types for key and value.
    ///
    /// # Errors
    /// [`MapError::Unknown`], [`MapError::Size`] when a type is of another size.
    pub fn typed_map<K: Pod, V: Pod>(&self, name: &str) -> Result<TypedMap<K, V>, MapError> {
        TypedMap::new(self.map(name)?.clone())
    }

    /// The queue or stack of that C name.
    ///
    /// # Errors
    /// [`MapError::Unknown`], [`MapError::Type`], [`MapError::Size`].
    pub fn queue<V: Pod>(&self, name: &str) -> Result<QueueStack<V>, MapError> {
        QueueStack::new(self.map(name)?.clone())
    }

    /// The stack trace table of that C name.
    ///
    /// # Errors
    /// [`MapError::Unknown`], [`MapError::Type`].
    pub fn stack_traces(&self, name: &str) -> Result<StackTraces, MapError> {
        StackTraces::new(self.map(name)?.clone())
    }

    /// Loads a program; the type of the first call wins.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_program(&self, name: &str, prog_type: ProgType) -> Result<Arc<Program>, LoadError> {
        self.module.load_program(name, Some(prog_type), None)
    }

    /// Keeps a link until it is detached or this is dropped.
    pub fn hold(&mut self, link: Link) -> LinkId {
        let id = LinkId(self.next);
        self.next += 1;
        self.links.push((id, link));
        id
    }

    /// What is attached.
    pub fn links(&self) -> impl Iterator<Item = (LinkId, &Link)> {
        self.links.iter().map(|(id, link)| (*id, link))
    }

    /// Detaches one; false when it is detached already.
    ///
    /// # Errors
    /// [`Error::Attach`] when the kernel refuses.
    pub fn detach(&mut self, id: LinkId) -> Result<bool, Error> {
        let Some(at) = self.links.iter().position(|(known, _)| *known == id) else {
            return Ok(false);
        };
        self.links.remove(at).1.detach()?;
        Ok(true)
    }

    /// Detaches everything, side by side.
    ///
    /// # Errors
    /// The first error; the others are detached all the same.
    pub fn detach_all(&mut self) -> Result<(), Error> {
        let links = self.links.drain(..).rev().map(|(_, link)| link).collect();
        Ok(crate::link::detach_all(links)?)
    }

    /// Attaches to the entry of a kernel function.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_kprobe(&mut self, program: &str, function: &str) -> Result<LinkId, Error> {
        let opts = KprobeOpts { function: function.to_owned(), ..Default::default() };
        self.attach_kprobe_with(program, &opts)
    }

    /// Attaches to the return of a kernel function.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_kretprobe(&mut self, program: &str, function: &str) -> Result<LinkId, Error> {
        let function = function.to_owned();
        self.attach_kprobe_with(
            program,
            &KprobeOpts { function, on_return: true, ..Default::default() },
        )
    }

    /// Attaches to a kernel function with all options.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_kprobe_with(
        &mut self,
        program: &str,
        opts: &KprobeOpts,
    ) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::KPROBE)?;
        let link = kprobe::attach(program.as_fd(), opts)?;
        Ok(self.hold(link))
    }

    /// Attaches to a place in a user program.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_uprobe(&mut self, program: &str, opts: &UprobeOpts) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::KPROBE)?;
        let link = uprobe::attach(program.as_fd(), opts)?;
        Ok(self.hold(link))
    }

    /// Attaches to the entry of every kernel function whose whole name matches `pattern`. Those that
    /// cannot be traced are skipped and come back by name.
    ///
    /// # Errors
    /// [`Error::Symbol`] for a bad pattern, [`Error::Load`], [`Error::Attach`] when none can be traced.
    pub fn attach_kprobes(&mut self, program: &str, pattern: &str) -> Result<Matches, Error> {
        let pattern = functions::whole(pattern).map_err(SymbolError::from)?;
        let functions: Vec<String> = functions::kprobe_functions(&pattern)
            .map_err(|source| Error::Io { path: kallsyms::PATH.into(), source })?
            .into_iter()
            .collect();
        let matched = matching::kprobes(&self.module, program, &functions, false)?;
        Ok(self.hold_all(matched))
    }

    /// Attaches to every function of a library or executable whose name matches `pattern` at its start;
    /// with `pid`, in that process only.
    ///
    /// # Errors
    /// [`Error::Symbol`] for a bad pattern or file, [`Error::Load`], [`Error::Attach`] when none can be
    /// traced.
    pub fn attach_uprobes(
        &mut self,
        program: &str,
        file: &str,
        pattern: &str,
        pid: Option<i32>,
    ) -> Result<Matches, Error> {
        let pattern = place::at_start(pattern)?;
        let functions = place::Module::open(file, pid)?;
        let offsets: Vec<u64> =
            functions.matching(&pattern).into_iter().map(|(place, _)| place.offset).collect();
        let path = functions.path();
        let matched = matching::uprobes(&self.module, program, path, &offsets, pid, false)?;
        Ok(self.hold_all(matched))
    }

    fn hold_all(&mut self, matched: Matched) -> Matches {
        let Matched { links, attached, skipped, .. } = matched;
        let links = links.into_iter().map(|link| self.hold(link)).collect();
        Matches { links, attached, skipped }
    }

    /// Attaches to a tracepoint.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_tracepoint(
        &mut self,
        program: &str,
        category: &str,
        event: &str,
    ) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::TRACEPOINT)?;
        let link = tracepoint::attach(program.as_fd(), category, event)?;
        Ok(self.hold(link))
    }

    /// Attaches to a raw tracepoint.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_raw_tracepoint(&mut self, program: &str, event: &str) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::RAW_TRACEPOINT)?;
        let link = raw_tp::attach(program.as_fd(), event)?;
        Ok(self.hold(link))
    }

    /// Attaches a program of `KFUNC_PROBE`, `KRETFUNC_PROBE`, `KMOD_RET` or `LSM_PROBE`; the prefix may
    /// be left out of `program`.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_tracing(&mut self, hook: Hook, program: &str) -> Result<LinkId, Error> {
        let prefix = KINDS.iter().find(|kind| kind.hook == hook).map_or("", |kind| kind.prefix);
        let name = match program.strip_prefix(prefix) {
            Some(_) => program.to_owned(),
            None => format!("{prefix}{program}"),
        };
        let program = self.module.load_program(&name, None, None)?;
        let link = tracing::attach(program.as_fd(), &name)?;
        Ok(self.hold(link))
    }

    /// Attaches to a perf event.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_perf_event(
        &mut self,
        program: &str,
        opts: &PerfEventOpts,
    ) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::PERF_EVENT)?;
        let link = perf_event::attach(program.as_fd(), opts)?;
        Ok(self.hold(link))
    }

    /// Attaches to a device's XDP hook, which outlives the process unless detached.
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_xdp(&mut self, program: &str, device: &str, flags: u32) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::XDP)?;
        let link = xdp::attach(program.as_fd(), device, flags)?;
        Ok(self.hold(link))
    }

    /// Attaches a socket filter to a packet socket on a device (all devices for the empty name).
    ///
    /// # Errors
    /// [`Error::Load`], [`Error::Attach`].
    pub fn attach_raw_socket(&mut self, program: &str, device: &str) -> Result<LinkId, Error> {
        let program = self.load_program(program, ProgType::SOCKET_FILTER)?;
        let link = socket::attach(program.as_fd(), device)?;
        Ok(self.hold(link))
    }

    /// Opens the perf buffer of a `BPF_PERF_OUTPUT` table and adds it to `poller`.
    ///
    /// # Errors
    /// [`Error::Map`], [`Error::Events`].
    pub fn open_perf_buffer(
        &self,
        poller: &mut Poller,
        table: &str,
        opts: PerfBufferOpts,
    ) -> Result<SourceId, Error> {
        let buffer = PerfBuffer::open(self.map(table)?.as_fd(), opts)?;
        Ok(poller.add_perf(buffer)?)
    }

    /// Opens the ring buffer of a `BPF_RINGBUF_OUTPUT` table and adds it to `poller`. What found no room
    /// in it is told by [`Map::losses`] of `self.map(table)`.
    ///
    /// # Errors
    /// [`Error::Map`], [`Error::Events`].
    pub fn open_ring_buffer(&self, poller: &mut Poller, table: &str) -> Result<SourceId, Error> {
        let buffer = RingBuffer::of(self.map(table)?)?;
        Ok(poller.add_ring(buffer)?)
    }
}
