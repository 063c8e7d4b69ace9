//! `PROG_LOAD` with what older and stricter kernels need left out, and with a log once it has failed.

use super::error::LoadError;
use super::privilege::{self, Need};
use super::verifier_log::VerifierLog;
use bcc_sys::SysError;
use bcc_sys::bpf::ProgType;
use bcc_sys::bpf::call::{ProgLoad, prog_load};
use nix::errno::Errno;
use std::os::fd::OwnedFd;

/// First size of the log buffer, and where growing ends (the kernel takes no more before 5.2).
const LOG_START: usize = 64 * 1024;
const LOG_END: usize = 16 * 1024 * 1024;
/// The kernel's limit before verification.
const MAX_INSNS: usize = 1_000_000;

/// How to load.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Verbosity of the verifier's log: 0 asks for it only after a failure.
    pub log_level: u32,
    /// Whether the memlock limit may be raised when the kernel accounts programs to it (before 5.11).
    pub allow_rlimit: bool,
}

/// A program in the kernel.
#[derive(Debug)]
pub struct Loaded {
    /// Its descriptor.
    pub fd: OwnedFd,
    /// The log, when one was asked for.
    pub log: Option<VerifierLog>,
}

/// Loads `prog`, which is C function `program`. `place` gives the user's `file:line` of an instruction.
///
/// # Errors
/// [`LoadError::Verifier`] with the log when the verifier refuses, [`LoadError::Kernel`] when the kernel
/// does before that, [`LoadError::TooLarge`].
pub fn load(
    program: &str,
    prog: &ProgLoad<'_>,
    options: Options,
    place: impl FnOnce(usize) -> Option<String>,
) -> Result<Loaded, LoadError> {
    if options.log_level > 0 {
        return match with_log(prog, options.log_level) {
            Ok(loaded) => Ok(loaded),
            // Kernels that refuse the attributes do so with a log as well as without.
            Err((error, log)) if log.is_empty() => match plain(prog, options.allow_rlimit) {
                Ok(fd) => Ok(Loaded { fd, log: Some(log) }),
                Err(_) => Err(failure(program, prog, error, log)),
            },
            Err((error, log)) => Err(failure(program, prog, error, log.with_place(place))),
        };
    }
    let error = match plain(prog, options.allow_rlimit) {
        Ok(fd) => return Ok(Loaded { fd, log: None }),
        Err(error) => error,
    };
    match with_log(prog, 1) {
        Ok(loaded) => Ok(Loaded { log: None, ..loaded }),
        // The first answer counts: a log that does not fit changes the second one.
        Err((_, log)) => Err(failure(program, prog, error, log.with_place(place))),
    }
}

/// Without a log: leaves out what the kernel may not know, one thing at a time.
fn plain(prog: &ProgLoad<'_>, allow_rlimit: bool) -> Result<OwnedFd, SysError> {
    let mut prog = *prog;
    let mut raised = !allow_rlimit;
    loop {
        let error = match prog_load(&prog, 0, None) {
            Ok(fd) => return Ok(fd),
            Err(error) => error,
        };
        let has_info = !prog.func_info.is_empty() || !prog.line_info.is_empty();
        let named = !prog.name.is_empty();
        match error.errno {
            Errno::EINVAL if has_info => {
                prog.func_info = &[];
                prog.line_info = &[];
            }
            Errno::E2BIG | Errno::EINVAL if named => prog.name = "",
            Errno::EPERM if !raised && privilege::raise_memlock() => raised = true,
            _ => return Err(error),
        }
    }
}

/// With a log, in a buffer that grows until it fits.
fn with_log(prog: &ProgLoad<'_>, level: u32) -> Result<Loaded, (SysError, VerifierLog)> {
    let mut size = LOG_START;
    loop {
        let mut buffer = vec![0; size];
        match prog_load(prog, level, Some(&mut buffer)) {
            Ok(fd) => return Ok(Loaded { fd, log: Some(VerifierLog::new(&buffer)) }),
            Err(error) if error.errno == Errno::ENOSPC && size < LOG_END => size *= 2,
            Err(error) => return Err((error, VerifierLog::new(&buffer))),
        }
    }
}

fn failure(program: &str, prog: &ProgLoad<'_>, source: SysError, log: VerifierLog) -> LoadError {
    let program = program.to_owned();
    let count = prog.insns.len() / 8;
    if !log.is_empty() {
        let mut hints = log.hints();
        if log.lacks_helper() {
            hints.extend(privilege::lockdown());
        }
        return LoadError::Verifier { program, errno: source.errno, log, hints };
    }
    if source.errno == Errno::E2BIG && count > MAX_INSNS {
        return LoadError::TooLarge { program, count, limit: MAX_INSNS };
    }
    let prog_type = ProgType(prog.prog_type);
    let hint = privilege::hint(source.errno, Need::Program(prog_type));
    let refused = source.errno == Errno::EPERM && prog.attach_btf_id != 0;
    let offload = source.errno == Errno::EINVAL && prog.ifindex != 0;
    let hint = hint
        .or(refused.then(|| "the running kernel refuses trampolines".to_owned()))
        .or(offload.then(|| "the device cannot run programs in hardware".to_owned()))
        .unwrap_or_default();
    LoadError::Kernel { program, prog_type, source, hint }
}
