//! Commands on objects that exist: pins, ids, attachments, test runs.

use super::attr::{
    IdAttr, InfoAttr, IterCreateAttr, LinkUpdateAttr, ObjAttr, ProgAttachAttr, ProgBindMapAttr,
    QueryAttr, RawTracepointAttr, TaskFdQueryAttr, TestRunAttr, WordAttr,
};
use super::call::{addr, addr_mut, bpf, bpf_fd, len32, raw, raw_or_zero};
use super::cmd::{AttachType, Cmd};
use crate::SysError;
use nix::errno::Errno;
use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

/// Pins an object at a path of a bpffs.
///
/// # Errors
/// The kernel's: `EEXIST`, `ENOENT`, `EPERM` when the path is not on a bpffs.
pub fn obj_pin(fd: BorrowedFd<'_>, path: &CStr) -> Result<(), SysError> {
    let mut attr =
        ObjAttr { pathname: addr(path.to_bytes_with_nul()), bpf_fd: raw(fd), ..Default::default() };
    bpf(Cmd::ObjPin, &mut attr).map(drop)
}

/// Opens a pinned object.
///
/// # Errors
/// The kernel's: `ENOENT`, `EACCES`, `EPERM`.
pub fn obj_get(path: &CStr, file_flags: u32) -> Result<OwnedFd, SysError> {
    let pathname = addr(path.to_bytes_with_nul());
    bpf_fd(Cmd::ObjGet, &mut ObjAttr { pathname, file_flags, ..Default::default() })
}

/// Attaches a program the old way, without a link: it stays until detached.
///
/// # Errors
/// The kernel's: `EINVAL` for a target that does not go with the type, `EPERM`, `EEXIST`.
pub fn prog_attach(
    prog: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    attach_type: AttachType,
    flags: u32,
    replace: Option<BorrowedFd<'_>>,
) -> Result<(), SysError> {
    let mut attr = ProgAttachAttr {
        target: raw(target),
        attach_bpf_fd: raw(prog),
        attach_type: attach_type.0,
        attach_flags: flags,
        replace_bpf_fd: raw_or_zero(replace),
        ..Default::default()
    };
    bpf(Cmd::ProgAttach, &mut attr).map(drop)
}

/// Detaches `prog`, or whatever is attached when there is none given, from a descriptor's hook.
///
/// # Errors
/// The kernel's: `ENOENT` when it was not attached.
pub fn prog_detach(
    prog: Option<BorrowedFd<'_>>,
    target: BorrowedFd<'_>,
    attach_type: AttachType,
) -> Result<(), SysError> {
    let mut attr = ProgAttachAttr {
        target: raw(target),
        attach_bpf_fd: raw_or_zero(prog),
        attach_type: attach_type.0,
        ..Default::default()
    };
    bpf(Cmd::ProgDetach, &mut attr).map(drop)
}

