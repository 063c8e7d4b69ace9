//! Perf and ring buffers: readers, and the loop that calls back.
//!
//! wait and copy to a batch (interpreter lock released) → callbacks one by one. What a callback that
//! raises leaves behind is given at the next poll.

use crate::error::EventError;
use crate::vectorcall::{Sizes, call};
use bcc_core::events::{Batch, PerfBuffer, Poller, RingBuffer, SourceId};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use pyo3::exceptions::{PyOSError, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Records copied out of the rings at once.
const BATCH: usize = 4096;

/// What to call for one buffer's events.
#[derive(Debug)]
enum Callback {
    /// `call(cpu, data, size)`, `lost(count)`.
    Perf { call: Py<PyAny>, lost: Py<PyAny> },
    /// `call(ctx, data, size)`; a negative number ends the poll.
    Ring { call: Py<PyAny>, ctx: Py<PyAny> },
}

/// Copied records, and how far they are given.
#[derive(Debug, Default)]
struct Pending {
    batch: Batch,
    next: usize,
}

/// Buffers that are polled together.
#[derive(Debug)]
pub(crate) struct Readers {
    poller: Mutex<Poller>,
    pending: Mutex<Pending>,
    callbacks: Mutex<HashMap<SourceId, Callback>>,
    /// The poller's own descriptor, to wait on without holding its lock.
    ready: OwnedFd,
}

/// The longest wait at a time: between two, the poller looks whether CPUs came or went.
const TURN_MS: u16 = 1000;

/// How giving a batch ended.
enum Given {
    All(usize),
    /// A ring buffer's callback returned this.
    Stopped,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(error: &bcc_core::events::EventError) -> PyErr {
    EventError::new_err(error.to_string())
}

impl Readers {
    pub(crate) fn new() -> PyResult<Self> {
        let poller = Poller::new().map_err(|e| failed(&e))?;
        let ready = poller.as_fd().try_clone_to_owned()?;
        let (pending, callbacks) = Default::default();
        Ok(Self { poller: Mutex::new(poller), pending, callbacks, ready })
    }

    /// A descriptor that polls readable while events wait.
    pub(crate) fn fd(&self) -> RawFd {
        self.ready.as_raw_fd()
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.callbacks).is_empty()
    }

    pub(crate) fn add_perf(
        &self,
        py: Python<'_>,
        buffer: PerfBuffer,
        call: Py<PyAny>,
        lost: Py<PyAny>,
    ) -> PyResult<SourceId> {
        let id = py.detach(|| lock(&self.poller).add_perf(buffer)).map_err(|e| failed(&e))?;
        lock(&self.callbacks).insert(id, Callback::Perf { call, lost });
        Ok(id)
    }

    pub(crate) fn add_ring(
        &self,
        py: Python<'_>,
        buffer: RingBuffer,
        call: Py<PyAny>,
        ctx: Py<PyAny>,
    ) -> PyResult<SourceId> {
        let id = py.detach(|| lock(&self.poller).add_ring(buffer)).map_err(|e| failed(&e))?;
        lock(&self.callbacks).insert(id, Callback::Ring { call, ctx });
        Ok(id)
    }

    pub(crate) fn remove(&self, py: Python<'_>, id: SourceId) -> PyResult<()> {
        // Dropped only after the lock: a callback's destructor may run Python code.
        let gone = lock(&self.callbacks).remove(&id);
        drop(gone);
        py.detach(|| lock(&self.poller).remove(id)).map_err(|e| failed(&e))
    }

    /// Waits up to `timeout_ms` (negative: without end) for events and calls back.
    pub(crate) fn poll(&self, py: Python<'_>, timeout_ms: i32) -> PyResult<()> {
        let until = u64::try_from(timeout_ms)
            .ok()
            .map(|timeout| Instant::now() + Duration::from_millis(timeout));
        // What an earlier poll left behind is all for this one.
        let mut seen = match self.give(py)? {
            Given::Stopped => return Ok(()),
            Given::All(given) => given,
        };
        // A perf ring tells of its events once, and whoever polls our descriptor hears it first.
        let mut heard = timeout_ms == 0;
        loop {
            let fetch = || if heard { self.fetch_all() } else { self.fetch() };
            let came = py.detach(fetch).map_err(|e| failed(&e))?;
            seen += came;
            if came > 0 && matches!(self.give(py)?, Given::Stopped) {
                return Ok(());
            }
            if came == BATCH {
                continue;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if seen > 0 || left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            if let Some(ready) = py.detach(|| self.wait(left))? {
                heard = ready;
            }
            // A signal's Python handler runs here, and may raise. Also when the wait was not
            // interrupted: the signal may have come just before it.
            py.check_signals()?;
        }
    }

    /// Calls back for what there is, without waiting.
    pub(crate) fn consume(&self, py: Python<'_>) -> PyResult<()> {
        if matches!(self.give(py)?, Given::Stopped) {
            return Ok(());
        }
        loop {
            let came = py.detach(|| self.fetch_all()).map_err(|e| failed(&e))?;
            if matches!(self.give(py)?, Given::Stopped) || came < BATCH {
                return Ok(());
            }
        }
    }

    /// Waits for an event (true), the time to pass (false), or a signal (`None`).
    fn wait(&self, left: Option<Duration>) -> PyResult<Option<bool>> {
        // Rounded up, so that the last turn does not spin.
        let left = left.map_or(u128::MAX, |left| left.as_micros().div_ceil(1000));
        let turn = u16::try_from(left).unwrap_or(TURN_MS).min(TURN_MS);
        let mut fds = [PollFd::new(self.ready.as_fd(), PollFlags::POLLIN)];
        match nix::poll::poll(&mut fds, turn) {
            Ok(ready) => Ok(Some(ready > 0)),
            Err(Errno::EINTR) => Ok(None),
            Err(errno) => Err(PyOSError::new_err((errno as i32, errno.desc()))),
        }
    }

    /// Looks whether CPUs came or went, and copies what all rings hold; returns how many.
    ///
    /// Not only those that epoll tells of: a perf event says once that it is readable, and whoever
    /// polled the poller's descriptor (`wait`, an event loop) has had that answer.
    fn fetch(&self) -> Result<usize, bcc_core::events::EventError> {
        let mut poller = lock(&self.poller);
        poller.wait(0)?;
        poller.consume_into(&mut lock(&self.pending).batch, BATCH)
    }

    /// Copies what all rings hold; returns how many.
    fn fetch_all(&self) -> Result<usize, bcc_core::events::EventError> {
        let mut poller = lock(&self.poller);
        poller.consume_into(&mut lock(&self.pending).batch, BATCH)
    }

    /// Calls back for all copied records.
    fn give(&self, py: Python<'_>) -> PyResult<Given> {
        // Taken out for the time of the callbacks: one of them may poll again.
        let mut pending = std::mem::take(&mut *lock(&self.pending));
        let result = self.give_pending(py, &mut pending);
        if pending.next < pending.batch.len() {
            *lock(&self.pending) = pending;
        } else {
            pending.batch.clear();
            pending.next = 0;
            let mut slot = lock(&self.pending);
            if slot.batch.is_empty() {
                *slot = pending;
            }
        }
        result
    }

    fn give_pending(&self, py: Python<'_>, pending: &mut Pending) -> PyResult<Given> {
        let first = pending.next;
        let mut current: Option<(SourceId, Call<'_>)> = None;
        let mut sizes = Sizes::default();
        while let Some(record) = pending.batch.get(pending.next) {
            // Else a Ctrl-C would end the next callback at its start, and its record would be lost.
            py.check_signals()?;
            pending.next += 1;
            if current.as_ref().is_none_or(|(id, _)| *id != record.source) {
                let Some(call) = self.call_of(py, record.source) else { continue };
                current = Some((record.source, call));
            }
            let Some((_, current_call)) = &current else { continue };
            let address = record.data.as_ptr().addr().into_pyobject(py)?;
            let size = sizes.of(py, record.data.len())?;
            match current_call {
                Call::Perf { call: function, lost } => {
                    let done = if record.lost > 0 {
                        lost.call1((record.lost,))
                    } else {
                        call(function, record.cpu.into_pyobject(py)?.as_any(), &address, &size)
                    };
                    done.map_err(|error| broken_pipe(py, error))?;
                }
                Call::Ring { call: function, ctx } => {
                    let answer = call(function, ctx, &address, &size)?;
                    // None, and what is no number, goes on.
                    if !answer.is_none() && answer.extract::<i64>().is_ok_and(|answer| answer < 0) {
                        return Ok(Given::Stopped);
                    }
                }
            }
        }
        Ok(Given::All(pending.next - first))
    }

    fn call_of<'py>(&self, py: Python<'py>, id: SourceId) -> Option<Call<'py>> {
        Some(match lock(&self.callbacks).get(&id)? {
            Callback::Perf { call, lost } => {
                Call::Perf { call: call.bind(py).clone(), lost: lost.bind(py).clone() }
            }
            Callback::Ring { call, ctx } => {
                Call::Ring { call: call.bind(py).clone(), ctx: ctx.bind(py).clone() }
            }
        })
    }
}

/// A [`Callback`], ready to call.
enum Call<'py> {
    Perf { call: Bound<'py, PyAny>, lost: Bound<'py, PyAny> },
    Ring { call: Bound<'py, PyAny>, ctx: Bound<'py, PyAny> },
}

/// A callback whose output has lost its reader (`tool | head`) ends the program quietly.
fn broken_pipe(py: Python<'_>, error: PyErr) -> PyErr {
    let epipe = error.is_instance_of::<PyOSError>(py)
        && error
            .value(py)
            .getattr("errno")
            .and_then(|errno| errno.extract::<i32>())
            .is_ok_and(|errno| errno == Errno::EPIPE as i32);
    if epipe { PySystemExit::new_err(PyTuple::empty(py).unbind()) } else { error }
}
