//! Places for uprobes: a module and a symbol or address become a file and a file offset.

use super::SymbolError;
use super::debug::DebugPaths;
use super::elf::ElfFile;
use super::library::find_library;
use super::table::{SymbolTable, TableBuilder};
use super::zip;
use regex::Regex;
use std::collections::BTreeMap;
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
    /// A function by name, `name@VERSION` allowed, and so many bytes from its start.
    Symbol(&'a str, u64),
    /// A virtual address for the file.
    Address(u64),
}

/// A module whose functions are known: the file is read once, however many are looked up.
#[derive(Debug)]
pub struct Module {
    elf: ElfFile,
    functions: SymbolTable,
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
        Self::open_path(&module_path(module, pid)?)
    }

    /// As [`Module::open`], of a file.
    ///
    /// # Errors
    /// [`SymbolError::Io`], [`SymbolError::Elf`].
    pub fn open_path(path: &Path) -> Result<Self, SymbolError> {
        let elf = ElfFile::open(path)?;
        let functions = functions_of(&elf, path)?;
        Ok(Self { elf, functions })
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
    /// [`SymbolError::NoSymbol`], [`SymbolError::NoSegment`].
    pub fn place(&self, wanted: Wanted<'_>) -> Result<Place, SymbolError> {
        let address = match wanted {
            Wanted::Address(address) => address,
            Wanted::Symbol(name, into) => {
                let start = self.functions.address_of(name).ok_or_else(|| {
                    SymbolError::NoSymbol { symbol: name.to_owned(), path: self.path().to_owned() }
                })?;
                start.wrapping_add(into)
            }
        };
        self.place_at(address)
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
    /// per address with all its names.
    pub fn matching(&self, pattern: &Regex) -> Vec<(Place, Vec<String>)> {
        let mut by_address: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for function in self.functions.iter() {
            if pattern.find(function.name).is_some_and(|found| found.start() == 0) {
                by_address.entry(function.address).or_default().push(function.name.to_owned());
            }
        }
        let placed = |(address, names)| Some((self.place_at(address).ok()?, names));
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

/// Functions of a file and of its debug file.
pub(super) fn functions_of(elf: &ElfFile, path: &Path) -> Result<SymbolTable, SymbolError> {
    let mut builder = TableBuilder::default();
    // Where the file has its full table, a debug file has nothing more.
    if !elf.has_full_table()
        && let Some(debug) = DebugPaths::from_env().find(elf, path)
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
        return Module { elf, functions: SymbolTable::default() }.place(wanted);
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
