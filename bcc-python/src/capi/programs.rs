//! Programs: loaded from instructions, run on given data, their tags.

use super::{c_str, c_text, failed, fd_of, input, output, owned, status, sys};
use bcc_core::program::privilege::raise_memlock;
use bcc_sys::SysError;
use bcc_sys::bpf::call::{ProgLoad, prog_load};
use bcc_sys::bpf::{self, object};
use nix::errno::Errno;
use std::ffi::{c_char, c_int, c_uint, c_void};

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

/// How many bytes there are of a struct that begins with their number, as libbpf's do.
///
/// # Safety
/// `opts` is null or points to such a struct.
unsafe fn size_of_opts<T>(opts: *const T) -> Result<usize, SysError> {
    if opts.is_null() {
        return Err(sys("bpf", Errno::EFAULT));
    }
    // SAFETY: not null, and the caller promises a struct that begins so.
    let size = unsafe { opts.cast::<usize>().read_unaligned() };
    if size < size_of::<usize>() { Err(sys("bpf", Errno::EINVAL)) } else { Ok(size) }
}

/// Copies what there is of `opts` over the beginning of `whole`: callers that were built earlier know fewer
/// fields.
///
/// # Safety
/// `opts` is null or points to a struct that begins like `T`, by fields that may hold any bytes.
unsafe fn read_opts<T: Copy>(opts: *const T, mut whole: T) -> Result<T, SysError> {
    // SAFETY: as this function's.
    let size = unsafe { size_of_opts(opts) }?.min(size_of::<T>());
    // SAFETY: the struct has that many bytes, and so has `whole`, which is ours.
    unsafe { opts.cast::<u8>().copy_to_nonoverlapping((&raw mut whole).cast(), size) };
    Ok(whole)
}

/// Input and output of [`bpf_prog_test_run_opts`], as libbpf lays it out.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
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

impl TestRunOpts {
    const NONE: Self = Self {
        size: 0,
        data_in: std::ptr::null(),
        data_out: std::ptr::null_mut(),
        data_size_in: 0,
        data_size_out: 0,
        ctx_in: std::ptr::null(),
        ctx_out: std::ptr::null_mut(),
        ctx_size_in: 0,
        ctx_size_out: 0,
        retval: 0,
        repeat: 0,
        duration: 0,
        flags: 0,
        cpu: 0,
        batch_size: 0,
    };
}

/// Runs a program on given data.
///
/// # Safety
/// `opts` is null or points to such a struct, whose pointers hold as many bytes as it says.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_prog_test_run_opts(
    program: c_int,
    to: *mut TestRunOpts,
) -> c_int {
    // SAFETY: as this function's.
    let mut opts = match unsafe { read_opts(to, TestRunOpts::NONE) } {
        Ok(opts) => opts,
        Err(_) => return failed(Errno::EINVAL),
    };
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
    let size = opts.size.min(size_of::<TestRunOpts>());
    // SAFETY: as this function's: the struct has that many bytes.
    unsafe { (&raw const opts).cast::<u8>().copy_to_nonoverlapping(to.cast(), size) };
    0
}

/// `struct bpf_prog_load_opts`, as far as it is read.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProgLoadOpts {
    size: usize,
    attempts: c_int,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    prog_flags: u32,
    prog_ifindex: u32,
    kern_version: u32,
    attach_btf_id: u32,
    attach_prog_fd: u32,
    attach_btf_obj_fd: u32,
}

impl ProgLoadOpts {
    const NONE: Self = Self {
        size: size_of::<Self>(),
        attempts: 0,
        expected_attach_type: 0,
        prog_btf_fd: 0,
        prog_flags: 0,
        prog_ifindex: 0,
        kern_version: 0,
        attach_btf_id: 0,
        attach_prog_fd: 0,
        attach_btf_obj_fd: 0,
    };
}

/// Loads a program; its descriptor, or -1 with `errno` and what the verifier said in `log`.
///
/// # Safety
/// The texts are null or C strings, `insns` points to `len` bytes of instructions, `opts` to such a struct,
/// `log` is null or points to `log_size` bytes that only this call uses.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_prog_load_xattr(
    prog_type: c_uint,
    name: *const c_char,
    license: *const c_char,
    insns: *const c_void,
    opts: *const ProgLoadOpts,
    len: c_int,
    log: *mut c_char,
    log_size: c_uint,
    allow_rlimit: bool,
) -> c_int {
    // SAFETY: as this function's.
    let opts = match unsafe { read_opts(opts, ProgLoadOpts::NONE) } {
        Ok(opts) => opts,
        Err(error) => return failed(error.errno),
    };
    // SAFETY: as this function's. Without a name the program has none.
    let name = unsafe { c_text(name) }.unwrap_or_default();
    let loaded = || {
        let fd = |fd: u32| if fd == 0 { Ok(None) } else { fd_of(fd.cast_signed()).map(Some) };
        let len = usize::try_from(len).map_err(|_negative| sys("bpf", Errno::EINVAL))?;
        let prog = ProgLoad {
            prog_type,
            expected_attach_type: opts.expected_attach_type,
            // SAFETY: as this function's.
            insns: unsafe { input(insns, len) }?,
            // SAFETY: as this function's.
            license: unsafe { c_str(license) }?,
            kern_version: opts.kern_version,
            flags: opts.prog_flags,
            name: &name,
            ifindex: opts.prog_ifindex,
            btf: fd(opts.prog_btf_fd)?,
            attach_btf_id: opts.attach_btf_id,
            attach_obj: fd(opts.attach_prog_fd.max(opts.attach_btf_obj_fd))?,
            ..ProgLoad::default()
        };
        // SAFETY: as this function's.
        let log = unsafe { output(log.cast(), if log.is_null() { 0 } else { log_size as usize }) }?;
        match prog_load(&prog, 1, Some(&mut *log)) {
            Err(error) if error.errno == Errno::EPERM && allow_rlimit && raise_memlock() => {
                prog_load(&prog, 1, Some(log))
            }
            loaded => loaded,
        }
    };
    owned(loaded())
}

/// As [`bcc_prog_load_xattr`], with what most programs need.
///
/// # Safety
/// As [`bcc_prog_load_xattr`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bcc_prog_load(
    prog_type: c_uint,
    name: *const c_char,
    insns: *const c_void,
    len: c_int,
    license: *const c_char,
    kern_version: c_uint,
    _log_level: c_int,
    log: *mut c_char,
    log_size: c_uint,
) -> c_int {
    let opts = ProgLoadOpts { kern_version, ..ProgLoadOpts::NONE };
    // SAFETY: the options live during the call; the rest as this function's.
    unsafe {
        bcc_prog_load_xattr(
            prog_type,
            name,
            license,
            insns,
            &raw const opts,
            len,
            log,
            log_size,
            true,
        )
    }
}

/// The tag that the kernel would give a program, without loading it.
///
/// # Safety
/// `insns` points to `len` bytes of instructions, `tag` is null or points to a number.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn bpf_prog_compute_tag(
    insns: *const c_void,
    len: c_int,
    tag: *mut u64,
) -> c_int {
    let len = usize::try_from(len).unwrap_or(0);
    // SAFETY: as this function's.
    let (Ok(insns), Some(tag)) = (unsafe { input(insns, len) }, unsafe { tag.as_mut() }) else {
        return failed(Errno::EFAULT);
    };
    match bcc_core::program::tag::of_instructions(insns) {
        Ok(found) => {
            *tag = u64::from_be_bytes(found);
            0
        }
        Err(error) => failed(error.errno),
    }
}
