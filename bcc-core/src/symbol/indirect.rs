//! Functions whose implementation is chosen when a program is linked (`STT_GNU_IFUNC`): `memcpy`,
//! `strlen` and their kin.
//!
//! Such a symbol's address is that of a resolver, which runs once per process; callers go where it
//! said. A probe by the symbol's name belongs into what callers reach, so a running process is asked:
//! the words that its dynamic linker filled hold the choice. In this order:
//!
//! 1. the process that was named, else this one, else any other that maps the file: the choice depends
//!    on the processor (and `GLIBC_TUNABLES`), so another process tells it too;
//! 2. in it, first the words that the file's own `IRELATIVE` relocations of that resolver name, then
//!    words of all its files that are filled by the function's name (lazily bound ones only after the
//!    first call).
//!
//! What no process shows is an error: the resolver itself would be hit once per start at most, and a
//! probe that counts nothing misleads.

use super::elf::ElfFile;
use super::elf::relocations::Filled;
use super::process::maps::{is_file, parse_mapping};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Names of resolvers by their virtual address.
pub(super) type Resolvers<'a> = HashMap<u64, Vec<&'a str>>;

/// Finds the implementations of some functions of one file.
pub(super) struct Search<'a> {
    elf: &'a ElfFile,
    wanted: &'a Resolvers<'a>,
    found: HashMap<u64, u64>,
    /// Words of other files, by device and inode: they are the same in all processes.
    words: HashMap<(u64, u64), Rc<Words>>,
}

#[derive(Default)]
struct Words {
    elf: Option<ElfFile>,
    filled: Vec<(u64, Filled)>,
}

/// A file in a process.
struct Mapped {
    identity: (u64, u64),
    path: PathBuf,
    /// Executable ranges, and where in the file they begin.
    code: Vec<(u64, u64, u64)>,
}

impl Mapped {
    /// What is to be added to virtual addresses of the file.
    fn bias(&self, elf: &ElfFile) -> Option<u64> {
        let &(start, _, offset) = self.code.first()?;
        Some(start.wrapping_sub(elf.address_of(offset)?))
    }
}

impl<'a> Search<'a> {
    pub(super) fn new(elf: &'a ElfFile, wanted: &'a Resolvers<'a>) -> Self {
        Self { elf, wanted, found: HashMap::new(), words: HashMap::new() }
    }

    /// Virtual addresses of implementations by those of their resolvers, as far as processes tell.
    pub(super) fn run(mut self, pid: Option<i32>) -> HashMap<u64, u64> {
        let Some(own) = identity(self.elf.path()) else { return self.found };
        let this = std::process::id().cast_signed();
        let first = pid.into_iter().chain([this]);
        for process in first.chain(processes()) {
            if self.found.len() == self.wanted.len() {
                break;
            }
            self.ask(process, own);
        }
        self.found
    }

    /// Reads the choices of one process.
    fn ask(&mut self, pid: i32, own: (u64, u64)) {
        let files = mapped(pid, own);
        let Some(home) = files.iter().find(|file| file.identity == own) else { return };
        let Some(bias) = home.bias(self.elf) else { return };
        let Ok(memory) = File::open(format!("/proc/{pid}/mem")) else { return };
        let choose = |found: &mut HashMap<u64, u64>, resolver: u64, word: u64| {
            let mut word_bytes = [0; 8];
            if memory.read_exact_at(&mut word_bytes, word).is_err() {
                return;
            }
            let target = u64::from_ne_bytes(word_bytes);
            let inside = home.code.iter().any(|&(start, end, _)| (start..end).contains(&target));
            let chosen = target.wrapping_sub(bias);
            if inside && chosen != resolver {
                found.entry(resolver).or_insert(chosen);
            }
        };
        let home_words = self.words_of(home);
        for (word, filled) in &home_words.filled {
            if let Filled::ByResolver(resolver) = filled
                && self.wanted.contains_key(resolver)
            {
                choose(&mut self.found, *resolver, word.wrapping_add(bias));
            }
        }
        let resolvers: HashMap<&str, u64> = (self.wanted.iter())
            .filter(|(resolver, _)| !self.found.contains_key(resolver))
            .flat_map(|(resolver, names)| names.iter().map(|name| (*name, *resolver)))
            .collect();
        for file in files.iter().take_while(|_| !resolvers.is_empty()) {
            let words = self.words_of(file);
            let Some(bias) = words.elf.as_ref().and_then(|elf| file.bias(elf)) else { continue };
            for (word, filled) in &words.filled {
                if let Filled::ByName(name) = filled
                    && let Some(resolver) = resolvers.get(name.as_str())
                {
                    choose(&mut self.found, *resolver, word.wrapping_add(bias));
                }
            }
        }
    }

    fn words_of(&mut self, file: &Mapped) -> Rc<Words> {
        let words = self.words.entry(file.identity).or_insert_with(|| {
            let read = ElfFile::open(&file.path).and_then(|elf| {
                let filled = elf.filled_words()?;
                Ok(Words { elf: Some(elf), filled })
            });
            Rc::new(read.unwrap_or_default())
        });
        Rc::clone(words)
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino()))
}

/// The files that a process has mapped as code; none when `own` is not among them.
fn mapped(pid: i32, own: (u64, u64)) -> Vec<Mapped> {
    let maps = std::fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    let maps = String::from_utf8_lossy(&maps);
    let code = || {
        let all = maps.lines().filter_map(parse_mapping);
        all.filter(|mapping| mapping.executable && is_file(mapping.path))
    };
    // Looking at every file of every process costs more than all else here.
    if !code().any(|mapping| mapping.inode == own.1) {
        return Vec::new();
    }
    let mut files: Vec<Mapped> = Vec::new();
    for mapping in code() {
        let range = (mapping.start, mapping.end, mapping.offset);
        // The mapping itself is there when its file is deleted or replaced; naming it wants rights.
        let itself = format!("/proc/{pid}/map_files/{:x}-{:x}", mapping.start, mapping.end);
        let by_path = format!("/proc/{pid}/root{}", mapping.path);
        let paths = [itself, by_path].map(PathBuf::from);
        let known = paths.into_iter().find_map(|path| Some((identity(&path)?, path)));
        let Some((identity, path)) = known else { continue };
        match files.iter_mut().find(|file| file.identity == identity) {
            Some(file) => file.code.push(range),
            None => files.push(Mapped { identity, path, code: vec![range] }),
        }
    }
    files
}

/// All processes.
fn processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
