//! Attachments: one [`Link`] each, detached on drop.
//!
//! One file per kind, each with an `attach` that takes a loaded program's descriptor. What a link
//! holds is a descriptor wherever the kernel offers that, so nothing stays after a `kill -9`; what
//! has only a name (tracefs probes) carries our process id in it, see [`remove_stale_probes`].
//!
//! ```no_run
//! use bcc_core::link::tracepoint;
//! use bcc_core::program::ProgType;
//! use std::os::fd::AsFd;
//!
//! # fn main() -> Result<(), bcc_core::Error> {
//! let bpf = bcc_core::Bpf::from_text("int f(void *ctx) { return 0; }")?;
//! let program = bpf.load_program("f", ProgType::TRACEPOINT)?;
//! let link = tracepoint::attach(program.as_fd(), "sched", "sched_switch")?;
//! link.detach()?;
//! # Ok(()) }
//! ```

mod error;
pub mod kprobe;
pub mod kprobe_multi;
pub mod netfilter;
mod perf;
pub mod perf_event;
pub mod prog_attach;
pub mod raw_tp;
pub mod socket;
pub mod struct_ops;
pub mod tc;
mod tracefs_probe;
pub mod tracepoint;
pub mod tracing;
pub mod uprobe;
pub mod uprobe_multi;
pub mod xdp;

pub use error::{AttachError, AttachKind, Problem};
pub use tracefs_probe::remove_stale_probes;

use bcc_sys::SysError;
use bcc_sys::bpf::{AttachType, MapFd};
use bcc_sys::netlink::{Filter, Route};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use tracefs_probe::TracefsProbe;

/// One attachment.
///
/// XDP through netlink and tc filters outlive their link, as they do in upstream's BCC: only
/// [`Link::detach`] removes them. Everything else ends with the link, or with the process.
#[must_use = "dropping a link detaches it"]
#[derive(Debug)]
pub struct Link {
    attachment: Option<Attachment>,
    kind: AttachKind,
    target: String,
    pid: u32,
}

/// How the kernel holds it.
#[derive(Debug)]
enum Attachment {
    /// A `bpf_link`, or what `BPF_RAW_TRACEPOINT_OPEN` gives on older kernels.
    BpfLink(OwnedFd),
    /// Perf events with the program on them, one per CPU; or the links that keep them.
    PerfEvents(Vec<OwnedFd>),
    /// A tracepoint's program: its link, and perhaps the perf event that the link is on.
    Tracepoint { link: OwnedFd, event: Option<OwnedFd> },
    /// A probe made by name, and the perf event on it.
    Tracefs { event: OwnedFd, probe: TracefsProbe },
    /// A packet socket.
    Socket(OwnedFd),
    /// A device's XDP hook, by netlink.
    Xdp { ifindex: u32, flags: u32, program: OwnedFd },
    /// A tc filter.
    Tc { filter: Filter, made_clsact: bool },
    /// A struct of functions that its map registered.
    StructOps(MapFd),
    /// Nothing, and why: what was to be traced no longer exists.
    Gone(String),
    /// `BPF_PROG_ATTACH`.
    ProgAttach { target: OwnedFd, program: OwnedFd, attach_type: AttachType },
}

impl Link {
    fn new(kind: AttachKind, target: impl Into<String>, attachment: Attachment) -> Self {
        let pid = std::process::id();
        Self { attachment: Some(attachment), kind, target: target.into(), pid }
    }

    /// What kind of attachment it is.
    pub fn kind(&self) -> AttachKind {
        self.kind
    }

    /// What it is attached to, as the caller named it.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Why the program will never run here, where that is known and no error: a kernel function that
    /// gave its work to another.
    pub fn note(&self) -> Option<&str> {
        match &self.attachment {
            Some(Attachment::Gone(why)) => Some(why),
            _ => None,
        }
    }

