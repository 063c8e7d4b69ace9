//! C functions that read perf and ring buffers, for scripts that poll by themselves.

use super::{failed, fd_of};
use bcc_core::events::{Event, Polled, Poller, RingBuffer, SourceId};
use bcc_sys::SysError;
use bcc_sys::mmap::{PerfRecord, PerfRing};
use bcc_sys::perf::{self, PerfEventAttr};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

type RawCall = extern "C" fn(*mut c_void, *mut c_void, c_int);
type LostCall = extern "C" fn(*mut c_void, u64);
type RingCall = extern "C" fn(*mut c_void, *mut c_void, usize) -> c_int;

/// One CPU's ring of a perf buffer.
#[derive(Debug)]
pub(crate) struct PerfReader {
    raw: Option<RawCall>,
    lost: Option<LostCall>,
    cookie: *mut c_void,
    pages: c_int,
    /// Events of one CPU, once there is a descriptor, and what of them is mapped.
    event: Option<OwnedFd>,
    ring: Option<PerfRing>,
}

/// `struct bcc_perf_buffer_opts`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct PerfBufferOpts {
    pid: c_int,
    cpu: c_int,
    wakeup_events: c_int,
}

fn map(event: &OwnedFd, pages: c_int) -> Result<PerfRing, SysError> {
    let pages = usize::try_from(pages)
        .map_err(|_negative| SysError { call: "mmap", errno: Errno::EINVAL })?;
    // Callers may have opened the event themselves, and as these functions do: without a time.
    PerfRing::map(event.as_fd(), pages, perf::SAMPLE_RAW)
}

fn open(pages: c_int, opts: &PerfBufferOpts) -> Result<(OwnedFd, PerfRing), SysError> {
    let mut attr = PerfEventAttr::new(perf::TYPE_SOFTWARE, perf::SW_BPF_OUTPUT);
    attr.sample_type = perf::SAMPLE_RAW;
    attr.sample = 1;
    attr.wakeup = opts.wakeup_events.max(1).cast_unsigned();
    let event = perf::open(&attr, opts.pid, opts.cpu, -1)?;
    let ring = map(&event, pages)?;
    perf::enable(event.as_fd())?;
    Ok((event, ring))
}

/// A reader of the perf events that programs put out on a CPU; its descriptor goes into the map.
///
/// # Safety
/// `opts` is null or points to such a struct; `cookie` is what the functions want it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_open_perf_buffer_opts(
    raw: Option<RawCall>,
    lost: Option<LostCall>,
    cookie: *mut c_void,
    pages: c_int,
    opts: *const PerfBufferOpts,
) -> *mut PerfReader {
    // SAFETY: as this function's.
    let opened = unsafe { opts.as_ref() }
        .ok_or(SysError { call: "perf_event_open", errno: Errno::EFAULT })
        .and_then(|opts| open(pages, opts));
    match opened {
        Ok((event, ring)) => {
            let (event, ring) = (Some(event), Some(ring));
            Box::into_raw(Box::new(PerfReader { raw, lost, cookie, pages, event, ring }))
        }
        Err(error) => {
            failed(error.errno);
            std::ptr::null_mut()
        }
    }
}

/// As [`bpf_open_perf_buffer_opts`], woken by each event.
///
/// # Safety
/// `cookie` is what the functions want it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_open_perf_buffer(
    raw: Option<RawCall>,
    lost: Option<LostCall>,
    cookie: *mut c_void,
    pid: c_int,
    cpu: c_int,
    pages: c_int,
) -> *mut PerfReader {
    let opts = PerfBufferOpts { pid, cpu, wakeup_events: 1 };
    // SAFETY: the options live during the call; the rest as this function's.
    unsafe { bpf_open_perf_buffer_opts(raw, lost, cookie, pages, &raw const opts) }
}

/// A reader that is yet without events; it gets them by [`perf_reader_set_fd`] and [`perf_reader_mmap`].
///
/// # Safety
/// `cookie` is what the functions want it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn perf_reader_new(
    raw: Option<RawCall>,
    lost: Option<LostCall>,
    cookie: *mut c_void,
    pages: c_int,
) -> *mut PerfReader {
    let (event, ring) = (None, None);
    Box::into_raw(Box::new(PerfReader { raw, lost, cookie, pages, event, ring }))
}

