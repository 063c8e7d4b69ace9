//! Both ring readers against a producer of our own over plain memory.

use super::*;

/// Page-like memory of our own that a fake kernel writes.
struct Fake {
    words: Box<[AtomicU64]>,
}

impl Fake {
    fn new(len: usize) -> Self {
        Self { words: (0..len / 8).map(|_| AtomicU64::new(0)).collect() }
    }

    fn region(&self, offset: usize, len: usize) -> Region {
        assert!(offset + len <= self.words.len() * 8);
        let base = NonNull::from(&self.words[offset / 8]).cast();
        Region { base, len, owner: Owner::Borrowed }
    }

    fn put(&self, offset: usize, bytes: &[u8]) {
        for (i, chunk) in bytes.chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.words[offset / 8 + i].store(u64::from_ne_bytes(word), Ordering::Relaxed);
        }
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        &self.words[offset / 8]
    }
}

const PAGE: usize = 4096;

/// The kernel's side of a perf ring: refuses a record when there is no room.
struct PerfProducer<'a> {
    memory: &'a Fake,
    size: usize,
}

impl PerfProducer<'_> {
    fn push(&self, kind: u32, body: &[u8]) -> bool {
        let len = (8 + body.len()).next_multiple_of(8);
        let head = self.memory.word(PerfRing::HEAD).load(Ordering::Relaxed);
        let tail = self.memory.word(PerfRing::TAIL).load(Ordering::Acquire);
        if head as usize - tail as usize + len > self.size {
            return false;
        }
        let mut record = kind.to_ne_bytes().to_vec();
        record.extend_from_slice(&0u16.to_ne_bytes());
        record.extend_from_slice(&u16::try_from(len).unwrap().to_ne_bytes());
        record.extend_from_slice(body);
        for (i, chunk) in record.chunks(8).enumerate() {
            let at = (head as usize + i * 8) & (self.size - 1);
            self.memory.put(PAGE + at, chunk);
        }
        self.memory.word(PerfRing::HEAD).store(head + len as u64, Ordering::Release);
        true
    }

    fn sample(&self, data: &[u8]) -> bool {
        self.sample_at(0, data)
    }

    fn sample_at(&self, time: u64, data: &[u8]) -> bool {
        let size = (data.len() + 4).next_multiple_of(8) - 4;
        let mut body = time.to_ne_bytes().to_vec();
        body.extend_from_slice(&u32::try_from(size).unwrap().to_ne_bytes());
        body.extend_from_slice(data);
        body.resize(12 + size, 0);
        self.push(PerfRing::RECORD_SAMPLE, &body)
    }

    fn lost(&self, count: u64) -> bool {
        let mut body = 7u64.to_ne_bytes().to_vec();
        body.extend_from_slice(&count.to_ne_bytes());
        self.push(PerfRing::RECORD_LOST, &body)
    }
}

fn perf(memory: &Fake, size: usize) -> PerfRing {
    let region = memory.region(0, PAGE + size);
    PerfRing { region, data: PAGE, size, timed: true, scratch: Vec::new() }
}

#[test]
fn perf_records_come_in_order_and_whole_where_they_wrap() {
    let memory = Fake::new(PAGE * 2);
    let producer = PerfProducer { memory: &memory, size: PAGE };
    let mut ring = perf(&memory, PAGE);
    let mut next = 0u64;
    let mut seen = 0u64;
    // 44 bytes of data make 72-byte records, which do not divide the page.
    while next < 1000 {
        while next < 1000 && producer.sample(&[next.to_ne_bytes().as_slice(), &[7; 36]].concat()) {
            next += 1;
        }
        assert!(!ring.is_empty());
        let (_, broken) = ring.consume(|record| {
            let PerfRecord::Sample(data) = record else { panic!("no record was lost") };
            assert_eq!(data[..8], seen.to_ne_bytes());
            assert_eq!(data[8..44], [7; 36]);
            seen += 1;
            ControlFlow::<()>::Continue(())
        });
        assert!(broken.is_none());
        assert!(ring.is_empty());
    }
    assert_eq!(seen, 1000);
}

