//! C functions about descriptors: elements of maps, pins, programs, what they are attached to.
//!
//! They return 0 or a descriptor, and -1 with `errno`, as libbcc's do.
#![expect(unsafe_code, reason = "C functions: pointers from the caller, names without mangling")]

use crate::link::borrow;
use bcc_sys::bpf::call::MapCreate;
use bcc_sys::bpf::object::{self, ObjectKind};
use bcc_sys::bpf::{self, AttachType, MapFd};
use bcc_sys::{SysError, netlink};
use nix::errno::Errno;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};

/// The C convention for what went wrong.
pub(crate) fn failed(errno: Errno) -> c_int {
    errno.set();
    -1
}

/// 0, or -1 and `errno`.
pub(crate) fn status<T>(result: Result<T, SysError>) -> c_int {
    result.map_or_else(|error| failed(error.errno), |_| 0)
}

/// A descriptor for the caller, or -1 and `errno`.
pub(crate) fn owned(result: Result<OwnedFd, SysError>) -> c_int {
    result.map_or_else(|error| failed(error.errno), IntoRawFd::into_raw_fd)
}

fn sys(call: &'static str, errno: Errno) -> SysError {
    SysError { call, errno }
}

pub(crate) fn fd_of(fd: c_int) -> Result<BorrowedFd<'static>, SysError> {
    borrow(fd).map_err(|_negative| sys("fcntl", Errno::EBADF))
}

/// A text of the caller's.
///
/// # Safety
/// `text` is null or a C string that outlives the call.
pub(crate) unsafe fn c_str<'a>(text: *const c_char) -> Result<&'a CStr, SysError> {
    if text.is_null() {
        return Err(sys("strlen", Errno::EFAULT));
    }
    // SAFETY: not null, and the caller promises a C string.
    Ok(unsafe { CStr::from_ptr(text) })
}

/// As [`c_str`], for what is UTF-8 by rule.
///
/// # Safety
/// As [`c_str`].
pub(crate) unsafe fn c_text(text: *const c_char) -> Result<String, SysError> {
    // SAFETY: as this function's.
    unsafe { c_str(text) }.map(|text| text.to_string_lossy().into_owned())
}

/// # Safety
/// `from` is null or points to `len` bytes that nobody writes during the call.
unsafe fn input<'a>(from: *const c_void, len: usize) -> Result<&'a [u8], SysError> {
    if len == 0 {
        return Ok(&[]);
    }
    if from.is_null() {
        return Err(sys("bpf", Errno::EFAULT));
    }
    // SAFETY: not null, and the caller promises that many bytes.
    Ok(unsafe { std::slice::from_raw_parts(from.cast(), len) })
}

/// # Safety
/// `to` is null or points to `len` bytes that only this call uses.
unsafe fn output<'a>(to: *mut c_void, len: usize) -> Result<&'a mut [u8], SysError> {
    if len == 0 {
        return Ok(&mut []);
    }
    if to.is_null() {
        return Err(sys("bpf", Errno::EFAULT));
    }
    // SAFETY: not null, and the caller promises that many bytes, for this call alone.
    Ok(unsafe { std::slice::from_raw_parts_mut(to.cast(), len) })
}

fn map(fd: c_int) -> Result<MapFd, SysError> {
    let copy = fd_of(fd)?.try_clone_to_owned().map_err(|_errno| SysError::last("fcntl"))?;
    MapFd::new(copy)
}

fn found(found: bool) -> Result<(), SysError> {
    if found { Ok(()) } else { Err(sys("bpf", Errno::ENOENT)) }
}

/// Writes an element.
///
/// # Safety
/// `key` and `value` point to as many bytes as the map's key and value have.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_update_elem(
    fd: c_int,
    key: *const c_void,
    value: *const c_void,
    flags: u64,
) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let key = unsafe { input(key, map.key_len()) }?;
        // SAFETY: as this function's.
        let value = unsafe { input(value, map.value_len()) }?;
        map.update(key, value, flags)
    }))
}

