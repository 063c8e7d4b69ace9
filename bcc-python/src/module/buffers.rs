//! The event buffers and counters that are open for the tables of one module.

use super::lock;
use crate::error::{EventError, attach_failed};
use crate::events::Readers;
use crate::map::Map;
use bcc_core::events::{PerfBuffer, PerfBufferOpts, RingBuffer, SourceId};
use bcc_core::link::perf_event;
use pyo3::prelude::*;
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex};

/// All perf buffers are polled together, and all ring buffers.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    perf: Mutex<Option<Arc<Readers>>>,
    rings: Mutex<Option<Arc<Readers>>>,
    /// Perf buffers by map.
    sources: Mutex<HashMap<usize, SourceId>>,
    /// Counters opened for a perf event array, by map and CPU.
    counters: Mutex<HashMap<(usize, i32), OwnedFd>>,
}

fn event_error(error: &bcc_core::events::EventError) -> PyErr {
    EventError::new_err(error.to_string())
}

fn readers(slot: &Mutex<Option<Arc<Readers>>>) -> PyResult<Arc<Readers>> {
    let mut slot = lock(slot);
    if let Some(readers) = &*slot {
        return Ok(Arc::clone(readers));
    }
    let readers = Arc::new(Readers::new()?);
    *slot = Some(Arc::clone(&readers));
    Ok(readers)
}

fn opened(slot: &Mutex<Option<Arc<Readers>>>, what: &str) -> PyResult<Arc<Readers>> {
    let readers = lock(slot).clone().filter(|readers| !readers.is_empty());
    readers.ok_or_else(|| EventError::new_err(format!("No {what} buffers to poll")))
}

impl Buffers {
    pub(super) fn open_perf(
        &self,
        py: Python<'_>,
        map: &Map,
        opts: PerfBufferOpts,
        callback: Py<PyAny>,
        lost: Py<PyAny>,
    ) -> PyResult<()> {
        let readers = self.perf()?;
        // An earlier one goes first: at its end it takes its rings out of the map.
        let old = lock(&self.sources).remove(&map.id);
        old.map_or(Ok(()), |old| readers.remove(py, old))?;
        let fd = map.core.as_fd();
        let buffer = py.detach(|| PerfBuffer::open(fd, opts)).map_err(|e| event_error(&e))?;
        let source = readers.add_perf(py, buffer, callback, lost)?;
        lock(&self.sources).insert(map.id, source);
        Ok(())
    }

    pub(super) fn perf(&self) -> PyResult<Arc<Readers>> {
        readers(&self.perf)
    }

    /// The perf buffers, if there is any.
    pub(super) fn opened_perf(&self) -> PyResult<Arc<Readers>> {
        opened(&self.perf, "perf")
    }

    /// Also what is counted.
    pub(super) fn close_perf(&self) {
        let readers = lock(&self.perf).take();
        drop(readers);
        lock(&self.sources).clear();
        lock(&self.counters).clear();
    }

    pub(super) fn open_counters(
        &self,
        map: &Map,
        kind: u32,
        config: u64,
        pid: i32,
    ) -> PyResult<Vec<(i32, RawFd)>> {
        let opened = perf_event::count(&map.core, kind, config, (pid >= 0).then_some(pid))
            .map_err(|e| attach_failed("Failed to open perf event", &e))?;
        let fds = opened.iter().map(|(cpu, event)| (*cpu, event.as_raw_fd())).collect();
        let keyed = opened.into_iter().map(|(cpu, event)| ((map.id, cpu), event));
        lock(&self.counters).extend(keyed);
        Ok(fds)
    }

    pub(super) fn close_counter(&self, map: usize, cpu: i32) {
        lock(&self.counters).remove(&(map, cpu));
    }

    pub(super) fn open_ring(
        &self,
        py: Python<'_>,
        map: &Map,
        callback: Py<PyAny>,
        ctx: Py<PyAny>,
    ) -> PyResult<()> {
        let buffer = RingBuffer::open(map.core.as_fd()).map_err(|e| event_error(&e))?;
        readers(&self.rings)?.add_ring(py, buffer, callback, ctx).map(drop)
    }

    /// The ring buffers, if there is any.
    pub(super) fn opened_rings(&self) -> PyResult<Arc<Readers>> {
        opened(&self.rings, "ring")
    }

    pub(super) fn close_rings(&self) {
        let readers = lock(&self.rings).take();
        drop(readers);
    }
}
