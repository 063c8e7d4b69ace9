//! The running kernel's symbols, read again when modules or BPF programs came or went.

use super::{Kallsyms, KallsymsError, KernelSymbol};
use bcc_sys::bpf::object::{ObjectKind, ids};
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
    /// When it may be worth a look again.
    next_look: Instant,
    /// Addresses within the kernel's own text mean the same as long as it runs.
    fixed: std::ops::Range<u64>,
}

/// What the list depends on: modules with their addresses, and ids of BPF programs.
#[derive(Debug, PartialEq, Eq)]
struct Loaded {
    modules: Vec<u8>,
    programs: Vec<u32>,
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
    /// Reads the list.
    ///
    /// # Errors
    /// As [`Kallsyms::read`].
    pub fn read() -> Result<Self, KallsymsError> {
        // What is loaded in between is then seen as a change.
        let (started, loaded) = (Instant::now(), Loaded::now());
        let table = Kallsyms::read()?;
        let next_look = Instant::now() + PAUSE.max(started.elapsed() * READING);
        let own = || table.iter().filter(|symbol| symbol.module == "kernel");
        let start = table.address_of("_text").or(own().next().map(|first| first.address));
        let end = table.address_of("_etext");
        let fixed = start.unwrap_or(0)..end.or(start).unwrap_or(0);
        Ok(Self { table, loaded, next_look, fixed })
    }

    /// The symbols as last read.
    pub fn table(&self) -> &Kallsyms {
        &self.table
    }

    /// The nearest symbol at or below `address`.
    pub fn at(&mut self, address: u64) -> Option<KernelSymbol<'_>> {
        if !self.fixed.contains(&address) {
            self.follow();
        }
        self.table.at(address)
    }

    /// The address of `name`, of the kernel first.
    pub fn address_of(&mut self, name: &str) -> Option<u64> {
        if let Some(address) = self.table.address_of(name)
            && self.fixed.contains(&address)
        {
            return Some(address);
        }
        self.follow();
        self.table.address_of(name)
    }

    /// The address of `name` in one module (`kernel` for the kernel itself).
    pub fn address_in(&mut self, module: &str, name: &str) -> Option<u64> {
        if module != "kernel" {
            self.follow();
        }
        self.table.address_in(module, name)
    }

    /// Reads the list again if what is loaded changed.
    fn follow(&mut self) {
        let started = Instant::now();
        if started < self.next_look {
            return;
        }
        let loaded = Loaded::now();
        if loaded != self.loaded {
            match Kallsyms::read() {
                Ok(table) => (self.table, self.loaded) = (table, loaded),
                Err(error) => log::debug!("{error}"),
            }
        }
        self.next_look = Instant::now() + PAUSE.max(started.elapsed() * READING);
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
