//! One epoll over any number of buffers.

use super::merge::{Ring, give_by_time};
use super::perf::CpuReader;
use super::{Batch, EventError, PerfBuffer, RingBuffer};
use crate::kernel::cpus;
use bcc_sys::epoll::{Poll, Wait};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// A buffer of a [`Poller`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// What a buffer held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// What a program sent.
    Sample {
        /// Which buffer it came through.
        source: SourceId,
        /// CPU whose ring held it; 0 for ring buffers, which have no CPU.
        cpu: u32,
        /// The bytes; gone when the closure returns. Those of a perf buffer are up to seven more than
        /// were sent: [`Pod::from_prefix`](crate::map::Pod::from_prefix) makes a struct of them.
        data: &'a [u8],
    },
    /// Events of a perf buffer that found no room.
    Lost {
        /// Which buffer they were meant for.
        source: SourceId,
        /// CPU whose ring was full.
        cpu: u32,
        /// How many.
        count: u64,
    },
}

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled<B> {
    /// So many events were given; 0 when the time passed.
    Events(usize),
    /// A signal handler ran before anything came; look at what it left, then poll again.
    Interrupted,
    /// The closure broke with this value. What it has not seen comes first at the next poll.
    Broken(B),
}

#[derive(Debug)]
enum Source {
    Perf(PerfBuffer),
    Ring(RingBuffer),
}

/// How often the list of CPUs is read.
const CPU_CHECK: Duration = Duration::from_secs(1);

/// Reads events of several buffers in one thread.
#[derive(Debug)]
pub struct Poller {
    poll: Poll,
    sources: BTreeMap<SourceId, Source>,
    /// Readers of CPUs that went off, until they are drained.
    leftovers: Vec<(SourceId, CpuReader)>,
    next: u32,
    /// Tokens (source and CPU) that have events.
    ready: Vec<u64>,
    /// Tokens the closure broke off at: epoll need not tell of them again.
    unfinished: Vec<u64>,
    cpus_seen: Instant,
    pid: u32,
}

fn token(source: SourceId, cpu: u32) -> u64 {
    u64::from(source.0) << 32 | u64::from(cpu)
}

/// Readable while events wait, so that other loops can watch it.
impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poll.as_fd()
    }
}

impl Poller {
    /// Without any buffer.
    ///
    /// # Errors
    /// What `epoll_create1(2)` says.
    pub fn new() -> Result<Self, EventError> {
        Ok(Self {
            poll: Poll::new()?,
            sources: BTreeMap::new(),
            leftovers: Vec::new(),
            next: 0,
            ready: Vec::new(),
            unfinished: Vec::new(),
            cpus_seen: Instant::now(),
            pid: std::process::id(),
        })
    }

    /// Adds a perf buffer.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says.
    pub fn add_perf(&mut self, buffer: PerfBuffer) -> Result<SourceId, EventError> {
        let id = self.take_id();
        for reader in &buffer.readers {
            self.poll.add(&reader.event, token(id, reader.cpu))?;
        }
        self.sources.insert(id, Source::Perf(buffer));
        Ok(id)
    }

    /// Adds a ring buffer.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says.
    pub fn add_ring(&mut self, buffer: RingBuffer) -> Result<SourceId, EventError> {
        let id = self.take_id();
        self.poll.add(buffer.as_fd(), token(id, 0))?;
        self.sources.insert(id, Source::Ring(buffer));
        Ok(id)
    }

    fn take_id(&mut self) -> SourceId {
        self.next += 1;
        SourceId(self.next)
    }

