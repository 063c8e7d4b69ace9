//! Addresses of a process: its mappings, the symbols of their files, and what runtimes compiled.

mod compiled;
mod executable;
mod image;
pub mod maps;

use super::demangle::demangle;
use super::search::Spread;
use super::source::{SourceFrame, SourceLines};
use super::zip::{self, Member};
use crate::{regular, symbol::SymbolError};
use compiled::Compiled;
use executable::Executable;
use image::{Image, ModuleEntry, vdso};
use maps::{Mapping, is_file, parse_mapping};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol<'a> {
    /// The function, mangled as in the file; `None` when only the module is known.
    pub name: Option<&'a str>,
    /// Bytes from the function's start, or into the module.
    pub offset: u64,
    /// Path of the file, `[vdso]`, or the perf map's path.
    pub module: &'a str,
}

/// One executable mapping.
#[derive(Debug)]
struct Region {
    start: u64,
    end: u64,
    offset: u64,
    module: usize,
}

/// The symbols of one process.
///
/// ```no_run
/// # fn main() -> Result<(), bcc_core::symbol::SymbolError> {
/// let mut symbols = bcc_core::symbol::process::ProcessSymbols::new(1234)?;
/// if let Some(symbol) = symbols.resolve_demangled(0x7f00_1234_5678) {
///     println!("{}+{:#x} [{}]", symbol.name.unwrap_or("?"), symbol.offset, symbol.module);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ProcessSymbols {
    pid: i32,
    regions: Vec<Region>,
    modules: Vec<ModuleEntry>,
    compiled: Option<Compiled>,
    /// What the process ran when the maps were read.
    executable: Option<Executable>,
    /// How often mappings or compiled code were read.
    generation: u64,
    /// When an address in no module last made us read the maps.
    missed: Option<Instant>,
    /// When we last looked whether the process runs another program.
    looked: Option<Instant>,
    /// Demangled names by module and position in its table: demangling costs more than finding.
    readable: HashMap<(usize, usize), Option<Box<str>>, Spread>,
}

/// Where an address was found.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// In a module; position of the function in its table.
    Function { module: usize, position: usize, offset: u64 },
    /// In a module, in no function.
    Module { module: usize, offset: u64 },
    /// In code that the process compiled itself.
    Compiled { position: usize, offset: u64 },
}

impl ProcessSymbols {
    /// Reads the mappings of process `pid`; files are read when an address of theirs is asked for.
    ///
    /// # Errors
    /// [`SymbolError::Io`] when there is no such process or it may not be looked at.
    pub fn new(pid: i32) -> Result<Self, SymbolError> {
        let mut symbols = Self {
            pid,
            regions: Vec::new(),
            modules: Vec::new(),
            compiled: None,
            executable: None,
            generation: 0,
            missed: None,
            looked: None,
            readable: HashMap::default(),
        };
        symbols.refresh()?;
        Ok(symbols)
    }

    /// Reads the mappings again; files that stayed are not read again.
    ///
    /// # Errors
    /// As [`ProcessSymbols::new`]; then the last known mappings stay in use.
    pub fn refresh(&mut self) -> Result<(), SymbolError> {
        let path = PathBuf::from(format!("/proc/{}/maps", self.pid));
        let text = std::fs::read(&path).map_err(|source| SymbolError::Io { path, source })?;
        let text = String::from_utf8_lossy(&text);
        let executable = Executable::of(self.pid);
        if text.is_empty() {
            // A zombie: it has no memory any more.
            return Ok(());
        }
        self.executable = executable;
        self.generation += 1;
        self.readable.clear();
        let old = std::mem::take(&mut self.modules);
        self.regions.clear();
        let mut index: HashMap<(String, u64, String), usize> = HashMap::new();
        let mut archives: HashMap<String, Vec<Member>> = HashMap::new();
        for mapping in text.lines().filter_map(parse_mapping) {
            let is_vdso = mapping.path == "[vdso]";
            if !mapping.executable || !(is_vdso || is_file(mapping.path)) {
                continue;
            }
            let member = self.member(&mapping, &mut archives);
            let (path, part) = match &member {
                Some(Member { name, offset, len }) => {
                    (format!("{}{}{name}", mapping.path, zip::MARK), Some((*offset, *len)))
                }
                None => (mapping.path.to_owned(), None),
            };
            let key = (mapping.device.to_owned(), mapping.inode, path);
            let module = *index.entry(key).or_insert_with_key(|(_, _, path)| {
                let entry = self.entry(&mapping, path, part, &old);
                self.modules.push(ModuleEntry { is_vdso, ..entry });
                self.modules.len() - 1
            });
            self.regions.push(Region {
                start: mapping.start,
                end: mapping.end,
                offset: mapping.offset.saturating_sub(part.map_or(0, |(start, _)| start)),
                module,
            });
        }
        self.regions.sort_by_key(|region| region.start);
        Ok(())
    }

