//! Probes made by name in tracefs: for return probes with `maxactive`, and for kernels without the
//! probe PMUs.

use super::Problem;
use crate::kernel::tracefs;
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

/// Longest event name the kernel takes, without the NUL.
const MAX_NAME: usize = 63;

/// Which of tracefs' two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProbeFile {
    Kprobe,
    Uprobe,
}

impl ProbeFile {
    fn file(self) -> &'static str {
        match self {
            Self::Kprobe => "kprobe_events",
            Self::Uprobe => "uprobe_events",
        }
    }

    fn group(self) -> &'static str {
        match self {
            Self::Kprobe => "kprobes",
            Self::Uprobe => "uprobes",
        }
    }

    fn append(self, line: &str) -> io::Result<()> {
        let path = tracefs::root().join(self.file());
        let mut file = OpenOptions::new().append(true).open(path)?;
        // One write is one command.
        file.write_all(line.as_bytes())
    }
}

/// What a probe is to be.
#[derive(Debug)]
pub(super) struct Definition<'a> {
    pub(super) file: ProbeFile,
    pub(super) on_return: bool,
    pub(super) maxactive: u32,
    /// Function or path, for the name.
    pub(super) label: &'a str,
    /// What the kernel resolves: `vfs_read+0x4`, `/bin/bash:0x123`.
    pub(super) place: &'a str,
}

/// Names in use by this process.
static NAMES: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// A probe in tracefs that is ours to remove.
#[derive(Debug)]
pub(super) struct TracefsProbe {
    file: ProbeFile,
    name: String,
}

impl TracefsProbe {
    /// Makes the probe and returns it with its tracepoint id.
    pub(super) fn create(definition: &Definition<'_>) -> Result<(Self, u64), Problem> {
        // The kernel reads words, and a command on each line.
        if definition.place.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Problem::Invalid("tracefs takes no name with a blank or a line's end"));
        }
        sweep_once();
        let name = reserve(definition);
        let probe = Self { file: definition.file, name };
        let letter = match (definition.on_return, definition.maxactive) {
            (false, _) => "p".to_owned(),
            (true, 0) => "r".to_owned(),
            (true, active) => format!("r{active}"),
        };
        let group = definition.file.group();
        let line = format!("{letter}:{group}/{} {}\n", probe.name, definition.place);
        if let Err(source) = definition.file.append(&line) {
            probe.release();
            let path = tracefs::root().join(definition.file.file()).display().to_string();
            return Err(Problem::Io { path, source });
        }
        match tracefs::event_id(group, &probe.name) {
            Ok(id) => Ok((probe, id)),
            Err(source) => {
                let path = tracefs::root().join("events").join(group).display().to_string();
                if let Err(problem) = probe.remove() {
                    log::warn!("a probe stays in tracefs: {problem}");
                }
                Err(Problem::Io { path, source })
            }
        }
    }

    /// Takes the probe out of the kernel.
    pub(super) fn remove(self) -> Result<(), Problem> {
        let line = format!("-:{}/{}\n", self.file.group(), self.name);
        self.release();
        self.file.append(&line).map_err(|source| Problem::Io {
            path: tracefs::root().join(self.file.file()).display().to_string(),
            source,
        })
    }

    /// Leaves the probe to the process that made it.
    pub(super) fn forget(self) {
        self.release();
    }

    fn release(&self) {
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = names.as_mut() {
            names.remove(&self.name);
        }
    }
}

/// `<p|r>_F_bcc_<pid>`, with a number when this process has one of that name.
fn reserve(definition: &Definition<'_>) -> String {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    let mut turn = 0;
    loop {
        let name = event_name(definition.on_return, definition.label, std::process::id(), turn);
        if names.insert(name.clone()) {
            return name;
        }
        turn += 1;
    }
}

fn event_name(on_return: bool, label: &str, pid: u32, turn: u32) -> String {
    let clean: String =
        label.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let letter = if on_return { 'r' } else { 'p' };
    let tail = if turn == 0 { format!("_bcc_{pid}") } else { format!("_{turn}_bcc_{pid}") };
    // The end tells places apart better than the start does.
    let room = MAX_NAME - 2 - tail.len();
    let label = &clean[clean.len().saturating_sub(room)..];
    format!("{letter}_{label}{tail}")
}

fn sweep_once() {
    static SWEEP: Once = Once::new();
    SWEEP.call_once(|| {
        remove_stale_probes();
    });
}

/// Removes tracefs probes that processes left which are gone (killed before they could detach);
/// returns how many. A probe that someone still uses refuses to go.
pub fn remove_stale_probes() -> usize {
    let mut removed = 0;
    for file in [ProbeFile::Kprobe, ProbeFile::Uprobe] {
        let path = tracefs::root().join(file.file());
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        for name in stale_names(&text, file.group(), process_is_gone) {
            match file.append(&format!("-:{}/{name}\n", file.group())) {
                Ok(()) => removed += 1,
                Err(error) => log::debug!("stale probe {name} stays: {error}"),
            }
        }
    }
    removed
}

fn process_is_gone(pid: i32) -> bool {
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, None) == Err(nix::errno::Errno::ESRCH)
}

/// Names of our making in `text` whose process `is_gone`.
fn stale_names<'a>(text: &'a str, group: &str, is_gone: impl Fn(i32) -> bool) -> Vec<&'a str> {
    let name_of = |line: &'a str| {
        let head = line.split_whitespace().next()?;
        let name = head.split_once(':')?.1.strip_prefix(group)?.strip_prefix('/')?;
        let (rest, pid) = name.rsplit_once("_bcc_")?;
        let ours = rest.starts_with("p_") || rest.starts_with("r_");
        let pid = pid.parse().ok().filter(|&pid: &i32| pid > 0)?;
        (ours && is_gone(pid)).then_some(name)
    };
    text.lines().filter_map(name_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_process_and_fit() {
        assert_eq!(event_name(false, "vfs_read", 12, 0), "p_vfs_read_bcc_12");
        assert_eq!(event_name(true, "a.isra.0+0x4", 12, 2), "r_a_isra_0_0x4_2_bcc_12");
        let long = event_name(false, &"x".repeat(200), 4_000_000, 0);
        assert_eq!(long.len(), MAX_NAME);
        assert!(long.ends_with("_bcc_4000000"));
    }

    #[test]
    fn a_name_cannot_smuggle_in_commands() {
        for place in ["vfs_read\n-:kprobes/theirs", "vfs_read x=%ax", "/tmp/a b:0x10", "f\0"] {
            let (file, label) = (ProbeFile::Kprobe, "f");
            let definition = Definition { file, on_return: true, maxactive: 8, label, place };
            let refused = TracefsProbe::create(&definition);
            assert!(matches!(refused, Err(Problem::Invalid(_))), "{place:?}: {refused:?}");
        }
    }

    #[test]
    fn only_names_of_ours_with_a_dead_process_are_stale() {
        let text = "p:kprobes/p_vfs_read_bcc_12 vfs_read\n\
                    r16:kprobes/r_vfs_open_bcc_13 vfs_open\n\
                    p:kprobes/myprobe vfs_read\n\
                    p:other/p_x_bcc_12 x\n\
                    p:kprobes/p_x_bcc_zwei x\nnonsense\n";
        assert_eq!(stale_names(text, "kprobes", |pid| pid == 12), ["p_vfs_read_bcc_12"]);
        assert_eq!(stale_names(text, "kprobes", |_| true).len(), 2);
    }
}
