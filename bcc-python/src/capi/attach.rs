//! C functions that attach programs. Each gives a descriptor that holds the attachment, or -1 with `errno`.

use super::{c_text, failed, fd_of, owned, status};
use bcc_core::link::{AttachError, Link, kprobe, raw_tp, tracepoint, tracing, uprobe, xdp};
use bcc_core::usdt::with_semaphore;
use bcc_sys::SysError;
use bcc_sys::perf::{self, PerfEventAttr};
use nix::errno::Errno;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_uint};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::{LazyLock, Mutex, PoisonError};

/// `BPF_PROBE_RETURN`.
const ON_RETURN: c_uint = 1;

/// Attachments that no descriptor holds, by the event's name.
static NAMED: LazyLock<Mutex<HashMap<String, Link>>> = LazyLock::new(Mutex::default);

fn errno_of(error: &AttachError) -> Errno {
    error.errno().unwrap_or(Errno::EINVAL)
}

/// Hands a link's descriptor to the caller; what has none stays until `event` is detached.
fn handed_over(event: &str, attached: Result<Link, AttachError>) -> c_int {
    let link = match attached {
        Ok(link) => link,
        Err(error) => {
            log::debug!("{error}");
            return failed(errno_of(&error));
        }
    };
    match link.into_fd() {
        Ok(fd) => fd.into_raw_fd(),
        Err(link) => {
            let copy = link.fds().first().and_then(|fd| fd.try_clone_to_owned().ok());
            let Some(copy) = copy else { return failed(Errno::EMFILE) };
            NAMED.lock().unwrap_or_else(PoisonError::into_inner).insert(event.to_owned(), link);
            copy.into_raw_fd()
        }
    }
}

/// Ends what is known by the event's name; nothing is when a descriptor held it.
fn detach_named(event: Result<String, SysError>) -> c_int {
    let Ok(event) = event else { return failed(Errno::EFAULT) };
    let link = NAMED.lock().unwrap_or_else(PoisonError::into_inner).remove(&event);
    match link.map(Link::detach) {
        Some(Err(error)) => failed(errno_of(&error)),
        _ => 0,
    }
}

/// A kernel function's entry (0) or return (1).
///
/// # Safety
/// The texts are null or C strings.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_attach_kprobe(
    program: c_int,
    kind: c_uint,
    event: *const c_char,
    function: *const c_char,
    offset: u64,
    maxactive: c_int,
) -> c_int {
    // SAFETY: as this function's.
    let texts = unsafe { c_text(event) }.and_then(|event| {
        // SAFETY: as this function's.
        Ok((event, unsafe { c_text(function) }?))
    });
    let (event, function, program) =
        match texts.and_then(|(event, function)| Ok((event, function, fd_of(program)?))) {
            Ok(all) => all,
            Err(error) => return failed(error.errno),
        };
    let on_return = kind == ON_RETURN;
    let maxactive = maxactive.max(0).cast_unsigned();
    let opts = kprobe::KprobeOpts { function, offset, on_return, maxactive, cookie: 0 };
    handed_over(&event, kprobe::attach(program, &opts))
}

/// Ends what [`bpf_attach_kprobe`] attached under this name, unless closing its descriptor does.
///
/// # Safety
/// `event` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_detach_kprobe(event: *const c_char) -> c_int {
    // SAFETY: as this function's.
    detach_named(unsafe { c_text(event) })
}

/// A place in a user program (0), or its function's return (1).
///
/// # Safety
/// The texts are null or C strings.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_attach_uprobe(
    program: c_int,
    kind: c_uint,
    event: *const c_char,
    path: *const c_char,
    offset: u64,
    pid: c_int,
    ref_ctr_offset: u32,
) -> c_int {
    // SAFETY: as this function's.
    let texts = unsafe { c_text(event) }.and_then(|event| {
        // SAFETY: as this function's.
        Ok((event, unsafe { c_text(path) }?))
    });
    let (event, path, program) =
        match texts.and_then(|(event, path)| Ok((event, path, fd_of(program)?))) {
            Ok(all) => all,
            Err(error) => return failed(error.errno),
        };
    let opts = uprobe::UprobeOpts {
        path: path.into(),
        offset,
        on_return: kind == ON_RETURN,
        pid: (pid >= 0).then_some(pid),
        ref_ctr_offset,
        cookie: 0,
    };
    handed_over(&event, uprobe::attach(program, &with_semaphore(opts)))
}

/// Ends what [`bpf_attach_uprobe`] attached under this name, unless closing its descriptor does.
///
/// # Safety
/// `event` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_detach_uprobe(event: *const c_char) -> c_int {
    // SAFETY: as this function's.
    detach_named(unsafe { c_text(event) })
}

