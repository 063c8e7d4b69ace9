//! Tracepoints by category and name.

use super::{AttachError, AttachKind, Attachment, Link, Problem, perf as on_perf};
use crate::kernel::tracefs;
use bcc_sys::perf::{self, PerfEventAttr};
use nix::sys::resource::{Resource, getrlimit};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// Attaches a tracepoint program to `category:name`, for all processes on all CPUs.
///
/// # Errors
/// [`Problem::NotFound`] for an unknown tracepoint; `EINVAL` when the program reads past its
/// arguments or is of another type.
pub fn attach(program: BorrowedFd<'_>, category: &str, name: &str) -> Result<Link, AttachError> {
    let target = format!("{category}:{name}");
    let fail = |problem: Problem| AttachError::new(AttachKind::Tracepoint, &target, problem);
    let id = tracefs::event_id(category, name).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            return fail(Problem::NotFound);
        }
        let path = tracefs::event_dir(category, name).join("id").display().to_string();
        fail(Problem::Io { path, source })
    })?;
    let mut attr = PerfEventAttr::new(perf::TYPE_TRACEPOINT, id);
    attr.sample = 1;
    attr.wakeup = 1;
    attr.sample_type = perf::SAMPLE_RAW;
    // One event suffices: a program on a tracepoint runs wherever the tracepoint is hit.
    let event = perf::open(&attr, -1, 0, -1).map_err(|error| fail(error.into()))?;
    let number = event.as_raw_fd();
    let kept = spare(&event);
    let link = on_perf::run_on(event, program, 0).map_err(|error| fail(error.into()))?;
    // Where the event itself holds the program, a copy of it would keep the program running.
    let kept = kept.filter(|_| link.as_raw_fd() != number);
    Ok(Link::new(AttachKind::Tracepoint, target, Attachment::Tracepoint { link, event: kept }))
}

/// A second descriptor of the event, with which [`super::detach_all`] is quick; `None` where many are
/// open already, as a pattern may match hundreds of tracepoints.
fn spare(event: &OwnedFd) -> Option<OwnedFd> {
    let (most, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let few = u64::try_from(event.as_raw_fd()).ok()? < most / 4;
    few.then(|| event.try_clone().ok()).flatten()
}
