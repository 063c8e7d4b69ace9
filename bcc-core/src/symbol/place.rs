//! Places for uprobes: a module and a symbol or address become a file and a file offset.

use super::SymbolError;
use super::debug::{DebugPaths, Known};
use super::elf::ElfFile;
use super::indirect::{Resolvers, Search};
use super::library::find_library;
use super::table::{SymbolTable, TableBuilder};
use super::{vector, zip};
use goblin::elf::header::EM_X86_64;
use regex::Regex;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Where a probe goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as this process can open it.
    pub path: PathBuf,
    /// Offset in the file.
    pub offset: u64,
    /// Virtual address for the file.
    pub address: u64,
}

/// What is looked for in a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// A function by name, `name@VERSION` allowed, and so many bytes from its start. Of an IFUNC
    /// (`memcpy`) it is the implementation that processes use. Vector instructions at the start are
    /// left to themselves, since the kernel can't step over them.
    Symbol(&'a str, u64),
    /// A virtual address for the file.
    Address(u64),
}

/// A module whose functions are known: the file is read once, however many are looked up.
#[derive(Debug)]
pub struct Module {
    elf: ElfFile,
    functions: SymbolTable,
    /// Whose choice of implementations counts.
    pid: Option<i32>,
}

/// The file that `module` names: a path, or a library without its `lib`. With a process, paths are
/// what they are for that process.
///
/// # Errors
/// [`SymbolError::NoModule`].
pub fn module_path(module: &str, pid: Option<i32>) -> Result<PathBuf, SymbolError> {
    let path = find_library(module, pid).ok_or_else(|| SymbolError::NoModule(module.to_owned()))?;
    let Some(pid) = pid.filter(|&pid| pid > 0 && !path.starts_with("/proc")) else {
        return Ok(path);
    };
    let Ok(inside) = path.strip_prefix("/") else { return Ok(path) };
    let seen = Path::new("/proc").join(pid.to_string()).join("root").join(inside);
    let exists = zip::split(&seen).map_or(seen.exists(), |(archive, _)| archive.exists());
    Ok(if exists { seen } else { path })
}

impl Module {
    /// Opens the module and reads its functions, from its debug file too.
    ///
    /// # Errors
    /// [`SymbolError::NoModule`], [`SymbolError::Io`], [`SymbolError::Elf`].
    pub fn open(module: &str, pid: Option<i32>) -> Result<Self, SymbolError> {
        let opened = Self::open_path(&module_path(module, pid)?)?;
        Ok(Self { pid: pid.filter(|&pid| pid > 0), ..opened })
    }

    /// As [`Module::open`], of a file.
    ///
    /// # Errors
    /// [`SymbolError::Io`], [`SymbolError::Elf`].
    pub fn open_path(path: &Path) -> Result<Self, SymbolError> {
        let elf = ElfFile::open(path)?;
        let functions = functions_of(&elf, path)?;
        Ok(Self { elf, functions, pid: None })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.elf.path()
    }

    /// All functions.
    pub fn functions(&self) -> &SymbolTable {
        &self.functions
    }

    /// Where `wanted` is.
    ///
    /// # Errors
    /// [`SymbolError::NoSymbol`], [`SymbolError::NoSegment`], [`SymbolError::Unchosen`].
    pub fn place(&self, wanted: Wanted<'_>) -> Result<Place, SymbolError> {
        let address = match wanted {
            Wanted::Address(address) => address,
            Wanted::Symbol(name, into) => {
                let start = self.functions.address_of(name).ok_or_else(|| {
                    SymbolError::NoSymbol { symbol: name.to_owned(), path: self.path().to_owned() }
                })?;
                let start = self.implementation(name, start)?;
                if into == 0 { self.entry(start) } else { start.wrapping_add(into) }
            }
        };
        self.place_at(address)
    }

    /// The address of what callers of function `name` at `start` reach.
    fn implementation(&self, name: &str, start: u64) -> Result<u64, SymbolError> {
        if !self.functions.is_indirect(start) {
            return Ok(start);
        }
        self.implementations([start]).get(&start).copied().ok_or_else(|| SymbolError::Unchosen {
            symbol: name.to_owned(),
            path: self.path().to_owned(),
        })
    }

    /// Implementations by the address of what chooses them, as far as any process shows.
    fn implementations(&self, wanted: impl IntoIterator<Item = u64>) -> HashMap<u64, u64> {
        let wanted: HashSet<u64> =
            wanted.into_iter().filter(|&address| self.functions.is_indirect(address)).collect();
        let mut resolvers = Resolvers::new();
        for function in self.functions.iter().filter(|f| wanted.contains(&f.address)) {
            let name = function.name.split('@').next().unwrap_or_default();
            resolvers.entry(function.address).or_default().push(name);
        }
        Search::new(&self.elf, &resolvers).run(self.pid)
    }

    /// Places of several functions by their addresses, each place once. Of an IFUNC it is the
    /// implementation that processes use, or what chooses it when none shows it.
    ///
    /// # Errors
    /// [`SymbolError::NoSegment`].
    pub fn places(&self, addresses: &[u64]) -> Result<Vec<Place>, SymbolError> {
        let chosen = self.implementations(addresses.iter().copied());
        let mut reached: Vec<u64> = addresses
            .iter()
            .map(|address| self.entry(chosen.get(address).copied().unwrap_or(*address)))
            .collect();
        reached.sort_unstable();
        reached.dedup();
        reached.into_iter().map(|address| self.place_at(address)).collect()
    }