/// Gives a reader the descriptor of a perf event, which is the reader's from then on.
///
/// # Safety
/// `reader` is null or of [`perf_reader_new`]; `fd` is open, and nobody else closes it.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn perf_reader_set_fd(reader: *mut PerfReader, fd: c_int) {
    // SAFETY: as this function's.
    if let (Some(reader), 0..) = (unsafe { reader.as_mut() }, fd) {
        reader.ring = None;
        // SAFETY: not negative, and the caller gives it up.
        reader.event = Some(unsafe { OwnedFd::from_raw_fd(fd) });
    }
}

/// Maps the ring of a reader's perf event.
///
/// # Safety
/// `reader` is null or of [`perf_reader_new`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn perf_reader_mmap(reader: *mut PerfReader) -> c_int {
    // SAFETY: as this function's.
    let Some(reader) = (unsafe { reader.as_mut() }) else { return failed(Errno::EFAULT) };
    let Some(event) = &reader.event else { return failed(Errno::EBADF) };
    match map(event, reader.pages) {
        Ok(ring) => {
            reader.ring = Some(ring);
            0
        }
        Err(error) => failed(error.errno),
    }
}

/// The descriptor of a reader, which stays the reader's; -1 for none.
///
/// # Safety
/// `reader` is null or of [`bpf_open_perf_buffer`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn perf_reader_fd(reader: *const PerfReader) -> c_int {
    // SAFETY: as this function's.
    let reader = unsafe { reader.as_ref() };
    reader.and_then(|reader| reader.event.as_ref()).map_or(-1, AsRawFd::as_raw_fd)
}

/// # Safety
/// `reader` is null or of [`bpf_open_perf_buffer`], and not used again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn perf_reader_free(reader: *mut PerfReader) {
    if !reader.is_null() {
        // SAFETY: it came from a box, and the caller gives it up.
        drop(unsafe { Box::from_raw(reader) });
    }
}

/// Calls back for all that waits in a ring.
///
/// # Safety
/// `reader` is null or of [`bpf_open_perf_buffer`], and only this thread uses it; its functions do not.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn perf_reader_event_read(reader: *mut PerfReader) {
    // SAFETY: as this function's.
    let Some(reader) = (unsafe { reader.as_mut() }) else { return };
    let (raw, lost, cookie) = (reader.raw, reader.lost, reader.cookie);
    let Some(ring) = &mut reader.ring else { return };
    let _all = ring.consume(|record| -> ControlFlow<()> {
        match record {
            PerfRecord::Sample(data) => {
                let size = c_int::try_from(data.len()).unwrap_or(c_int::MAX);
                if let Some(raw) = raw {
                    raw(cookie, data.as_ptr().cast_mut().cast(), size);
                }
            }
            PerfRecord::Lost(count) => {
                if let Some(lost) = lost {
                    lost(cookie, count);
                }
            }
        }
        ControlFlow::Continue(())
    });
}

/// Calls back for all that waits in the rings.
///
/// # Safety
/// `readers` is null or points to `count` of them, each as for [`perf_reader_event_read`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn perf_reader_consume(
    count: c_int,
    readers: *mut *mut PerfReader,
) -> c_int {
    // SAFETY: as this function's.
    for reader in unsafe { all(count, readers) } {
        // SAFETY: as this function's.
        unsafe { perf_reader_event_read(*reader) };
    }
    0
}

/// # Safety
/// `readers` is null or points to `count` of them.
unsafe fn all<'a>(count: c_int, readers: *mut *mut PerfReader) -> &'a [*mut PerfReader] {
    match usize::try_from(count) {
        // SAFETY: not null, and the caller promises that many.
        Ok(count) if !readers.is_null() => unsafe { std::slice::from_raw_parts(readers, count) },
        _ => &[],
    }
}

fn timeout_of(ms: c_int) -> PollTimeout {
    PollTimeout::try_from(ms).unwrap_or(PollTimeout::NONE)
}

/// Waits for events in the rings and calls back for those that have some.
///
/// # Safety
/// As [`perf_reader_consume`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn perf_reader_poll(
    count: c_int,
    readers: *mut *mut PerfReader,
    timeout: c_int,
) -> c_int {
    // SAFETY: as this function's.
    let readers = unsafe { all(count, readers) };
    let (ready, waited) = {
        let mut fds = Vec::with_capacity(readers.len());
        for reader in readers {
            // SAFETY: as this function's.
            let event = unsafe { reader.as_ref() }.and_then(|reader| reader.event.as_ref());
            let Some(event) = event else { return failed(Errno::EBADF) };
            fds.push(PollFd::new(event.as_fd(), PollFlags::POLLIN));
        }
        let waited = nix::poll::poll(&mut fds, timeout_of(timeout));
        let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        (ready, waited)
    };
    let ready_count = match waited {
        Ok(count) => count,
        Err(errno) => return failed(errno),
    };
    for (reader, _) in readers.iter().zip(ready).filter(|(_, ready)| *ready) {
        // SAFETY: as this function's; nothing borrows the reader any more.
        unsafe { perf_reader_event_read(*reader) };
    }
    ready_count
}