/// Reads an element.
///
/// # Safety
/// `key` and `value` point to as many bytes as the map's key and value have (a value per possible CPU
/// for per-CPU maps).
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_lookup_elem(
    fd: c_int,
    key: *const c_void,
    value: *mut c_void,
) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let key = unsafe { input(key, map.key_len()) }?;
        // SAFETY: as this function's.
        let value = unsafe { output(value, map.value_len()) }?;
        map.lookup(key, value, 0).and_then(found)
    }))
}

/// Takes an element out.
///
/// # Safety
/// As [`bpf_lookup_elem`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_lookup_and_delete(
    fd: c_int,
    key: *const c_void,
    value: *mut c_void,
) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let key = unsafe { input(key, map.key_len()) }?;
        // SAFETY: as this function's.
        let value = unsafe { output(value, map.value_len()) }?;
        map.lookup_and_delete(key, value, 0).and_then(found)
    }))
}

/// Removes an element.
///
/// # Safety
/// `key` points to as many bytes as the map's key has.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_delete_elem(fd: c_int, key: *const c_void) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let key = unsafe { input(key, map.key_len()) }?;
        map.delete(key).and_then(found)
    }))
}

/// The key after `key`.
///
/// # Safety
/// `key` and `next` point to as many bytes as the map's key has; `key` may be null for the first.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_get_next_key(
    fd: c_int,
    key: *const c_void,
    next: *mut c_void,
) -> c_int {
    status(map(fd).and_then(|map| {
        let key = if key.is_null() {
            None
        } else {
            // SAFETY: as this function's.
            Some(unsafe { input(key, map.key_len()) }?.to_vec())
        };
        // SAFETY: as this function's; `key`, which may be the same memory, was copied.
        let next = unsafe { output(next, map.key_len()) }?;
        map.next_key(key.as_deref(), next).and_then(found)
    }))
}

/// The first key.
///
/// # Safety
/// `key` points to as many bytes as the map's key has.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_get_first_key(
    fd: c_int,
    key: *mut c_void,
    _key_size: usize,
) -> c_int {
    // SAFETY: as this function's; null stands for the first.
    unsafe { bpf_get_next_key(fd, std::ptr::null(), key) }
}

/// A new map; its descriptor.
///
/// # Safety
/// `name` is null or a C string.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_create_map(
    map_type: c_uint,
    name: *const c_char,
    key_size: c_int,
    value_size: c_int,
    max_entries: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: as this function's. Without a name the map has none.
    let name = unsafe { c_text(name) }.unwrap_or_default();
    owned(bpf::call::map_create(&MapCreate {
        map_type,
        key_size: key_size.cast_unsigned(),
        value_size: value_size.cast_unsigned(),
        max_entries: max_entries.cast_unsigned(),
        flags: flags.cast_unsigned(),
        name: &name,
        ..Default::default()
    }))
}

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

/// The tag of a loaded program, as the kernel shows it in big-endian hexadecimal.
///
/// # Safety
/// `tag` is null or points to a number.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_prog_get_tag(fd: c_int, tag: *mut u64) -> c_int {
    let info = fd_of(fd).and_then(bpf::info::prog_info);
    status(info.and_then(|info| {
        // SAFETY: as this function's.
        let tag = unsafe { tag.as_mut() }.ok_or(sys("bpf", Errno::EFAULT))?;
        *tag = u64::from_be_bytes(info.tag);
        Ok(())
    }))
}

/// Input and output of [`bpf_prog_test_run_opts`], as libbpf lays it out.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct TestRunOpts {
    size: usize,
    data_in: *const c_void,
    data_out: *mut c_void,
    data_size_in: u32,
    data_size_out: u32,
    ctx_in: *const c_void,
    ctx_out: *mut c_void,
    ctx_size_in: u32,
    ctx_size_out: u32,
    retval: u32,
    repeat: c_int,
    duration: u32,
    flags: u32,
    cpu: u32,
    batch_size: u32,
}

