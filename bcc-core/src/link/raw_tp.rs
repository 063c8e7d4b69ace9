//! Raw tracepoints: the arguments as the kernel's code passes them.

use super::{AttachError, AttachKind, Attachment, Link, Problem};
use bcc_sys::bpf::object;
use std::ffi::CString;
use std::os::fd::BorrowedFd;

/// Attaches a raw tracepoint program to the tracepoint `name`.
///
/// # Errors
/// [`Problem::NotFound`] (`ENOENT`) for an unknown tracepoint; `EINVAL` when the program reads more
/// arguments than it has.
pub fn attach(program: BorrowedFd<'_>, name: &str) -> Result<Link, AttachError> {
    let kind = AttachKind::RawTracepoint;
    if crate::mutation::off("attach:raw_tracepoint") {
        return Err(AttachError::new(kind, name, Problem::NotFound));
    }
    let text =
        CString::new(name).map_err(|_nul| AttachError::new(kind, name, Problem::NotFound))?;
    let fd = object::raw_tracepoint_open(program, Some(&text), 0)
        .map_err(|error| AttachError::new(kind, name, error))?;
    Ok(Link::new(kind, name, Attachment::BpfLink(fd)))
}
