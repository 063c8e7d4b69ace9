//! Many places of one user program behind one link (since v6.6).

use super::{AttachError, AttachKind, Attachment, Link, Problem};
use bcc_sys::bpf::{AttachType, LinkCreate, LinkExtra, LinkTarget, link_create};
use std::ffi::CString;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where and how.
#[derive(Debug, Clone, Copy)]
pub struct UprobeMultiOpts<'a> {
    /// The executable or library.
    pub path: &'a Path,
    /// File offsets.
    pub offsets: &'a [u64],
    /// File offsets of USDT semaphores, one per place, or empty.
    pub ref_ctr_offsets: &'a [u64],
    /// One per place, or empty.
    pub cookies: &'a [u64],
    /// Fire on return.
    pub on_return: bool,
    /// Only this process; 0 is the calling one. Without `Feature::UprobeMultiProcess` that means one thread of it.
    pub pid: Option<u32>,
}

/// Attaches a program loaded with `expected_attach_type` `TRACE_UPROBE_MULTI`.
///
/// # Errors
/// `EINVAL` or `EOPNOTSUPP` without support, `EINVAL` for an offset outside the file, `ESRCH`.
pub fn attach(program: BorrowedFd<'_>, opts: &UprobeMultiOpts<'_>) -> Result<Link, AttachError> {
    let kind = AttachKind::UprobeMulti;
    let target = format!("{} ({} places)", opts.path.display(), opts.offsets.len());
    let path = CString::new(opts.path.as_os_str().as_bytes())
        .map_err(|_nul| AttachError::new(kind, &target, Problem::NotFound))?;
    let request = LinkCreate {
        prog: program,
        target: LinkTarget::None,
        attach_type: AttachType::TRACE_UPROBE_MULTI,
        flags: 0,
        extra: LinkExtra::UprobeMulti {
            path: &path,
            ret: opts.on_return,
            offsets: opts.offsets,
            ref_ctr_offsets: opts.ref_ctr_offsets,
            cookies: opts.cookies,
            // To the kernel 0 is every process.
            pid: opts.pid.map_or(0, |pid| if pid == 0 { std::process::id() } else { pid }),
        },
    };
    let fd = link_create(&request).map_err(|error| AttachError::new(kind, &target, error))?;
    Ok(Link::new(kind, target, Attachment::BpfLink(fd)))
}