#[test]
fn perf_lost_records_are_told_and_a_break_leaves_the_rest() {
    let memory = Fake::new(PAGE * 2);
    let producer = PerfProducer { memory: &memory, size: PAGE };
    let mut ring = perf(&memory, PAGE);
    assert!(producer.sample(b"one") && producer.lost(13) && producer.push(1, &[0; 8]));
    assert!(producer.sample(b"two"));
    let (given, broken) = ring.consume(|record| match record {
        PerfRecord::Lost(count) => ControlFlow::Break(count),
        PerfRecord::Sample(_) => ControlFlow::Continue(()),
    });
    assert_eq!((given, broken), (2, Some(13)));
    assert!(!ring.is_empty());
    let mut rest = Vec::new();
    ring.consume(|record| {
        if let PerfRecord::Sample(data) = record {
            rest.push(data[..3].to_vec());
        }
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(rest, [b"two"]);
}

#[test]
fn perf_records_are_given_up_to_a_time_and_an_end() {
    let memory = Fake::new(PAGE * 2);
    let producer = PerfProducer { memory: &memory, size: PAGE };
    let mut ring = perf(&memory, PAGE);
    assert_eq!(ring.next_time(ring.head()), None);
    assert!(producer.sample_at(10, b"ten") && producer.sample_at(20, b"twenty"));
    assert!(producer.lost(1) && producer.sample_at(30, b"thirty"));
    let end = ring.head();
    assert!(producer.sample_at(31, b"behind the end"));
    assert_eq!(ring.next_time(end), Some(10));
    let take = |ring: &mut PerfRing, latest| {
        let (given, _) = ring.consume_until(end, latest, |_| ControlFlow::<()>::Continue(()));
        (given, ring.next_time(end))
    };
    assert_eq!(take(&mut ring, 9), (0, Some(10)));
    // What says no time is given with what is before it.
    assert_eq!(take(&mut ring, 20), (3, Some(30)));
    assert_eq!(take(&mut ring, u64::MAX), (1, None));
    assert_eq!(ring.next_time(ring.head()), Some(31));
}

#[test]
fn perf_records_without_a_time_are_the_bytes_alone() {
    let memory = Fake::new(PAGE * 2);
    let producer = PerfProducer { memory: &memory, size: PAGE };
    let mut ring = PerfRing { timed: false, ..perf(&memory, PAGE) };
    let body = [12u32.to_ne_bytes().as_slice(), b"twelve bytes"].concat();
    assert!(producer.push(PerfRing::RECORD_SAMPLE, &body));
    let end = ring.head();
    assert_eq!(ring.next_time(end), Some(0));
    let (_, seen) = ring.consume_until(end, 0, |record| match record {
        PerfRecord::Sample(data) => ControlFlow::Break(data.to_vec()),
        PerfRecord::Lost(_) => ControlFlow::Continue(()),
    });
    assert_eq!(seen.as_deref(), Some(b"twelve bytes".as_slice()));
}

#[test]
fn perf_record_that_contradicts_itself_ends_the_reading() {
    let memory = Fake::new(PAGE * 2);
    let mut ring = perf(&memory, PAGE);
    memory.word(PerfRing::HEAD).store(64, Ordering::Release);
    let (given, _) = ring.consume(|_| ControlFlow::<()>::Continue(()));
    assert_eq!(given, 0);
    assert!(ring.is_empty());
}

/// The kernel's side of a BPF ring buffer.
struct RingProducer<'a> {
    memory: &'a Fake,
    size: usize,
}

impl RingProducer<'_> {
    /// Consumer page, producer page, data, data again (which we write too).
    fn memory(size: usize) -> Fake {
        Fake::new(PAGE * 2 + size * 2)
    }

    fn consumer(&self) -> RingBuf {
        RingBuf {
            consumer: self.memory.region(0, PAGE),
            producer: self.memory.region(PAGE, PAGE + self.size * 2),
            data: PAGE,
            mask: self.size - 1,
        }
    }

    fn put(&self, at: usize, bytes: &[u8]) {
        for (i, chunk) in bytes.chunks(8).enumerate() {
            let offset = (at + i * 8) & (self.size - 1);
            self.memory.put(PAGE * 2 + offset, chunk);
            self.memory.put(PAGE * 2 + self.size + offset, chunk);
        }
    }

    /// Reserves and leaves the record busy; `None` when there is no room.
    fn reserve(&self, data: &[u8]) -> Option<usize> {
        let at = self.memory.word(PAGE).load(Ordering::Relaxed) as usize;
        let read = self.memory.word(0).load(Ordering::Acquire) as usize;
        let len = (data.len() + 8).next_multiple_of(8);
        if at + len - read > self.size - 1 {
            return None;
        }
        self.put(at, &u64::from(u32::try_from(data.len()).unwrap() | RingBuf::BUSY).to_ne_bytes());
        self.put(at + 8, data);
        self.memory.word(PAGE).store((at + len) as u64, Ordering::Release);
        Some(at)
    }

    fn commit(&self, at: usize, len: usize, discard: bool) {
        let bits = if discard { RingBuf::DISCARD } else { 0 };
        let word = u64::from(u32::try_from(len).unwrap() | bits);
        let offset = at & (self.size - 1);
        for copy in [PAGE * 2, PAGE * 2 + self.size] {
            self.memory.word(copy + offset).store(word, Ordering::Release);
        }
    }

    fn send(&self, data: &[u8]) -> bool {
        self.reserve(data).map(|at| self.commit(at, data.len(), false)).is_some()
    }
}

