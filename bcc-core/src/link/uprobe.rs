//! Places in user programs and libraries.

use super::kprobe::attach_by_name;
use super::tracefs_probe::{Definition, ProbeFile};
use super::{AttachError, AttachKind, Attachment, Link, Problem, perf as on_perf};
use crate::symbol::SymbolError;
use crate::symbol::place::{self, Wanted};
use bcc_sys::perf::{self, ProbePmu, ProbeTarget};
use std::ffi::CString;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Where and how.
#[derive(Debug, Clone, Default)]
pub struct UprobeOpts {
    /// The executable or library.
    pub path: PathBuf,
    /// File offset of the instruction.
    pub offset: u64,
    /// Fire on return.
    pub on_return: bool,
    /// Only this process; `None` is every one, present and future.
    pub pid: Option<i32>,
    /// File offset of the USDT semaphore, which the kernel then counts up; 0 is none.
    pub ref_ctr_offset: u32,
    /// What `bpf_get_attach_cookie` returns; not 0 needs v5.15.
    pub cookie: u64,
}

impl UprobeOpts {
    /// Function `symbol` of a library (`c`), an executable (`bash`) or a path, as process `pid` has it; with
    /// `pid`, in that process only.
    ///
    /// # Errors
    /// [`SymbolError`] for a file or function that is not there.
    pub fn function(module: &str, symbol: &str, pid: Option<i32>) -> Result<Self, SymbolError> {
        let place = place::resolve(module, Wanted::Symbol(symbol, 0), pid)?;
        Ok(Self { path: place.path, offset: place.offset, pid, ..Self::default() })
    }
}

fn pmu() -> Option<ProbePmu> {
    static PMU: OnceLock<Option<ProbePmu>> = OnceLock::new();
    *PMU.get_or_init(|| ProbePmu::read("uprobe"))
}

/// Whether the kernel counts USDT semaphores by itself (since v4.20).
pub fn counts_semaphores() -> bool {
    std::path::Path::new("/sys/bus/event_source/devices/uprobe/format/ref_ctr_offset").exists()
}

/// Attaches a uprobe program (type kprobe).
///
/// # Errors
/// `ENOENT` for a missing file, `EINVAL` or `EIO` for an offset outside of it, `ESRCH` for a
/// missing process.
pub fn attach(program: BorrowedFd<'_>, opts: &UprobeOpts) -> Result<Link, AttachError> {
    let kind = if opts.on_return { AttachKind::Uretprobe } else { AttachKind::Uprobe };
    let target = format!("{}:{:#x}", opts.path.display(), opts.offset);
    let fail = |problem: Problem| AttachError::new(kind, &target, problem);
    let pid = opts.pid.unwrap_or(-1);
    let attachment = if let Some(pmu) = pmu() {
        let path = CString::new(opts.path.as_os_str().as_bytes());
        let place = ProbeTarget {
            name: &path.map_err(|_nul| fail(Problem::NotFound))?,
            offset: opts.offset,
            on_return: opts.on_return,
            ref_ctr_offset: opts.ref_ctr_offset,
        };
        let cpu = if pid >= 0 { -1 } else { 0 };
        let event = perf::open_probe(&pmu, &place, pid, cpu).map_err(|e| fail(e.into()))?;
        let held = on_perf::run_on(event, program, opts.cookie).map_err(|e| fail(e.into()))?;
        Attachment::PerfEvents(vec![held])
    } else {
        let place = match opts.ref_ctr_offset {
            0 => target.clone(),
            semaphore => format!("{target}({semaphore:#x})"),
        };
        let definition = Definition {
            file: ProbeFile::Uprobe,
            on_return: opts.on_return,
            maxactive: 0,
            label: &target,
            place: &place,
        };
        attach_by_name(program, &definition, pid, opts.cookie).map_err(fail)?
    };
    Ok(Link::new(kind, target, attachment))
}
