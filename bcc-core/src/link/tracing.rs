//! Programs whose target is fixed at load by BTF id: fentry, fexit, `fmod_ret`, LSM, BTF raw
//! tracepoints; and iterators.

use super::{AttachError, AttachKind, Attachment, Link, Problem};
use bcc_sys::bpf::{AttachType, LinkCreate, LinkExtra, LinkTarget, link_create, object};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

/// Attaches a tracing or LSM program to the function it was loaded for; `target` names it in
/// messages.
///
/// # Errors
/// `EBUSY` or `EEXIST` when attached already, `EOPNOTSUPP` or `EPERM` where the kernel refuses
/// trampolines.
pub fn attach(program: BorrowedFd<'_>, target: &str) -> Result<Link, AttachError> {
    let fd = object::raw_tracepoint_open(program, None, 0)
        .map_err(|error| AttachError::new(AttachKind::Tracing, target, error))?;
    Ok(Link::new(AttachKind::Tracing, target, Attachment::BpfLink(fd)))
}

/// Attaches an iterator program; `info` is the kernel's `union bpf_iter_link_info`, or empty.
///
/// # Errors
/// `EINVAL` for an info that does not fit the iterator.
pub fn attach_iter(
    program: BorrowedFd<'_>,
    target: &str,
    info: &[u8],
) -> Result<Link, AttachError> {
    let request = LinkCreate {
        prog: program,
        target: LinkTarget::None,
        attach_type: AttachType::TRACE_ITER,
        flags: 0,
        extra: LinkExtra::Iter { info },
    };
    let fd =
        link_create(&request).map_err(|error| AttachError::new(AttachKind::Iter, target, error))?;
    Ok(Link::new(AttachKind::Iter, target, Attachment::BpfLink(fd)))
}

/// One run of an attached iterator: reading the file to its end runs the program over everything.
///
/// # Errors
/// [`Problem::Invalid`] when the link is no iterator's.
pub fn read_iter(link: &Link) -> Result<File, AttachError> {
    let fail = |problem: Problem| AttachError::new(AttachKind::Iter, link.target(), problem);
    let Some(Attachment::BpfLink(fd)) = &link.attachment else {
        return Err(fail(Problem::Invalid("not an iterator's link")));
    };
    object::iter_create(fd.as_fd()).map(File::from).map_err(|error| fail(error.into()))
}