    /// Closes a buffer; what it still holds is gone. Nothing happens when it is closed already.
    ///
    /// # Errors
    /// What `epoll_ctl(2)` says.
    pub fn remove(&mut self, id: SourceId) -> Result<(), EventError> {
        let Some(source) = self.sources.remove(&id) else { return Ok(()) };
        self.leftovers.retain(|(of, _)| *of != id);
        self.unfinished.retain(|token| token >> 32 != u64::from(id.0));
        self.ready.retain(|token| token >> 32 != u64::from(id.0));
        if self.pid != std::process::id() {
            // The epoll is shared with the parent, which still wants to hear of it.
            return Ok(());
        }
        match &source {
            Source::Perf(buffer) => {
                for reader in &buffer.readers {
                    self.poll.remove(&reader.event)?;
                }
            }
            Source::Ring(buffer) => self.poll.remove(buffer.as_fd())?,
        }
        Ok(())
    }

    /// Whether there is no buffer.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Waits up to `timeout_ms` milliseconds (negative: without end) and gives all that came to
    /// `sink`, until it breaks.
    ///
    /// # Errors
    /// [`EventError::Forked`] in a child of the process that made the poller.
    pub fn poll<B>(
        &mut self,
        timeout_ms: i32,
        sink: impl FnMut(Event<'_>) -> ControlFlow<B>,
    ) -> Result<Polled<B>, EventError> {
        match self.wait(timeout_ms)? {
            Wait::Interrupted => Ok(Polled::Interrupted),
            Wait::Timeout => Ok(Polled::Events(0)),
            Wait::Ready(_) => Ok(self.drain(sink)),
        }
    }

    /// The first half of [`Poller::poll`]: only waits. [`Poller::drain`] then gives what came.
    ///
    /// # Errors
    /// As [`Poller::poll`].
    pub fn wait(&mut self, timeout_ms: i32) -> Result<Wait, EventError> {
        self.check_process()?;
        let end = u64::try_from(timeout_ms).map(|ms| Instant::now() + Duration::from_millis(ms));
        let (wait, pending) = loop {
            self.follow_cpus();
            let pending = !self.unfinished.is_empty() || !self.leftovers.is_empty();
            let left = end.as_ref().ok().map(|end| end.saturating_duration_since(Instant::now()));
            let wait = self.poll.wait(self.slice(pending, left), &mut self.ready)?;
            let over = left.is_some_and(|left| left <= CPU_CHECK) || pending || !self.has_perf();
            if !matches!(wait, Wait::Timeout) || over {
                break (wait, pending);
            }
        };
        for token in self.unfinished.drain(..) {
            if !self.ready.contains(&token) {
                self.ready.push(token);
            }
        }
        if pending { Ok(Wait::Ready(self.ready.len())) } else { Ok(wait) }
    }

    /// Milliseconds to wait at once: while a perf buffer is there, the CPUs are looked at in between.
    fn slice(&self, pending: bool, left: Option<Duration>) -> i32 {
        let slice = match left {
            _ if pending => Duration::ZERO,
            Some(left) if self.has_perf() => left.min(CPU_CHECK),
            Some(left) => left,
            None if self.has_perf() => CPU_CHECK,
            None => return -1,
        };
        // A started millisecond counts: epoll would return before its end.
        i32::try_from(slice.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
    }

    fn has_perf(&self) -> bool {
        self.sources.values().any(|source| matches!(source, Source::Perf(_)))
    }

    /// Gives what the last [`Poller::wait`] found: events of perf buffers in the order in which they
    /// were sent, whatever CPU it was on, then those of each ring buffer.
    pub fn drain<B>(&mut self, mut sink: impl FnMut(Event<'_>) -> ControlFlow<B>) -> Polled<B> {
        self.ready.sort_unstable();
        let (mut total, mut broken) = give_by_time(&mut self.ready_rings(), &mut sink);
        for (&id, source) in &mut self.sources {
            if let Source::Ring(buffer) = source
                && broken.is_none()
                && self.ready.binary_search(&token(id, 0)).is_ok()
            {
                let event = |data: &[u8]| sink(Event::Sample { source: id, cpu: 0, data });
                let (given, stopped) = buffer.consume(event);
                (total, broken) = (total + given, stopped);
            }
        }
        match broken {
            Some(value) => {
                self.unfinished.append(&mut self.ready);
                Polled::Broken(value)
            }
            None => {
                self.ready.clear();
                self.leftovers.clear();
                Polled::Events(total)
            }
        }
    }

    /// The rings of CPUs that epoll told of, and those of CPUs that went off.
    fn ready_rings(&mut self) -> Vec<Ring<'_>> {
        let Self { sources, leftovers, ready, .. } = self;
        let mut rings: Vec<Ring<'_>> = leftovers.iter_mut().map(|(id, r)| (*id, r)).collect();
        for (&id, source) in sources {
            let Source::Perf(buffer) = source else { continue };
            let is_ready =
                |reader: &&mut CpuReader| ready.binary_search(&token(id, reader.cpu)).is_ok();
            rings.extend(buffer.readers.iter_mut().filter(is_ready).map(|reader| (id, reader)));
        }
        rings
    }

    /// Gives all that waits in any buffer without asking epoll.
    ///
    /// # Errors
    /// As [`Poller::poll`].
    pub fn consume<B>(
        &mut self,
        sink: impl FnMut(Event<'_>) -> ControlFlow<B>,
    ) -> Result<Polled<B>, EventError> {
        self.mark_all()?;
        Ok(self.drain(sink))
    }

    /// Makes the next drain look at every ring.
    fn mark_all(&mut self) -> Result<(), EventError> {
        self.check_process()?;
        self.unfinished.clear();
        self.ready.clear();
        for (&id, source) in &self.sources {
            match source {
                Source::Perf(buffer) => {
                    self.ready.extend(buffer.readers.iter().map(|reader| token(id, reader.cpu)));
                }
                Source::Ring(_) => self.ready.push(token(id, 0)),
            }
        }
        Ok(())
    }

    /// As [`Poller::consume`], into `batch`: copies up to `limit` records; returns how many.
    ///
    /// # Errors
    /// As [`Poller::poll`].
    pub fn consume_into(&mut self, batch: &mut Batch, limit: usize) -> Result<usize, EventError> {
        self.mark_all()?;
        Ok(self.drain_into(batch, limit))
    }

    /// Copies what the last [`Poller::wait`] found behind what `batch` holds, up to `limit`
    /// records; returns how many. The rest comes at the next wait.
    pub fn drain_into(&mut self, batch: &mut Batch, limit: usize) -> usize {
        let before = batch.len();
        if limit == 0 {
            return 0;
        }
        self.drain(|event| {
            match event {
                Event::Sample { source, cpu, data } => batch.push(source, cpu, data),
                Event::Lost { source, cpu, count } => batch.push_lost(source, cpu, count),
            }
            if batch.len() - before < limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        batch.len() - before
    }

    fn check_process(&self) -> Result<(), EventError> {
        if self.pid == std::process::id() { Ok(()) } else { Err(EventError::Forked) }
    }

    /// Looks once a second whether CPUs came or went.
    fn follow_cpus(&mut self) {
        if !self.has_perf() || self.cpus_seen.elapsed() < CPU_CHECK {
            return;
        }
        self.cpus_seen = Instant::now();
        match cpus::online() {
            Ok(online) => self.use_cpus(&online),
            Err(error) => log::debug!("cannot list the online CPUs: {error}"),
        }
    }

    fn use_cpus(&mut self, online: &[u32]) {
        for (&id, source) in &mut self.sources {
            let Source::Perf(buffer) = source else { continue };
            let change = buffer.follow(online);
            for reader in change.removed {
                if let Err(error) = self.poll.remove(&reader.event) {
                    log::debug!("CPU {} stays in the epoll: {error}", reader.cpu);
                }
                self.leftovers.push((id, reader));
            }
            for reader in &buffer.readers[change.added_from..] {
                if let Err(error) = self.poll.add(&reader.event, token(id, reader.cpu)) {
                    log::warn!("CPU {} is not polled: {error}", reader.cpu);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
