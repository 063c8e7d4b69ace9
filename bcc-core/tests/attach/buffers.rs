//! Perf buffers and ring buffers deliver what programs send, all of it, in order.

use super::common::Alone;
use super::support::{GETPPID, call_getppid, create_map, load, of_syscall, of_this_process};
use bcc_core::events::{Batch, Event, PerfBuffer, PerfBufferOpts, Polled, Poller, RingBuffer};
use bcc_core::kernel::cpus;
use bcc_core::link::{Link, raw_tp};
use bcc_sys::bpf::insn::op;
use bcc_sys::bpf::{Insn, MapFd, MapType, ProgType};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Instant;

/// `size` bytes of the stack, the first eight of them the number in the map `sequence`, plus one.
fn numbered(sequence: &MapFd, size: i16, send: &[Insn]) -> Vec<Insn> {
    let mut code = vec![Insn::mov_reg(7, 1), Insn::store_imm(op::W, 10, -4, 0)];
    code.extend(Insn::ld_map_fd(1, sequence.as_fd().as_raw_fd()));
    code.extend([
        Insn::mov_reg(2, 10),
        Insn::add_imm(2, -4),
        Insn::call(1),
        Insn::jump_imm(0x50, 0, 0, 2),
        Insn::mov_imm(0, 0),
        Insn::exit(),
        Insn::load(op::DW, 1, 0, 0),
        Insn::add_imm(1, 1),
        Insn::store(op::DW, 0, 1, 0),
    ]);
    for slot in (1..=size / 8).rev() {
        code.push(Insn::store_imm(op::DW, 10, -8 - slot * 8, 0x77));
    }
    code.push(Insn::store(op::DW, 10, 1, -8 - size));
    code.extend_from_slice(send);
    code
}

fn sending(map: &MapFd, size: i16) -> (OwnedFd, MapFd) {
    let sequence = create_map(MapType::ARRAY, 4, 8, 1);
    let fd = map.as_fd().as_raw_fd();
    let mut send = Vec::new();
    if map.map_type() == MapType::RINGBUF {
        send.extend(Insn::ld_map_fd(1, fd));
        send.extend([
            Insn::mov_reg(2, 10),
            Insn::add_imm(2, i32::from(-8 - size)),
            Insn::mov_imm(3, i32::from(size)),
            Insn::mov_imm(4, 0),
            Insn::call(130),
        ]);
    } else {
        send.push(Insn::mov_reg(1, 7));
        send.extend(Insn::ld_map_fd(2, fd));
        // BPF_F_CURRENT_CPU
        send.extend(Insn::ld_imm64(3, 0, 0xffff_ffff));
        send.extend([
            Insn::mov_reg(4, 10),
            Insn::add_imm(4, i32::from(-8 - size)),
            Insn::mov_imm(5, i32::from(size)),
            Insn::call(25),
        ]);
    }
    send.extend([Insn::mov_imm(0, 0), Insn::exit()]);
    let code = numbered(&sequence, size, &send);
    let program = load(ProgType::RAW_TRACEPOINT, 0, &of_this_process(&of_syscall(GETPPID, &code)));
    (program, sequence)
}

fn attach(program: &OwnedFd) -> Link {
    raw_tp::attach(program.as_fd(), "sys_enter").unwrap()
}

fn perf_array() -> MapFd {
    let entries = cpus::possible().unwrap().len();
    create_map(MapType::PERF_EVENT_ARRAY, 4, 4, u32::try_from(entries).unwrap())
}

fn number(data: &[u8]) -> u64 {
    u64::from_ne_bytes(data[..8].try_into().unwrap())
}

fn never(_: Event<'_>) -> ControlFlow<()> {
    panic!("nothing was sent")
}

#[test]
fn perf_buffer_delivers_each_event_once() {
    let Some(_alone) = Alone::as_root() else { return };
    let map = perf_array();
    let (program, _sequence) = sending(&map, 24);
    let mut poller = Poller::new().unwrap();
    let buffer = PerfBuffer::open(map.as_fd(), PerfBufferOpts::default()).unwrap();
    let id = poller.add_perf(buffer).unwrap();
    assert_eq!(poller.poll(0, never).unwrap(), Polled::Events(0));
    let link = attach(&program);
    call_getppid(307);
    let mut seen = Vec::new();
    while seen.len() < 307 {
        let polled = poller.poll(-1, |event| {
            let Event::Sample { source, data, .. } = event else { panic!("{event:?}") };
            assert_eq!(source, id);
            // The kernel rounds 4 + 24 bytes up to 32.
            assert_eq!(data.len(), 28);
            assert_eq!(data[8..24], [0x77, 0, 0, 0, 0, 0, 0, 0].repeat(2));
            seen.push(number(data));
            ControlFlow::<()>::Continue(())
        });
        assert!(!matches!(polled.unwrap(), Polled::Broken(())));
    }
    drop(link);
    assert_eq!(poller.poll(0, never).unwrap(), Polled::Events(0));
    // CPUs are read one after the other, so only the set is certain.
    seen.sort_unstable();
    assert_eq!(seen, (1..=307).collect::<Vec<_>>());
}

