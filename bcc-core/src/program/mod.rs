//! Programs: kinds by name, loading, verifier logs, what the kernel says of them.
//!
//! What a program is loaded as, [`ProgType`], and where it may go, [`AttachType`], are open numbers with
//! the kernel's names: one that this crate has no name for yet can be given all the same.
//!
//! ```
//! use bcc_core::program::{AttachType, ProgType};
//!
//! assert_eq!(ProgType::KPROBE, ProgType(2));
//! assert_eq!(AttachType::TRACE_FENTRY, AttachType(24));
//! ```

pub mod error;
pub mod helpers;
pub mod kind;
pub mod load;
pub mod privilege;
pub mod struct_ops;
pub mod tag;
pub mod target;
pub mod verifier_log;

pub use error::LoadError;
pub use kind::{Hook, ProgramKind};
pub use verifier_log::VerifierLog;

pub use bcc_sys::bpf::object::TestRunResult;
pub use bcc_sys::bpf::{AttachType, ProgInfo, ProgType};

use bcc_sys::SysError;
use bcc_sys::bpf::info;
use bcc_sys::bpf::object::{TestRun, obj_pin, prog_test_run};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A loaded program. It leaves the kernel when this and everything attached to it are gone.
#[derive(Debug)]
pub struct Program {
    pub(crate) name: String,
    pub(crate) prog_type: ProgType,
    pub(crate) attach_type: AttachType,
    pub(crate) fd: OwnedFd,
    pub(crate) insns: Vec<u8>,
    pub(crate) log: Option<VerifierLog>,
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Program {
    /// The C function's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type it was loaded as.
    pub fn prog_type(&self) -> ProgType {
        self.prog_type
    }

    /// The attach type it was loaded with; 0 where none was given.
    pub fn attach_type(&self) -> AttachType {
        self.attach_type
    }

    /// The instructions as loaded, map descriptors patched in.
    pub fn insns(&self) -> &[u8] {
        &self.insns
    }

    /// The verifier's log, when the module's debug flags asked for one.
    pub fn verifier_log(&self) -> Option<&VerifierLog> {
        self.log.as_ref()
    }

    /// What the kernel says of it.
    ///
    /// # Errors
    /// The kernel's.
    pub fn info(&self) -> Result<ProgInfo, SysError> {
        info::prog_info(self.as_fd())
    }

    /// The instructions as the verifier left them; empty when the kernel hides them.
    ///
    /// # Errors
    /// The kernel's.
    pub fn translated(&self) -> Result<Vec<u8>, SysError> {
        info::prog_xlated(self.as_fd())
    }

    /// Pins it at a path of a bpffs, where it outlives the process.
    ///
    /// # Errors
    /// The kernel's: `EEXIST`, `EPERM` when the path is not on a bpffs.
    pub fn pin(&self, path: &CStr) -> Result<(), SysError> {
        obj_pin(self.as_fd(), path)
    }

    /// Runs it on a packet `data` and context `ctx` (either may be empty), `repeat` times.
    ///
    /// # Errors
    /// [`LoadError::TestRun`] for types that cannot be run so and data that does not go with the type.
    ///
    /// # Kernel support
    /// Socket filters, XDP, tc 4.12; raw tracepoints 5.10; tracing (fentry, `fmod_ret`) 5.7.
    pub fn test_run(
        &self,
        data: &[u8],
        ctx: &[u8],
        repeat: u32,
    ) -> Result<TestRunResult, LoadError> {
        /// Room a program may add in front of a packet, and more than any context has.
        const HEADROOM: usize = 256;
        let run = TestRun {
            data,
            ctx,
            data_out: if data.is_empty() { 0 } else { data.len() + HEADROOM },
            ctx_out: ctx.len(),
            repeat,
            ..Default::default()
        };
        prog_test_run(self.as_fd(), &run)
            .map_err(|source| LoadError::TestRun { program: self.name.clone(), source })
    }
}
