//! The system call itself, and what creates maps, programs and BTF; [`super::object`] has the commands
//! on existing objects, [`super::map`] those on elements, [`super::link_create`] attaches.

use super::attr::{Attr, BtfLoadAttr, MapCreateAttr, ProgLoadAttr};
use super::cmd::{AttachType, Cmd, MapType, ProgType};
use super::obj_name;
use crate::SysError;
use nix::errno::Errno;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Descriptor as the kernel's struct wants it.
pub(super) fn raw(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

/// Descriptor or 0 for none, which the kernel takes as absent.
pub(super) fn raw_or_zero(fd: Option<BorrowedFd<'_>>) -> u32 {
    fd.map_or(0, raw)
}

/// Address of a slice for the kernel, 0 when it is empty: the kernel must not touch it then.
pub(super) fn addr(bytes: &[u8]) -> u64 {
    if bytes.is_empty() { 0 } else { bytes.as_ptr().expose_provenance() as u64 }
}

/// As [`addr`], of memory the kernel writes.
pub(super) fn addr_mut(bytes: &mut [u8]) -> u64 {
    if bytes.is_empty() { 0 } else { bytes.as_mut_ptr().expose_provenance() as u64 }
}

/// Bytes for a `u32` length field.
pub(super) fn len32(bytes: &[u8], cmd: Cmd) -> Result<u32, SysError> {
    u32::try_from(bytes.len()).map_err(|_lost| SysError { call: cmd.call(), errno: Errno::E2BIG })
}

/// The system call. Callers of this module and its siblings uphold that every address in `attr` is 0
/// or points to memory as large as the kernel will read or write for `cmd`.
pub(super) fn bpf<A: Attr>(cmd: Cmd, attr: &mut A) -> Result<i64, SysError> {
    let size = size_of::<A>();
    // SAFETY: `attr` is a repr(C) struct of `size` bytes, exclusively borrowed; the memory its
    // addresses name is held by the caller in this crate, sized for the command.
    let ret = unsafe { libc::syscall(libc::SYS_bpf, cmd as u32, std::ptr::from_mut(attr), size) };
    if ret < 0 { Err(SysError::last(cmd.call())) } else { Ok(ret) }
}

/// As [`bpf`], for commands that return a new descriptor.
pub(super) fn bpf_fd<A: Attr>(cmd: Cmd, attr: &mut A) -> Result<OwnedFd, SysError> {
    let ret = bpf(cmd, attr)?;
    let raw = RawFd::try_from(ret)
        .map_err(|_lost| SysError { call: cmd.call(), errno: Errno::EOVERFLOW })?;
    // SAFETY: the kernel made this descriptor for this call and nobody else knows it.
    let fd = unsafe { OwnedFd::from_raw_fd(raw) };
    if raw > 2 {
        return Ok(fd);
    }
    // Several fields take 0 for "none", and standard streams get reopened: stay above them.
    // SAFETY: `fd` is open; F_DUPFD_CLOEXEC touches no memory.
    let high = unsafe { libc::fcntl(raw, libc::F_DUPFD_CLOEXEC, 3) };
    if high < 0 {
        return Err(SysError::last("fcntl(F_DUPFD_CLOEXEC)"));
    }
    // SAFETY: fcntl made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(high) })
}

/// What `MAP_CREATE` needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapCreate<'a> {
    /// Kernel map type.
    pub map_type: u32,
    /// Bytes per key.
    pub key_size: u32,
    /// Bytes per value.
    pub value_size: u32,
    /// Entries.
    pub max_entries: u32,
    /// See [`super::cmd::map_flags`].
    pub flags: u32,
    /// Cut to 15 bytes; empty for none.
    pub name: &'a str,
    /// Template of a map-in-map.
    pub inner: Option<BorrowedFd<'a>>,
    /// Device index of an offloaded map, else 0.
    pub ifindex: u32,
    /// BTF and the ids of the key's and the value's type in it.
    pub btf: Option<(BorrowedFd<'a>, u32, u32)>,
    /// Kernel struct of a `struct_ops` map, else 0.
    pub btf_vmlinux_value_type_id: u32,
    /// Depends on the type (bloom filters: number of hashes).
    pub extra: u64,
}

/// Creates a map.
///
/// # Errors
/// The kernel's: `EPERM` without privilege (or, before 5.11, over the memlock limit), `E2BIG` or
/// `EINVAL` for attributes it does not take, 524 (`ENOTSUPP`) for BTF it does not take.
pub fn map_create(map: &MapCreate<'_>) -> Result<OwnedFd, SysError> {
    let (btf_fd, key_id, value_id) = map.btf.map_or((0, 0, 0), |(fd, k, v)| (raw(fd), k, v));
    bpf_fd(
        Cmd::MapCreate,
        &mut MapCreateAttr {
            map_type: map.map_type,
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: map.max_entries,
            map_flags: map.flags,
            inner_map_fd: raw_or_zero(map.inner),
            map_name: obj_name(map.name),
            map_ifindex: map.ifindex,
            btf_fd,
            btf_key_type_id: key_id,
            btf_value_type_id: value_id,
            btf_vmlinux_value_type_id: map.btf_vmlinux_value_type_id,
            map_extra: map.extra,
            ..Default::default()
        },
    )
}

/// What `PROG_LOAD` needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProgLoad<'a> {
    /// Kernel program type.
    pub prog_type: u32,
    /// Attach type, where the kernel checks it at load.
    pub expected_attach_type: u32,
    /// Instructions, 8 bytes each.
    pub insns: &'a [u8],
    /// License text.
    pub license: &'a CStr,
    /// `LINUX_VERSION_CODE`; ignored since 5.0.
    pub kern_version: u32,
    /// See [`super::cmd::prog_flags`].
    pub flags: u32,
    /// Cut to 15 bytes; empty for none.
    pub name: &'a str,
    /// Device index of an offloaded program, else 0.
    pub ifindex: u32,
    /// BTF of the two records below.
    pub btf: Option<BorrowedFd<'a>>,
    /// `bpf_func_info` records of 8 bytes.
    pub func_info: &'a [u8],
    /// `bpf_line_info` records of 16 bytes.
    pub line_info: &'a [u8],
    /// Kernel function or hook, as a type id.
    pub attach_btf_id: u32,
    /// Module BTF holding `attach_btf_id`, or the program to extend or trace.
    pub attach_obj: Option<BorrowedFd<'a>>,
    /// Module BTF descriptors that kfunc calls name by index; index 0 is not used.
    pub fd_array: &'a [BorrowedFd<'a>],
}

