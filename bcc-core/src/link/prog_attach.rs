//! Hooks addressed by a descriptor: cgroups, sockmaps, network namespaces.

use super::{AttachError, AttachKind, Attachment, Link, keep};
use bcc_sys::SysError;
use bcc_sys::bpf::{AttachType, LinkCreate, LinkExtra, LinkTarget, link_create, object};
use std::os::fd::{AsFd, BorrowedFd};

/// Attaches with `BPF_PROG_ATTACH` and detaches when the link ends: cgroups, sockmaps, the flow
/// dissector. After a `kill -9` it stays until the target is gone; [`attach_link`] does not.
///
/// # Errors
/// `EINVAL` for a target that does not go with the type, `EPERM`.
pub fn attach(
    program: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    attach_type: AttachType,
    flags: u32,
) -> Result<Link, AttachError> {
    let (kind, name) = (AttachKind::ProgAttach, attach_type.to_string());
    let kept = (keep(target, kind, &name)?, keep(program, kind, &name)?);
    object::prog_attach(program, target, attach_type, flags, None)
        .map_err(|error| AttachError::new(kind, &name, error))?;
    let (target, program) = kept;
    Ok(Link::new(kind, name, Attachment::ProgAttach { target, program, attach_type }))
}

/// Attaches by `bpf_link`: cgroups since v5.7, network namespaces (`SK_LOOKUP`, `FLOW_DISSECTOR`)
/// since v5.8, sockmaps since v6.10.
///
/// # Errors
/// `EINVAL` for a target that does not go with the type or a kernel without it, `EEXIST`.
pub fn attach_link(
    program: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    attach_type: AttachType,
) -> Result<Link, AttachError> {
    let netns = matches!(attach_type, AttachType::SK_LOOKUP | AttachType::FLOW_DISSECTOR);
    let kind = if netns { AttachKind::Netns } else { AttachKind::ProgAttach };
    let request = LinkCreate {
        prog: program,
        target: LinkTarget::Fd(target),
        attach_type,
        flags: 0,
        extra: LinkExtra::None,
    };
    let fd = link_create(&request)
        .map_err(|error| AttachError::new(kind, attach_type.to_string(), error))?;
    Ok(Link::new(kind, attach_type.to_string(), Attachment::BpfLink(fd)))
}

/// Attaches to the cgroup directory at `path`, by link where the kernel has it.
///
/// # Errors
/// As [`attach`]; `ENOENT` for a missing directory.
pub fn attach_cgroup(
    program: BorrowedFd<'_>,
    path: &std::path::Path,
    attach_type: AttachType,
) -> Result<Link, AttachError> {
    let directory = std::fs::File::open(path).map_err(|source| {
        let problem = super::Problem::Io { path: path.display().to_string(), source };
        AttachError::new(AttachKind::ProgAttach, attach_type.to_string(), problem)
    })?;
    match attach_link(program, directory.as_fd(), attach_type) {
        Err(error) if error.errno() == Some(nix::errno::Errno::EINVAL) => attach(
            program,
            directory.as_fd(),
            attach_type,
            bcc_sys::bpf::cmd::attach_flags::ALLOW_MULTI,
        ),
        other => other,
    }
}

/// Detaches `program` from the hook of `target`, whoever attached it.
///
/// # Errors
/// `ENOENT` when it is not attached.
pub fn detach(
    program: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    attach_type: AttachType,
) -> Result<(), AttachError> {
    object::prog_detach(Some(program), target, attach_type).map_err(|error: SysError| {
        AttachError::new(AttachKind::ProgAttach, attach_type.to_string(), error)
    })
}
