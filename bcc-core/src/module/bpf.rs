//! The facade for Rust programs: one object that holds a module and what is attached of it.

use super::builder::BpfBuilder;
use super::{Module, autoattach};
use crate::Error;
use crate::events::{PerfBuffer, PerfBufferOpts, Poller, RingBuffer, SourceId};
use crate::link::{Link, perf_event};
use crate::map::{Map, MapError, QueueStack, StackTraces, TypedMap};
use crate::program::{LoadError, Program};
use crate::spec::ModuleSpec;
use crate::usdt::Usdt;
use bcc_sys::Pod;
use bcc_sys::bpf::ProgType;
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
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
    /// They keep the semaphores up that the kernel does not count.
    pub(super) usdts: Vec<Usdt>,
    /// Counters that programs read, by the table they are in.
    counters: HashMap<String, Vec<(i32, OwnedFd)>>,
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

    pub(super) fn new(module: Module) -> Self {
        Self { links: Vec::new(), next: 0, usdts: Vec::new(), counters: HashMap::new(), module }
    }

    /// Attaches what has a name that says where to.
    pub(super) fn attach_by_name(&mut self) -> Result<(), Error> {
        for (_, link) in autoattach::attach_all(&self.module)? {
            self.hold(link);
        }
        Ok(())
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

    /// Starts a counter on every online CPU and puts it into a `BPF_PERF_ARRAY` table, where programs
    /// read it (`perf_read`); one opened before for the table ends. `pid` counts one process.
    ///
    /// # Errors
    /// [`Error::Map`]; [`Error::Attach`] for an event that the machine does not have.
    pub fn open_perf_event(
        &mut self,
        table: &str,
        kind: u32,
        config: u64,
        pid: Option<i32>,
    ) -> Result<(), Error> {
        let map = self.map(table)?.clone();
        self.counters.remove(table);
        let counters = perf_event::count(&map, kind, config, pid)?;
        self.counters.insert(table.to_owned(), counters);
        Ok(())
    }

    /// Ends the counters of a table; false when there are none.
    pub fn close_perf_event(&mut self, table: &str) -> bool {
        self.counters.remove(table).is_some()
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