    fn entry(
        &self,
        mapping: &Mapping<'_>,
        path: &str,
        part: Option<(u64, u64)>,
        old: &[ModuleEntry],
    ) -> ModuleEntry {
        let candidates = self.candidates(mapping);
        let known =
            old.iter().find(|module| module.candidates == candidates && module.part == part);
        ModuleEntry {
            path: path.to_owned(),
            image: known.and_then(|module| module.image.clone()),
            candidates,
            is_vdso: false,
            part,
        }
    }

    fn candidates(&self, mapping: &Mapping<'_>) -> Vec<PathBuf> {
        let root = Path::new("/proc").join(self.pid.to_string());
        let range = format!("{:x}-{:x}", mapping.start, mapping.end);
        let inside = mapping.path.trim_start_matches('/');
        vec![root.join("map_files").join(range), root.join("root").join(inside)]
    }

    /// The member of an archive that a mapping shows.
    fn member(
        &self,
        mapping: &Mapping<'_>,
        archives: &mut HashMap<String, Vec<Member>>,
    ) -> Option<Member> {
        // Looking into every library would cost more than all else here.
        let name = mapping.path.rsplit('/').next().unwrap_or_default();
        if mapping.offset == 0 || name.contains(".so") || !name.contains('.') {
            return None;
        }
        let members = archives.entry(mapping.path.to_owned()).or_insert_with(|| {
            let open = |path: &PathBuf| regular::open(path).ok().filter(zip::is_archive);
            let file = self.candidates(mapping).iter().find_map(open);
            file.and_then(|file| zip::members(&file).ok()).unwrap_or_default()
        });
        let holds = |member: &&Member| {
            mapping.offset.checked_sub(member.offset).is_some_and(|into| into < member.len)
        };
        members.iter().find(holds).cloned()
    }

    /// Reads the mappings again, unless the last miss did so just now: addresses of no module come
    /// in thousands.
    fn refresh_after_miss(&mut self) {
        const PAUSE: Duration = Duration::from_millis(50);
        if self.missed.is_some_and(|missed| missed.elapsed() < PAUSE) {
            return;
        }
        self.missed = Some(Instant::now());
        if let Err(error) = self.refresh() {
            log::debug!("{error}");
        }
    }

    /// Reads the mappings again when the process runs another program than before. Looking costs
    /// more than finding a symbol, so within a millisecond one look is enough.
    fn follow_exec(&mut self) {
        const PAUSE: Duration = Duration::from_millis(1);
        let started = Instant::now();
        if self.looked.is_some_and(|looked| started.duration_since(looked) < PAUSE) {
            return;
        }
        self.looked = Some(started);
        let now = Executable::of(self.pid);
        if now.is_some()
            && now != self.executable
            && let Err(error) = self.refresh()
        {
            log::debug!("{error}");
        }
    }

    /// A number that changes when names given before may not be right any more.
    pub fn generation(&mut self) -> u64 {
        self.follow_exec();
        self.generation
    }

