//! Objects of the kernel by descriptor, id and path; sockets, iterators, what a program hangs on.

use super::{c_str, c_text, failed, fd_of, output, owned, status, sys};
use bcc_sys::bpf::object::{self, ObjectKind};
use bcc_sys::bpf::{self, AttachType};
use bcc_sys::{SysError, packet};
use nix::errno::Errno;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::os::fd::BorrowedFd;

/// Pins an object to a path below a bpffs.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_obj_pin(fd: c_int, path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    let path = unsafe { c_str(path) };
    status(path.and_then(|path| object::obj_pin(fd_of(fd)?, path)))
}

/// Opens a pinned object.
///
/// # Safety
/// `path` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_obj_get(path: *const c_char) -> c_int {
    // SAFETY: as this function's.
    owned(unsafe { c_str(path) }.and_then(|path| object::obj_get(path, 0)))
}

/// Attaches a program to what a descriptor stands for.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_prog_attach(
    program: c_int,
    target: c_int,
    attach_type: c_uint,
    flags: c_uint,
) -> c_int {
    let attach = |program| {
        object::prog_attach(program, fd_of(target)?, AttachType(attach_type), flags, None)
    };
    status(fd_of(program).and_then(attach))
}

/// Undoes [`bpf_prog_attach`].
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_prog_detach2(
    program: c_int,
    target: c_int,
    attach_type: c_uint,
) -> c_int {
    let detach =
        |program| object::prog_detach(Some(program), fd_of(target)?, AttachType(attach_type));
    status(fd_of(program).and_then(detach))
}

/// The id after `after`.
///
/// # Safety
/// `next` is null or points to a number.
unsafe fn next_id(kind: ObjectKind, after: u32, next: *mut u32) -> c_int {
    status(object::next_id(kind, after).and_then(|id| {
        let id = id.ok_or(sys("bpf", Errno::ENOENT))?;
        // SAFETY: as this function's.
        match unsafe { next.as_mut() } {
            Some(next) => *next = id,
            None => return Err(sys("bpf", Errno::EFAULT)),
        }
        Ok(())
    }))
}

/// The id of the program after that of id `after`.
///
/// # Safety
/// `next` is null or points to a number.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_prog_get_next_id(after: u32, next: *mut u32) -> c_int {
    // SAFETY: as this function's.
    unsafe { next_id(ObjectKind::Prog, after, next) }
}

/// The id of the map after that of id `after`.
///
/// # Safety
/// `next` is null or points to a number.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_map_get_next_id(after: u32, next: *mut u32) -> c_int {
    // SAFETY: as this function's.
    unsafe { next_id(ObjectKind::Map, after, next) }
}

/// A descriptor of a program.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_prog_get_fd_by_id(id: u32) -> c_int {
    owned(object::fd_by_id(ObjectKind::Prog, id))
}

/// A descriptor of a map.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_map_get_fd_by_id(id: u32) -> c_int {
    owned(object::fd_by_id(ObjectKind::Map, id))
}

/// A non-blocking packet socket on an interface (all when empty).
///
/// # Safety
/// `name` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_open_raw_sock(name: *const c_char) -> c_int {
    let index = |name: String| match name.as_str() {
        "" => Ok(0),
        name => nix::net::if_::if_nametoindex(name).map_err(|e| sys("if_nametoindex", e)),
    };
    // SAFETY: as this function's.
    let name = unsafe { c_text(name) };
    owned(name.and_then(index).and_then(packet::packet_socket))
}

/// Puts a socket filter on a socket.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_attach_socket(socket: c_int, program: c_int) -> c_int {
    let attach = |socket: BorrowedFd<'static>| {
        let socket = socket.try_clone_to_owned().map_err(|_errno| SysError::last("fcntl"))?;
        packet::set_socket_program(&socket, fd_of(program)?)
    };
    status(fd_of(socket).and_then(attach))
}

/// Attaches an iterator; the link's descriptor.
///
/// # Safety
/// `info` is null: parameters of iterators are not taken.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_iter_attach(
    program: c_int,
    info: *const c_void,
    _len: u32,
) -> c_int {
    if !info.is_null() {
        return failed(Errno::EINVAL);
    }
    let attach = |program| {
        bpf::link_create(&bpf::LinkCreate {
            prog: program,
            target: bpf::LinkTarget::None,
            attach_type: AttachType::TRACE_ITER,
            flags: 0,
            extra: bpf::LinkExtra::None,
        })
    };
    owned(fd_of(program).and_then(attach))
}

/// A readable descriptor that runs the iterator.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bcc_iter_create(link: c_int) -> c_int {
    owned(fd_of(link).and_then(object::iter_create))
}

/// What the kernel says of an object, into `info` of `len` bytes; `len` becomes how many it wrote.
///
/// # Safety
/// `len` is null or points to a number, `info` to as many bytes, as libbpf's function has it: addresses in
/// them are 0 or of as much memory as the counts beside them say.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_obj_get_info_by_fd(
    fd: c_int,
    info: *mut c_void,
    len: *mut u32,
) -> c_int {
    // SAFETY: as this function's.
    let Some(len) = (unsafe { len.as_mut() }) else { return failed(Errno::EFAULT) };
    status(fd_of(fd).and_then(|fd| {
        // SAFETY: as this function's.
        let info = unsafe { output(info, *len as usize) }?;
        // SAFETY: as this function's.
        let wrote = unsafe { object::raw_info(fd, info) }?;
        *len = u32::try_from(wrote).unwrap_or(u32::MAX);
        Ok(())
    }))
}

/// Old name of [`bpf_obj_get_info_by_fd`].
///
/// # Safety
/// As [`bpf_obj_get_info_by_fd`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_obj_get_info(
    fd: c_int,
    info: *mut c_void,
    len: *mut u32,
) -> c_int {
    // SAFETY: as this function's.
    unsafe { bpf_obj_get_info_by_fd(fd, info, len) }
}

/// Takes whatever program of that attach type off what a descriptor stands for.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_prog_detach(target: c_int, attach_type: c_uint) -> c_int {
    status(
        fd_of(target).and_then(|target| object::prog_detach(None, target, AttachType(attach_type))),
    )
}
