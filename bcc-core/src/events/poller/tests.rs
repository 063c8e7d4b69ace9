//! Pollers without a kernel program: what needs no events.

use super::*;
use crate::events::PerfBufferOpts;
use bcc_sys::bpf::call::{MapCreate, map_create};
use bcc_sys::bpf::{MapFd, MapType};

fn perf_array() -> Option<MapFd> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    let entries = cpus::possible().unwrap().len();
    let spec = MapCreate {
        map_type: MapType::PERF_EVENT_ARRAY.0,
        key_size: 4,
        value_size: 4,
        max_entries: u32::try_from(entries).unwrap(),
        ..MapCreate::default()
    };
    Some(MapFd::new(map_create(&spec).unwrap()).unwrap())
}

fn nothing(_: Event<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn empty_poller_times_out() {
    let mut poller = Poller::new().unwrap();
    assert!(poller.is_empty());
    assert_eq!(poller.poll(0, nothing).unwrap(), Polled::Events(0));
    assert_eq!(poller.consume(nothing).unwrap(), Polled::Events(0));
}

#[test]
fn readers_follow_the_cpus_that_run() {
    let Some(map) = perf_array() else { return };
    let online = cpus::online().unwrap();
    let first = &online[..1];
    let buffer = PerfBuffer::open_on(map.as_fd(), PerfBufferOpts::default(), first).unwrap();
    let mut poller = Poller::new().unwrap();
    let id = poller.add_perf(buffer).unwrap();
    let cpus_of = |poller: &Poller| match &poller.sources[&id] {
        Source::Perf(buffer) => buffer.cpus(),
        Source::Ring(_) => panic!("a perf buffer was added"),
    };
    poller.use_cpus(&online);
    assert_eq!(cpus_of(&poller), online);
    poller.use_cpus(&online[1..]);
    assert_eq!(cpus_of(&poller), online[1..]);
    assert_eq!(poller.leftovers.len(), 1);
    // Its ring is drained once and then closed.
    assert_eq!(poller.poll(0, nothing).unwrap(), Polled::Events(0));
    assert!(poller.leftovers.is_empty());
    poller.remove(id).unwrap();
    assert!(poller.is_empty());
}

#[test]
fn a_ring_that_the_kernel_stopped_to_fill_is_drained_and_made_anew() {
    let Some(map) = perf_array() else { return };
    let online = cpus::online().unwrap();
    let buffer = PerfBuffer::open(map.as_fd(), PerfBufferOpts::default()).unwrap();
    let mut poller = Poller::new().unwrap();
    let id = poller.add_perf(buffer).unwrap();
    poller.use_cpus(&online);
    poller.use_cpus(&online);
    assert!(poller.leftovers.is_empty(), "events that run are kept");
    let Some(Source::Perf(buffer)) = poller.sources.get(&id) else { panic!("it was added") };
    bcc_sys::perf::disable(buffer.readers[0].event.as_fd()).unwrap();
    poller.use_cpus(&online);
    poller.use_cpus(&online);
    let stopped: Vec<u32> = poller.leftovers.iter().map(|(_, reader)| reader.cpu).collect();
    assert_eq!(stopped, online[..1]);
    let Some(Source::Perf(buffer)) = poller.sources.get(&id) else { panic!("it was added") };
    assert_eq!(buffer.cpus().len(), online.len());
    poller.use_cpus(&online);
    poller.use_cpus(&online);
    assert_eq!(poller.leftovers.len(), 1, "the new event runs");
}

#[test]
fn wrong_maps_and_page_counts_are_refused() {
    let Some(map) = perf_array() else { return };
    let opts = PerfBufferOpts { page_count: 3, ..PerfBufferOpts::default() };
    let refused = PerfBuffer::open(map.as_fd(), opts);
    assert!(matches!(refused, Err(EventError::PageCount(3))));
    let refused = RingBuffer::open(map.as_fd());
    assert!(matches!(refused, Err(EventError::MapType { found: MapType::PERF_EVENT_ARRAY, .. })));
}
