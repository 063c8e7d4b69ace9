//! One program on many functions: by one system call where the kernel can, one by one where it cannot.
//! What cannot be traced is skipped and reported.

use super::Module;
use crate::Error;
use crate::kernel::features::{Feature, supported};
use crate::kernel::kallsyms::Kallsyms;
use crate::link::kprobe::{self, KprobeOpts};
use crate::link::kprobe_multi::{self, KprobeMultiOpts};
use crate::link::uprobe::{self, UprobeOpts};
use crate::link::uprobe_multi::{self, UprobeMultiOpts};
use crate::link::{AttachError, Link};
use crate::program::Program;
use bcc_sys::bpf::{AttachType, ProgType};
use std::collections::HashSet;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

/// What came of attaching to many.
#[derive(Debug, Default)]
pub struct Matched {
    /// What holds the attachments.
    pub links: Vec<Link>,
    /// How many functions or places are attached.
    pub attached: usize,
    /// Those that cannot be traced: function names, or file offsets.
    pub skipped: Vec<String>,
    /// Their positions in what was asked for, ascending.
    pub refused: Vec<usize>,
}

/// Attaches `program` to the entry (or return) of each kernel function.
///
/// # Errors
/// [`Error::Load`] when it cannot be loaded, [`Error::Attach`] when no function at all can be traced.
pub fn kprobes<S: AsRef<str>>(
    module: &Module,
    program: &str,
    functions: &[S],
    on_return: bool,
) -> Result<Matched, Error> {
    if functions.len() > 1
        && let Some(multi) = variant(module, program, Feature::KprobeMulti)
        && let Ok(symbols) = Kallsyms::read()
    {
        return Ok(kprobe_set(&multi, &symbols, functions, on_return)?);
    }
    let program = module.load_program(program, Some(ProgType::KPROBE), None)?;
    one_by_one(
        functions,
        |function| {
            let function = function.as_ref().to_owned();
            let opts = KprobeOpts { function, on_return, ..Default::default() };
            kprobe::attach(program.as_fd(), &opts)
        },
        |function| function.as_ref().to_owned(),
    )
}

/// The program loaded for attaching to many at once; `None` where the kernel cannot, or takes this
/// program for single places only.
fn variant(module: &Module, program: &str, feature: Feature) -> Option<Arc<Program>> {
    let attach_type = match feature {
        Feature::KprobeMulti => AttachType::TRACE_KPROBE_MULTI,
        _ => AttachType::TRACE_UPROBE_MULTI,
    };
    if !supported(feature) {
        return None;
    }
    module.load_program_for(program, ProgType::KPROBE, attach_type).ok()
}

fn kprobe_set<S: AsRef<str>>(
    program: &Program,
    symbols: &Kallsyms,
    functions: &[S],
    on_return: bool,
) -> Result<Matched, AttachError> {
    // A name may stand for several functions, and several names for one.
    let mut known: Vec<(u64, usize)> = Vec::with_capacity(functions.len());
    for (index, function) in functions.iter().enumerate() {
        known.extend(symbols.named(function.as_ref()).map(|symbol| (symbol.address, index)));
    }
    known.sort_unstable();
    // The kernel refuses a set that names an address twice.
    let mut addresses: Vec<u64> = known.iter().map(|(address, _)| *address).collect();
    addresses.dedup();
    let opts = KprobeMultiOpts { addresses: &addresses, cookies: &[], on_return };
    let made = kprobe_multi::attach(program.as_fd(), &opts)?;
    let bad: HashSet<u64> = made.refused.iter().copied().collect();
    let mut traced = vec![false; functions.len()];
    for (_, index) in known.iter().filter(|(address, _)| !bad.contains(address)) {
        traced[*index] = true;
    }
    let refused: Vec<usize> = (0..functions.len()).filter(|&index| !traced[index]).collect();
    let skipped = refused.iter().map(|&index| functions[index].as_ref().to_owned()).collect();
    let attached = addresses.len() - bad.len();
    Ok(Matched { links: made.links, attached, skipped, refused })
}

/// Attaches `program` to places of one file, given by file offset; with `pid`, in that process only.
///
/// # Errors
/// [`Error::Load`] when it cannot be loaded, [`Error::Attach`] when no place at all can be traced.
pub fn uprobes(
    module: &Module,
    program: &str,
    path: &Path,
    offsets: &[u64],
    pid: Option<i32>,
    on_return: bool,
) -> Result<Matched, Error> {
    // Some kernels take a set for one process, but watch one thread of it.
    let feature = if pid.is_none() { Feature::UprobeMulti } else { Feature::UprobeMultiProcess };
    if offsets.len() > 1
        && let Some(multi) = variant(module, program, feature)
    {
        let opts = UprobeMultiOpts {
            path,
            offsets,
            ref_ctr_offsets: &[],
            cookies: &[],
            on_return,
            pid: pid.map(i32::cast_unsigned),
        };
        // One bad place refuses the set: then one by one, so that the others are attached. A thread's
        // number is refused, too.
        if let Ok(link) = uprobe_multi::attach(multi.as_fd(), &opts) {
            let attached = offsets.len();
            return Ok(Matched { links: vec![link], attached, ..Default::default() });
        }
    }
    let program = module.load_program(program, Some(ProgType::KPROBE), None)?;
    one_by_one(
        offsets,
        |offset| {
            let path = path.to_owned();
            let opts = UprobeOpts { path, offset: *offset, on_return, pid, ..Default::default() };
            uprobe::attach(program.as_fd(), &opts)
        },
        |offset| format!("{offset:#x}"),
    )
}

fn one_by_one<T>(
    targets: &[T],
    attach: impl Fn(&T) -> Result<Link, AttachError>,
    name: impl Fn(&T) -> String,
) -> Result<Matched, Error> {
    let mut matched = Matched::default();
    let mut first_error = None;
    for (index, target) in targets.iter().enumerate() {
        match attach(target) {
            Ok(link) => matched.links.push(link),
            Err(error) => {
                matched.skipped.push(name(target));
                matched.refused.push(index);
                first_error.get_or_insert(error);
            }
        }
    }
    matched.attached = matched.links.len();
    match first_error {
        Some(error) if matched.links.is_empty() => Err(error.into()),
        _ => Ok(matched),
    }
}