/// A tracepoint.
///
/// # Safety
/// The texts are null or C strings.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_attach_tracepoint(
    program: c_int,
    category: *const c_char,
    name: *const c_char,
) -> c_int {
    // SAFETY: as this function's.
    let texts = unsafe { c_text(category) }.and_then(|category| {
        // SAFETY: as this function's.
        Ok((category, unsafe { c_text(name) }?))
    });
    match texts.and_then(|(category, name)| Ok((category, name, fd_of(program)?))) {
        Ok((category, name, program)) => {
            let event = format!("{category}:{name}");
            handed_over(&event, tracepoint::attach(program, &category, &name))
        }
        Err(error) => failed(error.errno),
    }
}

/// Nothing is left to do: the descriptor held it.
///
/// # Safety
/// None: the texts are not read.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_detach_tracepoint(
    _category: *const c_char,
    _name: *const c_char,
) -> c_int {
    0
}

/// A raw tracepoint.
///
/// # Safety
/// `name` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_attach_raw_tracepoint(
    program: c_int,
    name: *const c_char,
) -> c_int {
    // SAFETY: as this function's.
    match unsafe { c_text(name) }.and_then(|name| Ok((name, fd_of(program)?))) {
        Ok((name, program)) => handed_over(&name, raw_tp::attach(program, &name)),
        Err(error) => failed(error.errno),
    }
}

fn attach_tracing(program: c_int) -> c_int {
    match fd_of(program) {
        Ok(program) => handed_over("", tracing::attach(program, "")),
        Err(error) => failed(error.errno),
    }
}

/// What a fentry, fexit or `fmod_ret` program was loaded for.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_attach_kfunc(program: c_int) -> c_int {
    attach_tracing(program)
}

/// What an LSM program was loaded for.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_attach_lsm(program: c_int) -> c_int {
    attach_tracing(program)
}

/// An XDP program on a device, or none (-1).
///
/// # Safety
/// `device` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_attach_xdp(
    device: *const c_char,
    program: c_int,
    flags: u32,
) -> c_int {
    // SAFETY: as this function's.
    let device = match unsafe { c_text(device) } {
        Ok(device) => device,
        Err(error) => return failed(error.errno),
    };
    let done = if program < 0 {
        xdp::remove(&device, flags)
    } else {
        match fd_of(program) {
            // It outlives the link on purpose.
            Ok(program) => xdp::attach(program, &device, flags).map(drop),
            Err(error) => return failed(error.errno),
        }
    };
    done.map_or_else(|error| failed(errno_of(&error)), |()| 0)
}

fn attach_event(program: c_int, attr: &PerfEventAttr, at: (c_int, c_int, c_int)) -> c_int {
    let (pid, cpu, group) = at;
    owned(fd_of(program).and_then(|program| {
        let event = perf::open(attr, pid, cpu, group)?;
        perf::set_bpf(event.as_fd(), program)?;
        perf::enable(event.as_fd())?;
        Ok(event)
    }))
}

/// Samples of a perf event on one CPU.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_attach_perf_event(
    program: c_int,
    kind: u32,
    config: u32,
    period: u64,
    frequency: u64,
    pid: c_int,
    cpu: c_int,
    group: c_int,
) -> c_int {
    if (period == 0) == (frequency == 0) {
        return failed(Errno::EINVAL);
    }
    let mut attr = PerfEventAttr::new(kind, u64::from(config));
    attr.sample = period.max(frequency);
    attr.flags |= if frequency > 0 { perf::ATTR_FREQ } else { 0 };
    attach_event(program, &attr, (pid, cpu, group))
}

/// Samples of the perf event that `attr` describes.
///
/// # Safety
/// `attr` is null or points to a whole `perf_event_attr`.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_attach_perf_event_raw(
    program: c_int,
    attr: *const PerfEventAttr,
    pid: c_int,
    cpu: c_int,
    group: c_int,
    _extra_flags: std::ffi::c_ulong,
) -> c_int {
    // SAFETY: as this function's.
    match unsafe { attr.as_ref() } {
        Some(attr) => attach_event(program, attr, (pid, cpu, group)),
        None => failed(Errno::EFAULT),
    }
}

/// A counter on one CPU, running.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_open_perf_event(
    kind: u32,
    config: u64,
    pid: c_int,
    cpu: c_int,
) -> c_int {
    let opened = perf::open(&PerfEventAttr::new(kind, config), pid, cpu, -1)
        .and_then(|event| perf::enable(event.as_fd()).map(|()| event));
    owned(opened)
}

/// Stops an event and closes its descriptor.
///
/// # Safety
/// The caller owns the descriptor and does not use it again.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_close_perf_event_fd(fd: c_int) -> c_int {
    if fd < 0 {
        return 0;
    }
    // SAFETY: not -1, and the caller gives it up.
    let event = unsafe { OwnedFd::from_raw_fd(fd) };
    log::trace!("closing perf event {}", event.as_raw_fd());
    // What is a bpf_link, and no event, ends with its descriptor.
    let stopped = perf::disable(event.as_fd());
    status(stopped.or_else(|e| if e.errno == Errno::EBADF { Err(e) } else { Ok(()) }))
}