    /// The descriptors that hold it: the link, the perf events, or the socket.
    pub fn fds(&self) -> Vec<BorrowedFd<'_>> {
        match &self.attachment {
            Some(
                Attachment::BpfLink(fd)
                | Attachment::Socket(fd)
                | Attachment::Tracepoint { link: fd, .. },
            ) => vec![fd.as_fd()],
            Some(Attachment::PerfEvents(fds)) => fds.iter().map(AsFd::as_fd).collect(),
            Some(Attachment::Tracefs { event, .. }) => vec![event.as_fd()],
            _ => Vec::new(),
        }
    }

    /// Hands over the one descriptor that holds it; whoever has it ends the attachment by closing.
    ///
    /// # Errors
    /// Gives the link back when it is not held by exactly one descriptor.
    pub fn into_fd(mut self) -> Result<OwnedFd, Self> {
        match self.attachment.take() {
            // A link holds its event by itself.
            Some(
                Attachment::BpfLink(fd)
                | Attachment::Socket(fd)
                | Attachment::Tracepoint { link: fd, .. },
            ) => Ok(fd),
            Some(Attachment::PerfEvents(mut fds)) if fds.len() == 1 => match fds.pop() {
                Some(fd) => Ok(fd),
                None => Err(self),
            },
            other => {
                self.attachment = other;
                Err(self)
            }
        }
    }

    /// Detaches and says how that went. In a forked child it only closes descriptors.
    ///
    /// # Errors
    /// What the kernel says when a named attachment cannot be removed; `ENOENT` when somebody else
    /// has removed it.
    pub fn detach(mut self) -> Result<(), AttachError> {
        self.end(true)
            .map_err(|problem| AttachError::new(self.kind, &self.target, problem).while_detaching())
    }

    /// Takes out the event that a tracepoint's link is on, to be closed after the link.
    fn take_event(&mut self) -> Option<OwnedFd> {
        match &mut self.attachment {
            Some(Attachment::Tracepoint { event, .. }) if self.pid == std::process::id() => {
                event.take()
            }
            _ => None,
        }
    }

    /// Ends the attachment; `explicit` also removes what outlives the process.
    fn end(&mut self, explicit: bool) -> Result<(), Problem> {
        let Some(attachment) = self.attachment.take() else { return Ok(()) };
        if self.pid != std::process::id() {
            // The parent's attachment: closing our copies of its descriptors is all.
            if let Attachment::Tracefs { probe, .. } = attachment {
                probe.forget();
            }
            return Ok(());
        }
        match attachment {
            Attachment::BpfLink(_)
            | Attachment::PerfEvents(_)
            | Attachment::Socket(_)
            | Attachment::Gone(_)
            | Attachment::Tracepoint { .. } => Ok(()),
            Attachment::Tracefs { event, probe } => {
                // A probe in use cannot be removed.
                drop(event);
                probe.remove()
            }
            Attachment::Xdp { ifindex, flags, program } if explicit => {
                xdp::remove_ours(ifindex, flags, program.as_fd()).map_err(Into::into)
            }
            Attachment::Tc { filter, made_clsact } if explicit => {
                remove_tc(filter, made_clsact).map_err(Into::into)
            }
            Attachment::Xdp { .. } | Attachment::Tc { .. } => Ok(()),
            Attachment::StructOps(map) => struct_ops::detach(&map).map_err(Into::into),
            Attachment::ProgAttach { target, program, attach_type } => {
                bcc_sys::bpf::object::prog_detach(
                    Some(program.as_fd()),
                    target.as_fd(),
                    attach_type,
                )
                .map_err(Into::into)
            }
        }
    }
}

/// Detaches all of `links`, side by side: each waits for grace periods of the kernel, and those of
/// several pass at once.
///
/// No program runs any more when this returns. The perf events of tracepoints wait one after another
/// for theirs, in a thread of their own that ends with the last.
///
/// # Errors
/// The first error; the others are detached all the same.
pub fn detach_all(mut links: Vec<Link>) -> Result<(), AttachError> {
    if links.len() < 2 {
        return links.into_iter().try_for_each(Link::detach);
    }
    let events = links.iter_mut().filter_map(Link::take_event).collect();
    let result = detach_each(links);
    close_later(events);
    result
}

fn detach_each(links: Vec<Link>) -> Result<(), AttachError> {
    const THREADS: usize = 16;
    let threads = links.len().min(THREADS);
    let queue = Mutex::new(links.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut result = Ok(());
        while let Some(link) = next() {
            result = result.and(link.detach());
        }
        result
    };
    std::thread::scope(|scope| {
        // Without threads to be had, this one does it all.
        let others: Vec<_> = (1..threads)
            .map_while(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let own = work();
        others.into_iter().filter_map(|thread| thread.join().ok()).fold(own, Result::and)
    })
}

/// Closes perf events that nothing runs on any more once their links are closed.
fn close_later(events: Vec<OwnedFd>) {
    if events.is_empty() {
        return;
    }
    let close = move || {
        // Signals are for threads that have something to do about them.
        if let Err(errno) = nix::sys::signal::SigSet::all().thread_block() {
            log::debug!("signals stay open in the thread that closes: {errno}");
        }
        drop(events);
    };
    if let Err(error) = std::thread::Builder::new().name("bcc-close".to_owned()).spawn(close) {
        log::debug!("no thread to close perf events in: {error}");
    }
}

fn remove_tc(filter: Filter, made_clsact: bool) -> Result<(), SysError> {
    let route = Route::open()?;
    route.remove_filter(filter)?;
    // The qdisc was ours to make; with filters of others on it, it stays.
    if made_clsact && !route.has_filters(filter.ifindex)? {
        route.remove_clsact(filter.ifindex)?;
    }
    Ok(())
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Err(problem) = self.end(false) {
            log::warn!("cannot detach from {} {}: {problem}", self.kind, self.target);
        }
    }
}

/// A copy of a descriptor, for as long as an attachment needs it.
fn keep(fd: BorrowedFd<'_>, kind: AttachKind, target: &str) -> Result<OwnedFd, AttachError> {
    fd.try_clone_to_owned().map_err(|source| {
        AttachError::new(kind, target, Problem::Io { path: "fcntl(F_DUPFD)".to_owned(), source })
    })
}
