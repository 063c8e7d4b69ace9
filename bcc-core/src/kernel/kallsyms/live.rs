//! The running kernel's symbols, read again when modules or BPF programs came or went.

use super::{Kallsyms, KallsymsError, KernelSymbol, saved};
use bcc_sys::bpf::object::{ObjectKind, ids};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Looking whether anything changed costs up to 0.1 ms, so it is not done at every miss.
const PAUSE: Duration = Duration::from_millis(20);

/// Where programs come and go all the time, reading may take this part of the time at most.
const READING: u32 = 5;

/// Kernel symbols that follow what the kernel loads.
#[derive(Debug)]
pub struct LiveKallsyms {
    table: Kallsyms,
    /// What was loaded when the table was read.
    loaded: Loaded,
    /// What was loaded when we last looked.
    seen: Loaded,
    /// How often the table was read.
    generation: u64,
    /// When it may be worth a look again.
    next_look: Instant,
    /// Addresses within the kernel's own text mean the same as long as it runs.
    fixed: std::ops::Range<u64>,
}

/// What the list depends on: modules with their addresses, and ids of BPF programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Loaded {
    pub(super) modules: Vec<u8>,
    pub(super) programs: Vec<u32>,
}

/// What an answer depends on, the kernel's own text apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depends {
    Modules,
    ModulesAndPrograms,
}

impl Loaded {
    fn now() -> Self {
        Self {
            modules: std::fs::read("/proc/modules").map(without_use_counts).unwrap_or_default(),
            programs: ids(ObjectKind::Prog).unwrap_or_default(),
        }
    }
}

/// `name size uses users state address`: uses and users change without a module coming or going.
fn without_use_counts(text: Vec<u8>) -> Vec<u8> {
    let lines = text.split(|&byte| byte == b'\n');
    let kept = lines.map(|line| {
        let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let last = words.get(4..).unwrap_or_default();
        [&words[..1], last].concat().join(&b' ')
    });
    kept.collect::<Vec<_>>().join(&b'\n')
}

impl LiveKallsyms {
    /// Takes the list that another process of this boot has kept, or reads and keeps it.
    ///
    /// # Errors
    /// As [`Kallsyms::read`].
    pub fn read() -> Result<Self, KallsymsError> {
        let now = Instant::now();
        if let Some((table, loaded)) = saved::read() {
            return Ok(Self::new(table, loaded, now));
        }
        // What is loaded in between is then seen as a change.
        let loaded = Loaded::now();
        let table = Kallsyms::read()?;
        saved::write(&table, &loaded);
        Ok(Self::new(table, loaded, now + PAUSE.max(now.elapsed() * READING)))
    }

    fn new(table: Kallsyms, loaded: Loaded, next_look: Instant) -> Self {
        let first = table.iter().find(|symbol| symbol.module == "kernel");
        let start = table.own_by_scan("_text").or(first.map(|first| first.address));
        let end = table.own_by_scan("_etext");
        let fixed = start.unwrap_or(0)..end.or(start).unwrap_or(0);
        Self { table, seen: loaded.clone(), loaded, generation: 0, next_look, fixed }
    }

    /// The symbols as last read.
    pub fn table(&self) -> &Kallsyms {
        &self.table
    }

    /// A number that changes when the name given before for `address` may not be right any more.
    pub fn generation(&mut self, address: u64) -> u64 {
        self.follow_for(address);
        if self.fixed.contains(&address) { 0 } else { self.generation }
    }

    /// The nearest symbol at or below `address`.
    pub fn at(&mut self, address: u64) -> Option<KernelSymbol<'_>> {
        self.follow_for(address);
        self.table.at(address)
    }

    fn follow_for(&mut self, address: u64) {
        if !self.fixed.contains(&address) {
            // Programs come more often than modules, and never within one.
            self.follow(match self.table.is_within_module(address) {
                true => Depends::Modules,
                false => Depends::ModulesAndPrograms,
            });
        }
    }

    /// The address of `name`, of the kernel first.
    pub fn address_of(&mut self, name: &str) -> Option<u64> {
        if let Some(address) = self.table.address_of(name)
            && self.fixed.contains(&address)
        {
            return Some(address);
        }
        self.follow(Depends::ModulesAndPrograms);
        self.table.address_of(name)
    }

    /// The address of `name` in one module (`kernel` for the kernel itself).
    pub fn address_in(&mut self, module: &str, name: &str) -> Option<u64> {
        if module != "kernel" {
            self.follow(Depends::ModulesAndPrograms);
        }
        self.table.address_in(module, name)
    }

    /// Reads the list again if what an answer depends on changed.
    fn follow(&mut self, on: Depends) {
        let started = Instant::now();
        let is_due = started >= self.next_look;
        if is_due {
            self.seen = Loaded::now();
        }
        // Between two looks, what was seen last is known to be read, or not to matter so far.
        let modules = is_due && self.seen.modules != self.loaded.modules;
        let programs =
            on == Depends::ModulesAndPrograms && self.seen.programs != self.loaded.programs;
        if modules || programs {
            match Kallsyms::read() {
                Ok(table) => self.table = table,
                Err(error) => log::debug!("{error}"),
            }
            self.loaded.clone_from(&self.seen);
            self.generation += 1;
            if modules {
                saved::write(&self.table, &self.loaded);
            }
        }
        if is_due {
            self.next_look = Instant::now() + PAUSE.max(started.elapsed() * READING);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_counts_are_no_change() {
        let strip = |text: &str| without_use_counts(text.as_bytes().to_vec());
        let idle = strip("ext4 1000 0 - Live 0xffffffffc0000000\n");
        assert_eq!(idle, strip("ext4 1000 2 a,b, Live 0xffffffffc0000000\n"));
        assert_ne!(idle, strip("ext4 1000 0 - Live 0xffffffffc0001000\n"));
        assert_ne!(idle, strip(""));
    }
}