#[test]
fn perf_buffer_that_is_full_tells_how_much_it_lost() {
    let Some(_alone) = Alone::as_root() else { return };
    let map = perf_array();
    let (program, sequence) = sending(&map, 64);
    let opts = PerfBufferOpts { page_count: 1, wakeup_events: 1 };
    let mut poller = Poller::new().unwrap();
    poller.add_perf(PerfBuffer::open(map.as_fd(), opts).unwrap()).unwrap();
    let link = attach(&program);
    let (mut samples, mut lost) = (0u64, 0u64);
    // A loss is told in front of the ring's next event, so each CPU must send again after it.
    call_getppid(1009);
    let mut rounds = 0;
    loop {
        poller
            .poll(0, |event| {
                match event {
                    Event::Sample { .. } => samples += 1,
                    Event::Lost { count, .. } => lost += count,
                }
                ControlFlow::<()>::Continue(())
            })
            .unwrap();
        let mut sent = [0; 8];
        assert!(sequence.lookup(&[0; 4], &mut sent, 0).unwrap());
        if samples + lost == u64::from_ne_bytes(sent) && rounds > 0 {
            break;
        }
        rounds += 1;
        assert!(rounds < 1000, "{samples} + {lost} of {}", u64::from_ne_bytes(sent));
        call_getppid(1);
        std::thread::yield_now();
    }
    assert!(lost > 900, "{lost}");
    drop(link);
}

fn ring_map(size: u32) -> MapFd {
    create_map(MapType::RINGBUF, 0, 0, size)
}

#[test]
fn ring_buffer_delivers_each_event_once_and_in_order() {
    let Some(_alone) = Alone::as_root() else { return };
    let map = ring_map(1 << 16);
    let (program, _sequence) = sending(&map, 24);
    let mut poller = Poller::new().unwrap();
    let id = poller.add_ring(RingBuffer::open(map.as_fd()).unwrap()).unwrap();
    let link = attach(&program);
    let mut expected = 0;
    for _ in 0..20 {
        call_getppid(401);
        let end = expected + 401;
        while expected < end {
            poller
                .poll(-1, |event| {
                    let Event::Sample { source, cpu, data } = event else { panic!("{event:?}") };
                    assert_eq!((source, cpu, data.len()), (id, 0, 24));
                    expected += 1;
                    assert_eq!(number(data), expected);
                    ControlFlow::<()>::Continue(())
                })
                .unwrap();
        }
    }
    drop(link);
    poller.remove(id).unwrap();
}

#[test]
fn break_keeps_the_rest_and_batches_take_it() {
    let Some(_alone) = Alone::as_root() else { return };
    let (perf, ring) = (perf_array(), ring_map(1 << 16));
    let (to_perf, _s1) = sending(&perf, 16);
    let (to_ring, _s2) = sending(&ring, 16);
    let mut poller = Poller::new().unwrap();
    let buffer = PerfBuffer::open(perf.as_fd(), PerfBufferOpts::default()).unwrap();
    let perf_id = poller.add_perf(buffer).unwrap();
    let ring_id = poller.add_ring(RingBuffer::open(ring.as_fd()).unwrap()).unwrap();
    let links = [attach(&to_perf), attach(&to_ring)];
    call_getppid(29);
    drop(links);
    let mut taken = Vec::new();
    let polled = poller.poll(-1, |event| {
        let Event::Sample { source, data, .. } = event else { panic!("{event:?}") };
        taken.push((source, number(data)));
        ControlFlow::Break("stop")
    });
    assert_eq!(polled.unwrap(), Polled::Broken("stop"));
    let mut batch = Batch::default();
    while taken.len() < 58 {
        batch.clear();
        poller.wait(-1).unwrap();
        let count = poller.drain_into(&mut batch, 7);
        assert!((1..=7).contains(&count));
        assert_eq!(batch.len(), count);
        for record in batch.iter() {
            assert_eq!((record.lost, record.data.as_ptr().addr() % 8), (0, 0));
            taken.push((record.source, number(record.data)));
        }
    }
    taken.sort_unstable();
    let all = [perf_id, ring_id].into_iter().flat_map(|id| (1..=29).map(move |n| (id, n)));
    assert_eq!(taken, all.collect::<Vec<_>>());
    assert_eq!(poller.poll(0, never).unwrap(), Polled::Events(0));
}

/// With `--nocapture` it prints the time per event from Rust.
#[test]
fn bursts_of_fifty_thousand_arrive_whole() {
    let Some(_alone) = Alone::as_root() else { return };
    for (name, map) in [("perf", perf_array()), ("ring", ring_map(1 << 22))] {
        let (program, _sequence) = sending(&map, 24);
        let mut poller = Poller::new().unwrap();
        if name == "perf" {
            let opts = PerfBufferOpts { page_count: 1024, ..PerfBufferOpts::default() };
            poller.add_perf(PerfBuffer::open(map.as_fd(), opts).unwrap()).unwrap();
        } else {
            poller.add_ring(RingBuffer::open(map.as_fd()).unwrap()).unwrap();
        }
        let link = attach(&program);
        let (mut events, mut sum) = (0u32, 0u64);
        let mut spent = std::time::Duration::ZERO;
        for _ in 0..3 {
            call_getppid(50_000);
            let start = Instant::now();
            poller
                .poll(-1, |event| {
                    if let Event::Sample { data, .. } = event {
                        events += 1;
                        sum = sum.wrapping_add(number(data));
                    }
                    ControlFlow::<()>::Continue(())
                })
                .unwrap();
            spent += start.elapsed();
        }
        drop(link);
        assert_eq!(events, 150_000, "{name}");
        println!("{name}: {events} events, {:?} each (sum {sum})", spent / events.max(1));
    }
}