    /// What is at `address`. A dead process is answered from its last known mappings.
    ///
    /// `None` when the address is in no module.
    pub fn resolve(&mut self, address: u64) -> Option<Symbol<'_>> {
        let found = self.find(address)?;
        self.symbol(found)
    }

    /// As [`ProcessSymbols::resolve`], with C++ and Rust names as people write them.
    pub fn resolve_demangled(&mut self, address: u64) -> Option<Symbol<'_>> {
        let found = self.find(address)?;
        let Found::Function { module, position, offset } = found else { return self.symbol(found) };
        let entry = &self.modules[module];
        let name = entry.image.as_ref()?.functions.function_at(position)?.name;
        let readable = self.readable.entry((module, position));
        let readable = readable.or_insert_with(|| demangle(name).map(String::into_boxed_str));
        let name = readable.as_deref().unwrap_or(name);
        Some(Symbol { name: Some(name), offset, module: &entry.path })
    }

    /// The functions around `address` with their source lines, the innermost inlined one first; none
    /// when the file and its debug file have no DWARF.
    pub fn source(&mut self, address: u64) -> Vec<SourceFrame> {
        if self.find(address).is_none() {
            return Vec::new();
        }
        let Some(region) = self.region_of(address) else { return Vec::new() };
        let Region { start, offset, module, .. } = self.regions[region];
        let module = &self.modules[module];
        let Some(image) = &module.image else { return Vec::new() };
        let Some(elf) = &image.elf else { return Vec::new() };
        let into_file = address - start + offset;
        let Some(virtual_address) = elf.address_of(into_file) else { return Vec::new() };
        let lines = image.lines.get_or_init(|| {
            let (elf, _) = module.open()?;
            let root = Path::new("/proc").join(self.pid.to_string()).join("root");
            SourceLines::find(&elf, Path::new(&module.path), &root).map(Mutex::new)
        });
        let Some(lines) = lines else { return Vec::new() };
        lines.lock().unwrap_or_else(PoisonError::into_inner).at(virtual_address)
    }

    fn symbol(&self, found: Found) -> Option<Symbol<'_>> {
        Some(match found {
            Found::Function { module, position, offset } => {
                let module = &self.modules[module];
                let function = module.image.as_ref()?.functions.function_at(position)?;
                Symbol { name: Some(function.name), offset, module: &module.path }
            }
            Found::Module { module, offset } => {
                Symbol { name: None, offset, module: &self.modules[module].path }
            }
            Found::Compiled { position, offset } => {
                let Compiled { path, functions, .. } = self.compiled.as_ref()?;
                Symbol { name: Some(functions.function_at(position)?.name), offset, module: path }
            }
        })
    }

    fn find(&mut self, address: u64) -> Option<Found> {
        self.follow_exec();
        let region = match self.region_of(address) {
            Some(region) => region,
            None => {
                // It may have loaded a library since.
                self.refresh_after_miss();
                match self.region_of(address) {
                    Some(region) => region,
                    None => return self.compiled_at(address),
                }
            }
        };
        let Region { start, offset, module, .. } = self.regions[region];
        self.load(module);
        let image = self.modules[module].image.as_ref()?;
        let into_file = address - start + offset;
        let Some(elf) = &image.elf else {
            return Some(Found::Module { module, offset: into_file });
        };
        let virtual_address = elf.address_of(into_file).unwrap_or(into_file);
        Some(match image.functions.position_at(virtual_address) {
            Some(position) => {
                let start = image.functions.function_at(position)?.address;
                Found::Function { module, position, offset: virtual_address - start }
            }
            None => {
                let offset = if elf.is_fixed() { virtual_address } else { into_file };
                Found::Module { module, offset }
            }
        })
    }

    /// The address, in the process, of function `name` of a module: its path, or its file's name.
    pub fn resolve_name(&mut self, module: &str, name: &str) -> Option<u64> {
        self.follow_exec();
        let is_meant = |path: &str| path == module || path.rsplit('/').next() == Some(module);
        for index in 0..self.modules.len() {
            if !is_meant(&self.modules[index].path) {
                continue;
            }
            self.load(index);
            let image = self.modules[index].image.as_ref()?;
            let Some(elf) = &image.elf else { continue };
            let Some(address) = image.functions.address_of(name) else { continue };
            let Some(offset) = elf.file_offset(address) else { continue };
            let region = self.regions.iter().find(|region| {
                region.module == index
                    && (region.offset..region.offset + (region.end - region.start))
                        .contains(&offset)
            });
            if let Some(region) = region {
                return Some(region.start + (offset - region.offset));
            }
        }
        None
    }

    /// Paths of all modules.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(|module| module.path.as_str())
    }

    fn region_of(&self, address: u64) -> Option<usize> {
        let after = self.regions.partition_point(|region| region.start <= address);
        let index = after.checked_sub(1)?;
        (address < self.regions[index].end).then_some(index)
    }

    fn load(&mut self, index: usize) {
        let pid = self.pid;
        let module = &mut self.modules[index];
        if module.image.is_some() {
            return;
        }
        let image = if module.is_vdso {
            let region = self.regions.iter().find(|region| region.module == index);
            region.and_then(|region| vdso(pid, region.start, region.end))
        } else {
            let opened = module.open();
            let inside = module.path.trim_start_matches('/');
            let path = Path::new("/proc").join(pid.to_string()).join("root").join(inside);
            opened.map(|(elf, key)| Image::load(elf, Some(key), &path))
        };
        module.image = Some(image.unwrap_or_else(Image::unreadable));
    }

    /// Code that the process compiled itself and wrote a map of.
    fn compiled_at(&mut self, address: u64) -> Option<Found> {
        let known = self.compiled.as_ref();
        if known.is_none_or(|known| known.functions.position_at(address).is_none())
            && let Some(read) = Compiled::read(self.pid, known)
        {
            self.compiled = Some(read);
            self.generation += 1;
        }
        let functions = &self.compiled.as_ref()?.functions;
        let position = functions.position_at(address)?;
        let offset = address - functions.function_at(position)?.address;
        Some(Found::Compiled { position, offset })
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
