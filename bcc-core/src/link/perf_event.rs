//! Sampled and counted perf events.

pub use bcc_sys::perf::PerfEventAttr;

use super::{AttachError, AttachKind, Attachment, Link, Problem, perf as on_perf};
use crate::kernel::cpus;
use crate::map::Map;
use bcc_sys::perf;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// How often the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// Once per so many events.
    Period(u64),
    /// So many times a second.
    Frequency(u64),
}

/// What to sample and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerfEventOpts {
    /// `PERF_TYPE_*`.
    pub kind: u32,
    /// Event of that type.
    pub config: u64,
    /// How often.
    pub sampling: Sampling,
    /// Only this process and (when positive) its future children.
    pub pid: Option<i32>,
    /// Only this CPU; `None` is every online one.
    pub cpu: Option<i32>,
    /// Group leader.
    pub group: Option<RawFd>,
}

const HARDWARE: u32 = 0;
const SOFTWARE: u32 = 1;
const TRACEPOINT: u32 = 2;
const HW_CACHE: u32 = 3;
const BREAKPOINT: u32 = 5;

impl PerfEventOpts {
    /// What makes the request one that cannot be served, if anything does.
    fn fault(&self) -> Option<&'static str> {
        let cache = |shift: u32| (self.config >> shift) & 0xff;
        match self.kind {
            HARDWARE if self.config >= 10 => Some("no such hardware event"),
            SOFTWARE if self.config == perf::SW_BPF_OUTPUT => {
                Some("the software event BPF_OUTPUT runs no program")
            }
            SOFTWARE if self.config > perf::SW_BPF_OUTPUT => Some("no such software event"),
            HW_CACHE
                if self.config >> 24 != 0 || cache(0) >= 7 || cache(8) >= 3 || cache(16) >= 2 =>
            {
                Some("no such cache event")
            }
            TRACEPOINT => Some("tracepoints have an attachment of their own"),
            BREAKPOINT => Some("breakpoint events are not supported"),
            _ => match self.sampling {
                Sampling::Period(0) | Sampling::Frequency(0) => {
                    Some("exactly one of period and frequency is needed")
                }
                _ => None,
            },
        }
    }

    fn attr(&self) -> PerfEventAttr {
        let mut attr = PerfEventAttr::new(self.kind, self.config);
        match self.sampling {
            Sampling::Period(period) => attr.sample = period,
            Sampling::Frequency(hertz) => {
                attr.sample = hertz;
                attr.flags |= perf::ATTR_FREQ;
            }
        }
        if self.pid.is_some_and(|pid| pid > 0) {
            attr.flags |= perf::ATTR_INHERIT;
        }
        attr
    }
}

/// Attaches a perf event program.
///
/// # Errors
/// [`Problem::Invalid`] for events that cannot run programs, `ENOENT` or `EOPNOTSUPP` for ones the
/// machine has not, `ESRCH` for a missing process, `ENODEV` for a CPU that is off.
pub fn attach(program: BorrowedFd<'_>, opts: &PerfEventOpts) -> Result<Link, AttachError> {
    let target = format!("type {} config {}", opts.kind, opts.config);
    if let Some(fault) = opts.fault() {
        return Err(AttachError::new(AttachKind::PerfEvent, target, Problem::Invalid(fault)));
    }
    let (pid, group) = (opts.pid.unwrap_or(-1), opts.group.unwrap_or(-1));
    attach_raw(program, &opts.attr(), pid, opts.cpu, group)
}

/// Attaches a perf event program to an event described by the caller's own attributes.
///
/// # Errors
/// As [`attach`], without the checks.
pub fn attach_raw(
    program: BorrowedFd<'_>,
    attr: &PerfEventAttr,
    pid: i32,
    cpu: Option<i32>,
    group: RawFd,
) -> Result<Link, AttachError> {
    let kind = AttachKind::PerfEvent;
    let target = format!("type {} config {}", attr.kind, attr.config);
    let cpus = match cpu {
        Some(cpu) => vec![cpu],
        None => online(&target)?,
    };
    let mut held = Vec::with_capacity(cpus.len());
    for cpu in cpus {
        let event = perf::open(attr, pid, cpu, group)
            .and_then(|event| on_perf::run_on(event, program, 0))
            .map_err(|error| AttachError::new(kind, &target, error))?;
        held.push(event);
    }
    Ok(Link::new(kind, target, Attachment::PerfEvents(held)))
}

/// Starts a counter on every online CPU and puts it into a perf event array, where programs read it; it
/// counts as long as its descriptor lives. Returns the descriptors, each with its CPU.
///
/// # Errors
/// As [`attach_raw`]; `EINVAL` for a map of another type.
pub fn count(
    map: &Map,
    kind: u32,
    config: u64,
    pid: Option<i32>,
) -> Result<Vec<(i32, OwnedFd)>, AttachError> {
    let target = format!("type {kind} config {config}");
    let attr = PerfEventAttr::new(kind, config);
    let mut counters = Vec::new();
    for cpu in online(&target)? {
        let event = perf::open(&attr, pid.unwrap_or(-1), cpu, -1)
            .and_then(|event| perf::enable(event.as_fd()).map(|()| event))
            .and_then(|event| {
                let fd = event.as_raw_fd();
                map.raw().update(&cpu.to_ne_bytes(), &fd.to_ne_bytes(), 0).map(|()| event)
            })
            .map_err(|error| AttachError::new(AttachKind::PerfEvent, &target, error))?;
        counters.push((cpu, event));
    }
    Ok(counters)
}

fn online(target: &str) -> Result<Vec<i32>, AttachError> {
    let cpus = cpus::online().map_err(|source| {
        let path = cpus::ONLINE.to_owned();
        AttachError::new(AttachKind::PerfEvent, target, Problem::Io { path, source })
    })?;
    Ok(cpus.into_iter().map(u32::cast_signed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: PerfEventOpts = PerfEventOpts {
        kind: SOFTWARE,
        config: 0,
        sampling: Sampling::Frequency(99),
        pid: None,
        cpu: None,
        group: None,
    };

    #[test]
    fn events_that_cannot_run_programs_are_refused() {
        assert_eq!(CLOCK.fault(), None);
        for (kind, config) in [(0, 10), (1, 10), (1, 11), (2, 1), (3, 7), (3, 0x2_0000), (5, 0)] {
            assert!(PerfEventOpts { kind, config, ..CLOCK }.fault().is_some(), "{kind} {config}");
        }
        assert!(PerfEventOpts { sampling: Sampling::Period(0), ..CLOCK }.fault().is_some());
    }

    #[test]
    fn children_are_followed_only_with_a_process() {
        assert_eq!(CLOCK.attr().flags, perf::ATTR_FREQ);
        let of_process = PerfEventOpts { pid: Some(1), ..CLOCK };
        assert_eq!(of_process.attr().flags, perf::ATTR_FREQ | perf::ATTR_INHERIT);
        let of_self = PerfEventOpts { pid: Some(0), sampling: Sampling::Period(7), ..CLOCK };
        assert_eq!((of_self.attr().flags, of_self.attr().sample), (0, 7));
    }
}