#[test]
fn ring_records_come_in_order_without_the_discarded_and_stop_at_a_busy_one() {
    let memory = RingProducer::memory(PAGE);
    let producer = RingProducer { memory: &memory, size: PAGE };
    let mut ring = producer.consumer();
    assert!(producer.send(b"first"));
    let dropped = producer.reserve(b"dropped").unwrap();
    producer.commit(dropped, 7, true);
    let busy = producer.reserve(b"busy").unwrap();
    assert!(producer.send(b"last"));
    let mut seen = Vec::new();
    let mut take = |data: &[u8]| {
        seen.push(data.to_vec());
        ControlFlow::<()>::Continue(())
    };
    assert_eq!(ring.consume(&mut take), (1, None));
    assert!(!ring.is_empty());
    producer.commit(busy, 4, false);
    assert_eq!(ring.consume(&mut take), (2, None));
    assert!(ring.is_empty());
    assert_eq!(seen, [b"first".to_vec(), b"busy".to_vec(), b"last".to_vec()]);
}

#[test]
fn ring_break_gives_the_record_back_and_keeps_the_rest() {
    let memory = RingProducer::memory(PAGE);
    let producer = RingProducer { memory: &memory, size: PAGE };
    let mut ring = producer.consumer();
    assert!(producer.send(b"a") && producer.send(b"b"));
    assert_eq!(ring.consume(|data| ControlFlow::Break(data[0])), (1, Some(b'a')));
    assert_eq!(ring.consume(|data| ControlFlow::Break(data[0])), (1, Some(b'b')));
    assert_eq!(ring.consume(|_| ControlFlow::Break(())), (0, None));
}

/// A producer on a thread of its own: every record arrives once, in order, unharmed.
#[test]
fn ring_is_exact_under_a_concurrent_producer() {
    const TOTAL: u64 = if cfg!(miri) { 200 } else { 200_000 };
    let memory = RingProducer::memory(PAGE);
    let producer = RingProducer { memory: &memory, size: PAGE };
    let mut ring = producer.consumer();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = 0u64;
            while next < TOTAL {
                let len = 8 + (next % 5) as usize * 3;
                let mut data = vec![next as u8; len];
                data[..8].copy_from_slice(&next.to_ne_bytes());
                if producer.send(&data) {
                    next += 1;
                } else {
                    std::thread::yield_now();
                }
            }
        });
        let mut seen = 0u64;
        while seen < TOTAL {
            let (given, _) = ring.consume(|data| {
                assert_eq!(data[..8], seen.to_ne_bytes());
                assert_eq!(data.len(), 8 + (seen % 5) as usize * 3);
                assert!(data[8..].iter().all(|&byte| byte == seen as u8));
                seen += 1;
                ControlFlow::<()>::Continue(())
            });
            if given == 0 {
                std::thread::yield_now();
            }
        }
    });
}