/// Which programs a hook runs.
///
/// # Errors
/// The kernel's: `EINVAL` for a target that does not go with the type.
pub fn prog_query(
    target: super::LinkTarget<'_>,
    attach_type: AttachType,
    query_flags: u32,
) -> Result<Vec<u32>, SysError> {
    let mut ids: Vec<[u8; 4]> = vec![[0; 4]; 64];
    loop {
        let room = ids.len() as u32;
        let mut attr = QueryAttr {
            target: target.raw(),
            attach_type: attach_type.0,
            query_flags,
            prog_ids: addr_mut(ids.as_flattened_mut()),
            count: room,
            ..Default::default()
        };
        match bpf(Cmd::ProgQuery, &mut attr) {
            Ok(_) => {
                ids.truncate(attr.count as usize);
                return Ok(ids.into_iter().map(u32::from_ne_bytes).collect());
            }
            Err(error) if error.errno == Errno::ENOSPC && attr.count > room => {
                ids.resize(attr.count as usize, [0; 4]);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Attaches a raw tracepoint by name, or a program whose target is its BTF id when `name` is `None`.
///
/// # Errors
/// The kernel's: `ENOENT` for an unknown tracepoint, `EINVAL`, `EPERM`.
pub fn raw_tracepoint_open(
    prog: BorrowedFd<'_>,
    name: Option<&CStr>,
    cookie: u64,
) -> Result<OwnedFd, SysError> {
    let name = name.map_or(0, |name| addr(name.to_bytes_with_nul()));
    let mut attr = RawTracepointAttr { name, prog_fd: raw(prog), cookie, ..Default::default() };
    bpf_fd(Cmd::RawTracepointOpen, &mut attr)
}

/// Puts another program (or `struct_ops` map) behind a link; with `old`, only in that one's place.
///
/// # Errors
/// The kernel's: `EPERM` when `old` is not the one attached, `EINVAL` when the link cannot.
pub fn link_update(
    link: BorrowedFd<'_>,
    new: BorrowedFd<'_>,
    old: Option<BorrowedFd<'_>>,
) -> Result<(), SysError> {
    let flags = if old.is_some() { super::cmd::attach_flags::REPLACE } else { 0 };
    let mut attr =
        LinkUpdateAttr { link_fd: raw(link), new_fd: raw(new), flags, old_fd: raw_or_zero(old) };
    bpf(Cmd::LinkUpdate, &mut attr).map(drop)
}

/// Detaches a link, whoever else holds it.
///
/// # Errors
/// The kernel's: `EOPNOTSUPP` for links that only end with their last descriptor.
pub fn link_detach(link: BorrowedFd<'_>) -> Result<(), SysError> {
    bpf(Cmd::LinkDetach, &mut WordAttr { word: raw(link), ..Default::default() }).map(drop)
}

/// A descriptor to read one run of an iterator from.
///
/// # Errors
/// The kernel's: `EINVAL` when the link is not an iterator's.
pub fn iter_create(link: BorrowedFd<'_>) -> Result<OwnedFd, SysError> {
    bpf_fd(Cmd::IterCreate, &mut IterCreateAttr { link_fd: raw(link), flags: 0 })
}

/// Counts runs and their time for all programs, as long as the descriptor is open.
///
/// # Errors
/// The kernel's: `EPERM` without `CAP_SYS_ADMIN`.
pub fn enable_stats() -> Result<OwnedFd, SysError> {
    bpf_fd(Cmd::EnableStats, &mut WordAttr::default())
}

/// Keeps a map alive as long as a program.
///
/// # Errors
/// The kernel's.
pub fn prog_bind_map(prog: BorrowedFd<'_>, map: BorrowedFd<'_>) -> Result<(), SysError> {
    let mut attr = ProgBindMapAttr { prog_fd: raw(prog), map_fd: raw(map), ..Default::default() };
    bpf(Cmd::ProgBindMap, &mut attr).map(drop)
}

/// Kinds of objects with ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// Program.
    Prog,
    /// Map.
    Map,
    /// Link.
    Link,
    /// BTF.
    Btf,
}

/// The smallest id above `after`, or `None` when there is none.
///
/// # Errors
/// The kernel's: `EPERM` without `CAP_SYS_ADMIN`.
pub fn next_id(kind: ObjectKind, after: u32) -> Result<Option<u32>, SysError> {
    let cmd = match kind {
        ObjectKind::Prog => Cmd::ProgGetNextId,
        ObjectKind::Map => Cmd::MapGetNextId,
        ObjectKind::Link => Cmd::LinkGetNextId,
        ObjectKind::Btf => Cmd::BtfGetNextId,
    };
    let mut attr = IdAttr { id: after, ..Default::default() };
    match bpf(cmd, &mut attr) {
        Ok(_) => Ok(Some(attr.next_id)),
        Err(error) if error.errno == Errno::ENOENT => Ok(None),
        Err(error) => Err(error),
    }
}

/// All ids of a kind, in rising order.
///
/// # Errors
/// See [`next_id`].
pub fn ids(kind: ObjectKind) -> Result<Vec<u32>, SysError> {
    let mut all = Vec::new();
    while let Some(id) = next_id(kind, all.last().copied().unwrap_or(0))? {
        all.push(id);
    }
    Ok(all)
}

/// Opens an object by id.
///
/// # Errors
/// The kernel's: `ENOENT` when it is gone, `EPERM` without `CAP_SYS_ADMIN`.
pub fn fd_by_id(kind: ObjectKind, id: u32) -> Result<OwnedFd, SysError> {
    let cmd = match kind {
        ObjectKind::Prog => Cmd::ProgGetFdById,
        ObjectKind::Map => Cmd::MapGetFdById,
        ObjectKind::Link => Cmd::LinkGetFdById,
        ObjectKind::Btf => Cmd::BtfGetFdById,
    };
    bpf_fd(cmd, &mut IdAttr { id, ..Default::default() })
}

/// What the kernel says of an object, into `info`; returns the bytes it wrote. Crate-private, since
/// some of the structs hold addresses that the kernel writes to.
pub(super) fn obj_get_info(fd: BorrowedFd<'_>, info: &mut [u8]) -> Result<usize, SysError> {
    let info_len = len32(info, Cmd::ObjGetInfoByFd)?;
    let mut attr = InfoAttr { bpf_fd: raw(fd), info_len, info: addr_mut(info) };
    bpf(Cmd::ObjGetInfoByFd, &mut attr)?;
    Ok((attr.info_len as usize).min(info.len()))
}

/// What the kernel says of an object, in its own struct; returns the bytes it wrote.
///
/// # Errors
/// The kernel's: `E2BIG` for a longer struct than it has, with something in what it does not know.
///
/// # Safety
/// Addresses that the struct in `info` holds are 0, or of as much memory as its counts say, which only
/// this call uses.
pub unsafe fn raw_info(fd: BorrowedFd<'_>, info: &mut [u8]) -> Result<usize, SysError> {
    obj_get_info(fd, info)
}

/// Input of a test run.
#[derive(Clone, Copy, Debug, Default)]
pub struct TestRun<'a> {
    /// Packet.
    pub data: &'a [u8],
    /// Context struct.
    pub ctx: &'a [u8],
    /// Room for the packet as the program leaves it, in bytes.
    pub data_out: usize,
    /// Room for the context as the program leaves it, in bytes.
    pub ctx_out: usize,
    /// Number of runs; 0 is one.
    pub repeat: u32,
    /// `BPF_F_TEST_*`.
    pub flags: u32,
    /// CPU to run on, where the type can.
    pub cpu: u32,
}

/// Outcome of a test run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestRunResult {
    /// What the program returned last.
    pub retval: u32,
    /// Packet as the program left it.
    pub data: Vec<u8>,
    /// Context as the program left it.
    pub ctx: Vec<u8>,
    /// Mean time of a run in nanoseconds.
    pub duration_ns: u32,
}

/// Runs a program on given data.
///
/// # Errors
/// The kernel's: `ENOTSUPP` (524) for types that cannot be run so, `EINVAL` for data that does not
/// go with the type, `ENOSPC` when an output does not fit.
pub fn prog_test_run(prog: BorrowedFd<'_>, run: &TestRun<'_>) -> Result<TestRunResult, SysError> {
    let mut data = vec![0; run.data_out];
    let mut ctx = vec![0; run.ctx_out];
    let mut attr = TestRunAttr {
        prog_fd: raw(prog),
        data_size_in: len32(run.data, Cmd::ProgTestRun)?,
        data_size_out: len32(&data, Cmd::ProgTestRun)?,
        data_in: addr(run.data),
        data_out: addr_mut(&mut data),
        repeat: run.repeat,
        ctx_size_in: len32(run.ctx, Cmd::ProgTestRun)?,
        ctx_size_out: len32(&ctx, Cmd::ProgTestRun)?,
        ctx_in: addr(run.ctx),
        ctx_out: addr_mut(&mut ctx),
        flags: run.flags,
        cpu: run.cpu,
        ..Default::default()
    };
    bpf(Cmd::ProgTestRun, &mut attr)?;
    data.truncate(attr.data_size_out as usize);
    ctx.truncate(attr.ctx_size_out as usize);
    Ok(TestRunResult { retval: attr.retval, data, ctx, duration_ns: attr.duration })
}

/// What a descriptor of a process has to do with BPF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFd {
    /// Program behind it.
    pub prog_id: u32,
    /// `BPF_FD_TYPE_*`: raw tracepoint 0, tracepoint 1, kprobe 2, kretprobe 3, uprobe 4, uretprobe 5.
    pub fd_type: u32,
    /// Tracepoint, symbol or file.
    pub name: Vec<u8>,
    /// Offset from the symbol, or in the file.
    pub offset: u64,
    /// Address, when there is no symbol.
    pub addr: u64,
}

/// Asks which program and probe stand behind a descriptor of process `pid`.
///
/// # Errors
/// The kernel's: `ENOENT`, `EPERM`, `ENOTSUPP` (524) when there is none.
pub fn task_fd_query(pid: u32, fd: RawFd) -> Result<TaskFd, SysError> {
    let mut name = vec![0; 4096];
    let mut attr = TaskFdQueryAttr {
        pid,
        fd: fd.cast_unsigned(),
        buf_len: name.len() as u32,
        buf: addr_mut(&mut name),
        ..Default::default()
    };
    bpf(Cmd::TaskFdQuery, &mut attr)?;
    name.truncate(attr.buf_len as usize);
    Ok(TaskFd {
        prog_id: attr.prog_id,
        fd_type: attr.fd_type,
        name,
        offset: attr.probe_offset,
        addr: attr.probe_addr,
    })
}