    /// Where a probe sees the entry of the function at `start`: there, or behind instructions that the
    /// kernel can't step over.
    fn entry(&self, start: u64) -> u64 {
        if self.elf.machine() != EM_X86_64 {
            return start;
        }
        start.wrapping_add(vector::leading(&self.elf.code_at(start, 64)) as u64)
    }

    fn place_at(&self, address: u64) -> Result<Place, SymbolError> {
        let path = self.path().to_owned();
        match self.elf.file_offset(address) {
            Some(offset) => {
                // The probe goes into the archive, not into its member.
                let path = zip::split(&path).map_or(path.clone(), |(archive, _)| archive);
                Ok(Place { path, offset: offset + self.elf.start(), address })
            }
            None => Err(SymbolError::NoSegment { address, path }),
        }
    }

    /// Every function whose name `pattern` matches at its start (Python's `re.match`), one place
    /// per address with all its names. IFUNCs are placed as by [`Module::places`].
    pub fn matching(&self, pattern: &Regex) -> Vec<(Place, Vec<String>)> {
        let mut by_address: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for function in self.functions.iter() {
            if pattern.find(function.name).is_some_and(|found| found.start() == 0) {
                by_address.entry(function.address).or_default().push(function.name.to_owned());
            }
        }
        for (resolver, chosen) in self.implementations(by_address.keys().copied()) {
            let names = by_address.remove(&resolver).unwrap_or_default();
            by_address.entry(chosen).or_default().extend(names);
        }
        let placed = |(address, names)| Some((self.place_at(self.entry(address)).ok()?, names));
        by_address.into_iter().filter_map(placed).collect()
    }
}

/// Compiles a pattern that may match only at the start of a name.
///
/// # Errors
/// [`SymbolError::Pattern`].
pub fn at_start(pattern: &str) -> Result<Regex, SymbolError> {
    Ok(Regex::new(&format!("^(?:{pattern})"))?)
}

/// Functions of a file and of its debug file; `path` is below the root of its process
/// (`/proc/PID/root/…`), or ours.
pub(super) fn functions_of(elf: &ElfFile, path: &Path) -> Result<SymbolTable, SymbolError> {
    let mut builder = TableBuilder::default();
    // Where the file has its full table, a debug file has nothing more.
    if !elf.has_full_table()
        && let Some(debug) = DebugPaths::from_env().find(elf, Known::of(path))
        && let Err(error) = debug.add_functions(&mut builder)
    {
        log::debug!("{error}");
    }
    elf.add_functions(&mut builder)?;
    Ok(builder.finish())
}

/// Where a symbol or address of a module is; several lookups in one module go by [`Module`].
///
/// # Errors
/// As [`Module::open`] and [`Module::place`].
pub fn resolve(module: &str, wanted: Wanted<'_>, pid: Option<i32>) -> Result<Place, SymbolError> {
    if let Wanted::Address(_) = wanted {
        let elf = ElfFile::open(&module_path(module, pid)?)?;
        return Module { elf, functions: SymbolTable::default(), pid: None }.place(wanted);
    }
    Module::open(module, pid)?.place(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malloc_of_the_c_library_is_found_by_name_and_address() {
        let place = resolve("c", Wanted::Symbol("malloc", 0), None).unwrap();
        assert!(place.offset > 0 && place.path.starts_with("/"));
        let again = resolve("c", Wanted::Address(place.address), None).unwrap();
        assert_eq!(again, place);
        let into = resolve("c.so.6", Wanted::Symbol("malloc", 4), None).unwrap();
        assert_eq!(into.offset, place.offset + 4);
        let pid = Some(std::process::id().cast_signed());
        let of_process = resolve("c", Wanted::Symbol("malloc", 0), pid).unwrap();
        assert_eq!(of_process.offset, place.offset);
        assert!(of_process.path.starts_with("/proc"));
    }

    #[test]
    fn missing_things_are_told_apart() {
        let error = resolve("no_such_library", Wanted::Symbol("f", 0), None).unwrap_err();
        assert!(matches!(error, SymbolError::NoModule(_)));
        let error = resolve("c", Wanted::Symbol("no_such_function", 0), None).unwrap_err();
        assert!(matches!(error, SymbolError::NoSymbol { .. }));
        let error = resolve("c", Wanted::Address(u64::MAX), None).unwrap_err();
        assert!(matches!(error, SymbolError::NoSegment { .. }));
    }

    #[test]
    fn pattern_gives_each_address_once() {
        let module = Module::open("c", None).unwrap();
        let found = module.matching(&at_start("mallo").unwrap());
        assert!(found.iter().any(|(_, names)| names.iter().any(|name| name == "malloc")));
        let mut addresses: Vec<_> = found.iter().map(|(place, _)| place.address).collect();
        addresses.dedup();
        assert_eq!(addresses.len(), found.len());
        assert!(found.iter().flat_map(|(_, names)| names).all(|n| n.starts_with("mallo")));
    }
}