/// Ring buffers that are polled together.
#[derive(Debug)]
pub(crate) struct Rings {
    poller: Poller,
    calls: HashMap<SourceId, (RingCall, *mut c_void)>,
}

impl Rings {
    fn add(&mut self, map: c_int, call: Option<RingCall>, ctx: *mut c_void) -> Result<(), Errno> {
        let call = call.ok_or(Errno::EFAULT)?;
        let ring = RingBuffer::open(fd_of(map).map_err(|e| e.errno)?).map_err(|error| {
            log::debug!("{error}");
            Errno::EINVAL
        })?;
        let id = self.poller.add_ring(ring).map_err(|_error| Errno::ENOMEM)?;
        self.calls.insert(id, (call, ctx));
        Ok(())
    }

    /// Calls back for what there is; how many, or the negative number that a function answered: what comes
    /// after that record waits for the next call.
    fn give(&mut self) -> Result<c_int, Errno> {
        let Self { poller, calls } = self;
        let mut given = 0;
        let polled = poller.consume(|event| {
            let Event::Sample { source, data, .. } = event else {
                return ControlFlow::Continue(());
            };
            let Some((call, ctx)) = calls.get(&source) else { return ControlFlow::Continue(()) };
            given += 1;
            match call(*ctx, data.as_ptr().cast_mut().cast(), data.len()) {
                refused @ ..0 => ControlFlow::Break(refused),
                _ => ControlFlow::Continue(()),
            }
        });
        match polled {
            Ok(Polled::Broken(refused)) => Ok(refused),
            Ok(_) => Ok(given),
            Err(error) => {
                log::debug!("{error}");
                Err(Errno::EIO)
            }
        }
    }
}

/// A reader of a ring buffer.
///
/// # Safety
/// `ctx` is what the function wants it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_new_ringbuf(
    map: c_int,
    call: Option<RingCall>,
    ctx: *mut c_void,
) -> *mut Rings {
    let made = Poller::new().map_err(|_error| Errno::ENOMEM).and_then(|poller| {
        let mut rings = Rings { poller, calls: HashMap::new() };
        rings.add(map, call, ctx).map(|()| rings)
    });
    match made {
        Ok(rings) => Box::into_raw(Box::new(rings)),
        Err(errno) => {
            failed(errno);
            std::ptr::null_mut()
        }
    }
}

/// One more ring buffer.
///
/// # Safety
/// `rings` is null or of [`bpf_new_ringbuf`]; `ctx` is what the function wants it to be.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_add_ringbuf(
    rings: *mut Rings,
    map: c_int,
    call: Option<RingCall>,
    ctx: *mut c_void,
) -> c_int {
    // SAFETY: as this function's.
    match unsafe { rings.as_mut() }.ok_or(Errno::EFAULT).and_then(|r| r.add(map, call, ctx)) {
        Ok(()) => 0,
        Err(errno) => failed(errno),
    }
}

/// Waits for events and calls back; how many, or a negative number that a function answered.
///
/// # Safety
/// `rings` is null or of [`bpf_new_ringbuf`], used by this thread only, and not by its functions.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_poll_ringbuf(rings: *mut Rings, timeout: c_int) -> c_int {
    // SAFETY: as this function's.
    let Some(rings) = (unsafe { rings.as_mut() }) else { return failed(Errno::EFAULT) };
    let waited = {
        let mut fds = [PollFd::new(rings.poller.as_fd(), PollFlags::POLLIN)];
        nix::poll::poll(&mut fds, timeout_of(timeout))
    };
    waited.and_then(|_count| rings.give()).unwrap_or_else(|errno| -(errno as c_int))
}

/// Calls back for what there is, without waiting.
///
/// # Safety
/// As [`bpf_poll_ringbuf`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_consume_ringbuf(rings: *mut Rings) -> c_int {
    // SAFETY: as this function's.
    let Some(rings) = (unsafe { rings.as_mut() }) else { return failed(Errno::EFAULT) };
    rings.give().unwrap_or_else(|errno| -(errno as c_int))
}

/// # Safety
/// `rings` is null or of [`bpf_new_ringbuf`], and not used again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_free_ringbuf(rings: *mut Rings) {
    if !rings.is_null() {
        // SAFETY: it came from a box, and the caller gives it up.
        drop(unsafe { Box::from_raw(rings) });
    }
}