/// Runs a program on given data.
///
/// # Safety
/// `opts` is null or points to such a struct, whose pointers hold as many bytes as it says.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_prog_test_run_opts(
    program: c_int,
    opts: *mut TestRunOpts,
) -> c_int {
    // SAFETY: as this function's.
    let Some(opts) = (unsafe { opts.as_mut() }) else { return failed(Errno::EINVAL) };
    let run = || {
        // SAFETY: as this function's.
        let data = unsafe { input(opts.data_in, opts.data_size_in as usize) }?;
        // SAFETY: as this function's.
        let ctx = unsafe { input(opts.ctx_in, opts.ctx_size_in as usize) }?;
        let out_len = |out: *mut c_void, len: u32| if out.is_null() { 0 } else { len as usize };
        object::prog_test_run(
            fd_of(program)?,
            &object::TestRun {
                data,
                ctx,
                data_out: out_len(opts.data_out, opts.data_size_out),
                ctx_out: out_len(opts.ctx_out, opts.ctx_size_out),
                repeat: opts.repeat.cast_unsigned(),
                flags: opts.flags,
                cpu: opts.cpu,
            },
        )
    };
    let result = match run() {
        Ok(result) => result,
        Err(error) => return failed(error.errno),
    };
    for (to, from) in [(opts.data_out, &result.data), (opts.ctx_out, &result.ctx)] {
        // SAFETY: as this function's; no more came than there was room said to be.
        if let Ok(out) = unsafe { output(to, if to.is_null() { 0 } else { from.len() }) } {
            out.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
    }
    opts.data_size_out = u32::try_from(result.data.len()).unwrap_or(u32::MAX);
    opts.ctx_size_out = u32::try_from(result.ctx.len()).unwrap_or(u32::MAX);
    opts.retval = result.retval;
    opts.duration = result.duration_ns;
    0
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
    owned(name.and_then(index).and_then(netlink::packet_socket))
}

/// Puts a socket filter on a socket.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_attach_socket(socket: c_int, program: c_int) -> c_int {
    let attach = |socket: BorrowedFd<'static>| {
        let socket = socket.try_clone_to_owned().map_err(|_errno| SysError::last("fcntl"))?;
        netlink::set_socket_program(&socket, fd_of(program)?)
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

/// Whether the kernel has type information of itself.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bpf_has_kernel_btf() -> bool {
    std::path::Path::new("/sys/kernel/btf/vmlinux").exists()
}

/// Writes `count` elements.
///
/// # Safety
/// `keys` and `values` point to as many keys and values as `count` says.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_update_batch(
    fd: c_int,
    keys: *const c_void,
    values: *const c_void,
    count: *mut u32,
) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let count = unsafe { count.as_mut() }.ok_or(sys("bpf", Errno::EFAULT))?;
        // SAFETY: as this function's.
        let keys = unsafe { input(keys, *count as usize * map.key_len()) }?;
        // SAFETY: as this function's.
        let values = unsafe { input(values, *count as usize * map.value_len()) }?;
        *count = u32::try_from(map.update_batch(keys, values, 0)?).unwrap_or(u32::MAX);
        Ok(())
    }))
}

/// Removes `count` keys.
///
/// # Safety
/// `keys` points to as many keys as `count` says.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_delete_batch(
    fd: c_int,
    keys: *const c_void,
    count: *mut u32,
) -> c_int {
    status(map(fd).and_then(|map| {
        // SAFETY: as this function's.
        let count = unsafe { count.as_mut() }.ok_or(sys("bpf", Errno::EFAULT))?;
        // SAFETY: as this function's.
        let keys = unsafe { input(keys, *count as usize * map.key_len()) }?;
        *count = u32::try_from(map.delete_batch(keys)?).unwrap_or(u32::MAX);
        Ok(())
    }))
}