/// Bytes per `bpf_func_info` and `bpf_line_info` record.
const FUNC_INFO_SIZE: u32 = 8;
const LINE_INFO_SIZE: u32 = 16;
/// The kernel answers EAGAIN when a signal came while it verified.
const AGAIN_TRIES: u32 = 5;

/// Loads a program. With `log`, the verifier writes to it at `log_level`.
///
/// # Errors
/// The kernel's: `EACCES` or `EINVAL` when the verifier refuses, `ENOSPC` when the log is too small,
/// `EPERM` without privilege.
pub fn prog_load(
    prog: &ProgLoad<'_>,
    log_level: u32,
    log: Option<&mut [u8]>,
) -> Result<OwnedFd, SysError> {
    let count = |bytes: &[u8], each: u32| len32(bytes, Cmd::ProgLoad).map(|n| n / each);
    let fd_array: Vec<RawFd> =
        std::iter::once(0).chain(prog.fd_array.iter().map(AsRawFd::as_raw_fd)).collect();
    let license = prog.license.to_bytes_with_nul();
    let log: &mut [u8] = log.unwrap_or_default();
    let has_info = prog.btf.is_some();
    let info = |bytes: &[u8], value: u64| if has_info && !bytes.is_empty() { value } else { 0 };
    let func_info_cnt = info(prog.func_info, count(prog.func_info, FUNC_INFO_SIZE)?.into());
    let line_info_cnt = info(prog.line_info, count(prog.line_info, LINE_INFO_SIZE)?.into());
    let mut attr = ProgLoadAttr {
        prog_type: prog.prog_type,
        insn_cnt: count(prog.insns, 8)?,
        insns: addr(prog.insns),
        license: addr(license),
        log_level: if log.is_empty() { 0 } else { log_level },
        log_size: len32(log, Cmd::ProgLoad)?,
        log_buf: addr_mut(log),
        kern_version: prog.kern_version,
        prog_flags: prog.flags,
        prog_name: obj_name(prog.name),
        prog_ifindex: prog.ifindex,
        expected_attach_type: prog.expected_attach_type,
        prog_btf_fd: raw_or_zero(prog.btf),
        func_info_rec_size: if func_info_cnt > 0 { FUNC_INFO_SIZE } else { 0 },
        func_info: info(prog.func_info, addr(prog.func_info)),
        func_info_cnt: func_info_cnt as u32,
        line_info_rec_size: if line_info_cnt > 0 { LINE_INFO_SIZE } else { 0 },
        line_info: info(prog.line_info, addr(prog.line_info)),
        line_info_cnt: line_info_cnt as u32,
        attach_btf_id: prog.attach_btf_id,
        attach_obj_fd: raw_or_zero(prog.attach_obj),
        fd_array: if prog.fd_array.is_empty() {
            0
        } else {
            fd_array.as_ptr().expose_provenance() as u64
        },
        ..Default::default()
    };
    let mut tries = AGAIN_TRIES;
    loop {
        match bpf_fd(Cmd::ProgLoad, &mut attr) {
            Err(error) if error.errno == Errno::EAGAIN && tries > 0 => tries -= 1,
            other => return other,
        }
    }
}

/// Loads BTF. With `log`, the kernel says what it does not like.
///
/// # Errors
/// The kernel's: `EINVAL` for BTF it does not take, `EPERM` without privilege.
pub fn btf_load(btf: &[u8], log: Option<&mut [u8]>) -> Result<OwnedFd, SysError> {
    let log: &mut [u8] = log.unwrap_or_default();
    bpf_fd(
        Cmd::BtfLoad,
        &mut BtfLoadAttr {
            btf: addr(btf),
            btf_size: len32(btf, Cmd::BtfLoad)?,
            btf_log_size: len32(log, Cmd::BtfLoad)?,
            btf_log_level: u32::from(!log.is_empty()),
            btf_log_buf: addr_mut(log),
            ..Default::default()
        },
    )
}

/// A map of `map_type` with one entry, for asking whether the kernel knows the type.
///
/// # Errors
/// See [`map_create`].
pub fn probe_map(map_type: MapType, key_size: u32, value_size: u32) -> Result<OwnedFd, SysError> {
    let map = MapCreate {
        map_type: map_type.0,
        key_size,
        value_size,
        max_entries: 1,
        ..Default::default()
    };
    map_create(&map)
}

/// Loads `insns` as `prog_type` with nothing else, for asking whether the kernel takes it.
///
/// # Errors
/// See [`prog_load`].
pub fn probe_prog(
    prog_type: ProgType,
    attach_type: AttachType,
    insns: &[super::Insn],
) -> Result<OwnedFd, SysError> {
    let insns = super::insn::to_bytes(insns);
    let prog = ProgLoad {
        prog_type: prog_type.0,
        expected_attach_type: attach_type.0,
        insns: &insns,
        license: c"GPL",
        ..Default::default()
    };
    prog_load(&prog, 0, None)
}
