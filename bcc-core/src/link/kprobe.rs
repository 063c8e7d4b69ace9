//! Entry and return of kernel functions.

use super::tracefs_probe::{Definition, ProbeFile, TracefsProbe};
use super::{AttachError, AttachKind, Attachment, Link, Problem, perf as on_perf};
use crate::kernel::tracefs;
use bcc_sys::perf::{self, PerfEventAttr, ProbePmu, ProbeTarget};
use std::ffi::CString;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;

/// Where and how.
#[derive(Debug, Clone, Default)]
pub struct KprobeOpts {
    /// Function, optionally `module:function`.
    pub function: String,
    /// Bytes from the function's start; entry probes only.
    pub offset: u64,
    /// Fire on return.
    pub on_return: bool,
    /// How many calls may be in flight in a return probe; 0 is the kernel's choice. Needs tracefs.
    pub maxactive: u32,
    /// What `bpf_get_attach_cookie` returns; not 0 needs v5.15.
    pub cookie: u64,
}

fn pmu() -> Option<ProbePmu> {
    static PMU: OnceLock<Option<ProbePmu>> = OnceLock::new();
    *PMU.get_or_init(|| ProbePmu::read("kprobe"))
}

/// What functions that allocate are called since v6.10, where their old names are macros that count.
const COUNTED: &str = "_noprof";

/// Functions that kernels no longer have, and those that their callers call instead: where both are
/// probed, as a script does that counts what is sent, nothing is missed. `tcp_sendpage` went in v6.5
/// ("sock: Remove ->sendpage*() in favour of `sendmsg(MSG_SPLICE_PAGES)`").
const GONE: [(&str, &str); 1] = [("tcp_sendpage", "tcp_sendmsg")];

/// Attaches a kprobe program. Where `kmem_cache_alloc` and its kin are macros around the functions
/// themselves (`kmem_cache_alloc_noprof`, since v6.10), to those. Where a function is gone because
/// its callers call another one, to nothing: [`Link::note`] says so.
///
/// # Errors
/// `ENOENT` or `EINVAL` for a function that cannot be traced, [`Problem::Unsupported`] on a kernel
/// without kprobes.
pub fn attach(program: BorrowedFd<'_>, opts: &KprobeOpts) -> Result<Link, AttachError> {
    let missing = match attach_to(program, opts) {
        Err(error) if error.is_missing() => error,
        attached => return attached,
    };
    let function = format!("{}{COUNTED}", opts.function);
    if let Ok(counted) = attach_to(program, &KprobeOpts { function, ..opts.clone() }) {
        return Ok(counted);
    }
    let Some((gone, instead)) = GONE.iter().find(|(gone, _)| *gone == opts.function) else {
        return Err(missing);
    };
    let why = format!("this kernel has no {gone}: its callers call {instead}");
    Ok(Link::new(missing.kind, *gone, Attachment::Gone(why)))
}

fn attach_to(program: BorrowedFd<'_>, opts: &KprobeOpts) -> Result<Link, AttachError> {
    let kind = if opts.on_return { AttachKind::Kretprobe } else { AttachKind::Kprobe };
    let target = match opts.offset {
        0 => opts.function.clone(),
        offset => format!("{}+{offset:#x}", opts.function),
    };
    let fail = |problem: Problem| AttachError::new(kind, &target, problem);
    if opts.on_return && opts.offset != 0 {
        return Err(fail(Problem::Invalid("a return probe has no offset")));
    }
    if opts.function.contains(char::is_whitespace) || opts.function.is_empty() {
        return Err(fail(Problem::NotFound));
    }
    let attachment = match pmu() {
        Some(pmu) if opts.maxactive == 0 => {
            let name = CString::new(opts.function.as_str()).map_err(|_nul| Problem::NotFound);
            let place = ProbeTarget {
                name: &name.map_err(fail)?,
                offset: opts.offset,
                on_return: opts.on_return,
                ref_ctr_offset: 0,
            };
            let event = perf::open_probe(&pmu, &place, -1, 0).map_err(|e| fail(e.into()))?;
            let held = on_perf::run_on(event, program, opts.cookie).map_err(|e| fail(e.into()))?;
            Attachment::PerfEvents(vec![held])
        }
        _ => by_name(program, opts, &target).map_err(fail)?,
    };
    Ok(Link::new(kind, target, attachment))
}

fn by_name(
    program: BorrowedFd<'_>,
    opts: &KprobeOpts,
    target: &str,
) -> Result<Attachment, Problem> {
    if !tracefs::root().join("kprobe_events").exists() {
        return Err(Problem::Unsupported);
    }
    let definition = Definition {
        file: ProbeFile::Kprobe,
        on_return: opts.on_return,
        maxactive: opts.maxactive,
        label: target,
        place: target,
    };
    attach_by_name(program, &definition, -1, opts.cookie)
}

/// Makes the tracefs probe and runs `program` on its tracepoint.
pub(super) fn attach_by_name(
    program: BorrowedFd<'_>,
    definition: &Definition<'_>,
    pid: i32,
    cookie: u64,
) -> Result<Attachment, Problem> {
    let (probe, id) = TracefsProbe::create(definition)?;
    let mut attr = PerfEventAttr::new(perf::TYPE_TRACEPOINT, id);
    attr.sample = 1;
    attr.wakeup = 1;
    let cpu = if pid >= 0 { -1 } else { 0 };
    let opened = perf::open(&attr, pid, cpu, -1);
    match opened.and_then(|event| on_perf::run_on(event, program, cookie)) {
        Ok(event) => Ok(Attachment::Tracefs { event, probe }),
        Err(error) => {
            if let Err(problem) = probe.remove() {
                log::warn!("a probe stays in tracefs: {problem}");
            }
            Err(error.into())
        }
    }
}
