//! Addresses of a process: its mappings, the symbols of the files behind them, and what runtimes
//! compiled.

use super::SymbolError;
use super::elf::ElfFile;
use super::perf_map;
use super::place::functions_of;
use super::table::SymbolTable;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
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

/// A line of `/proc/PID/maps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mapping<'a> {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) executable: bool,
    pub(crate) offset: u64,
    pub(crate) device: &'a str,
    pub(crate) inode: u64,
    /// Without the mark of a deleted file; may be empty.
    pub(crate) path: &'a str,
}

/// `start-end perms offset device inode path`.
pub(crate) fn parse_mapping(line: &str) -> Option<Mapping<'_>> {
    let (range, rest) = line.split_once(' ')?;
    let (permissions, rest) = rest.split_once(' ')?;
    let (offset, rest) = rest.split_once(' ')?;
    let (device, rest) = rest.split_once(' ')?;
    let (inode, path) = rest.split_once(' ').unwrap_or((rest, ""));
    let (start, end) = range.split_once('-')?;
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let path = path.trim_start();
    Some(Mapping {
        start: hex(start)?,
        end: hex(end)?,
        executable: permissions.as_bytes().get(2) == Some(&b'x'),
        offset: hex(offset)?,
        device,
        inode: inode.parse().ok()?,
        path: path.strip_suffix(" (deleted)").unwrap_or(path),
    })
}

/// Whether a mapping's name is that of a file.
pub(crate) fn is_file(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//anon")
        && !path.starts_with("/dev/zero")
        && !path.starts_with("/anon_hugepage")
        && !path.starts_with("/SYSV")
        && !path.starts_with("/memfd:")
}

/// A file with its functions; shared between the processes that map it.
#[derive(Debug)]
struct Image {
    elf: Option<ElfFile>,
    functions: SymbolTable,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ImageKey {
    /// Contents.
    BuildId(Vec<u8>),
    /// Device, inode, time of change.
    File(u64, u64, i64, i64),
}

/// Images in use by any process.
fn images() -> &'static Mutex<HashMap<ImageKey, Weak<Image>>> {
    static IMAGES: OnceLock<Mutex<HashMap<ImageKey, Weak<Image>>>> = OnceLock::new();
    IMAGES.get_or_init(Mutex::default)
}

impl Image {
    /// The image of `file`, which the process knows as `path`, from the cache or read now.
    fn load(mut elf: ElfFile, key: Option<ImageKey>, path: &Path) -> Arc<Self> {
        let key = elf.build_id().map(ImageKey::BuildId).or(key);
        let cached = |key: &ImageKey| {
            let images = images().lock().unwrap_or_else(PoisonError::into_inner);
            images.get(key).and_then(Weak::upgrade)
        };
        if let Some(image) = key.as_ref().and_then(cached) {
            return image;
        }
        let functions = functions_of(&elf, path).unwrap_or_else(|error| {
            log::debug!("{error}");
            SymbolTable::default()
        });
        // Of the file itself nothing more is needed, and descriptors are few.
        elf.close();
        let image = Arc::new(Self { elf: Some(elf), functions });
        if let Some(key) = key {
            let mut images = images().lock().unwrap_or_else(PoisonError::into_inner);
            images.retain(|_, image| image.strong_count() > 0);
            images.insert(key, Arc::downgrade(&image));
        }
        image
    }

    fn unreadable() -> Arc<Self> {
        Arc::new(Self { elf: None, functions: SymbolTable::default() })
    }
}

/// One executable mapping.
#[derive(Debug)]
struct Region {
    start: u64,
    end: u64,
    offset: u64,
    module: usize,
}

#[derive(Debug)]
struct ModuleEntry {
    path: String,
    /// Where the file may be opened: the mapping itself, then its path as the process sees it.
    candidates: Vec<PathBuf>,
    is_vdso: bool,
    image: Option<Arc<Image>>,
}

/// The symbols of one process.
#[derive(Debug)]
pub struct ProcessSymbols {
    pid: i32,
    regions: Vec<Region>,
    modules: Vec<ModuleEntry>,
    compiled: Option<(String, SymbolTable)>,
    /// Device and inode of the executable when the maps were read.
    executable: Option<(u64, u64)>,
    /// When an address in no module last made us read the maps.
    missed: Option<Instant>,
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
            missed: None,
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
        let executable = self.executable_now();
        if text.is_empty() {
            // A zombie: it has no memory any more.
            return Ok(());
        }
        self.executable = executable;
        let old = std::mem::take(&mut self.modules);
        self.regions.clear();
        let mut index: HashMap<(String, u64, String), usize> = HashMap::new();
        for mapping in text.lines().filter_map(parse_mapping) {
            let is_vdso = mapping.path == "[vdso]";
            if !mapping.executable || !(is_vdso || is_file(mapping.path)) {
                continue;
            }
            let key = (mapping.device.to_owned(), mapping.inode, mapping.path.to_owned());
            let module = *index.entry(key).or_insert_with(|| {
                self.modules.push(self.entry(&mapping, is_vdso, &old));
                self.modules.len() - 1
            });
            self.regions.push(Region {
                start: mapping.start,
                end: mapping.end,
                offset: mapping.offset,
                module,
            });
        }
        self.regions.sort_by_key(|region| region.start);
        self.compiled = None;
        Ok(())
    }

    fn entry(&self, mapping: &Mapping<'_>, is_vdso: bool, old: &[ModuleEntry]) -> ModuleEntry {
        let root = Path::new("/proc").join(self.pid.to_string());
        let range = format!("{:x}-{:x}", mapping.start, mapping.end);
        let inside = mapping.path.trim_start_matches('/');
        let candidates = vec![root.join("map_files").join(range), root.join("root").join(inside)];
        let known = old.iter().find(|module| module.candidates == candidates);
        ModuleEntry {
            path: mapping.path.to_owned(),
            image: known.and_then(|module| module.image.clone()),
            candidates,
            is_vdso,
        }
    }

    fn executable_now(&self) -> Option<(u64, u64)> {
        let meta = std::fs::metadata(format!("/proc/{}/exe", self.pid)).ok()?;
        Some((meta.dev(), meta.ino()))
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

    /// Reads the mappings again when the process runs another program than before.
    fn follow_exec(&mut self) {
        let now = self.executable_now();
        if now.is_some()
            && now != self.executable
            && let Err(error) = self.refresh()
        {
            log::debug!("{error}");
        }
    }

    /// What is at `address`. A dead process is answered from its last known mappings.
    ///
    /// `None` when the address is in no module.
    pub fn resolve(&mut self, address: u64) -> Option<Symbol<'_>> {
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
        let module = &self.modules[module];
        let image = module.image.as_ref()?;
        let into_file = address - start + offset;
        let Some(elf) = &image.elf else {
            return Some(Symbol { name: None, offset: into_file, module: &module.path });
        };
        let virtual_address = elf.address_of(into_file).unwrap_or(into_file);
        Some(match image.functions.at(virtual_address) {
            Some(function) => Symbol {
                name: Some(function.name),
                offset: virtual_address - function.address,
                module: &module.path,
            },
            None => {
                let fixed = elf.is_fixed();
                let offset = if fixed { virtual_address } else { into_file };
                Symbol { name: None, offset, module: &module.path }
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
            module.candidates.iter().find_map(|candidate| {
                let meta = std::fs::metadata(candidate).ok()?;
                let elf = ElfFile::open(candidate).ok()?;
                let key = ImageKey::File(meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec());
                Some(Image::load(elf, Some(key), Path::new(&module.path)))
            })
        };
        module.image = Some(image.unwrap_or_else(Image::unreadable));
    }

    /// Code that the process compiled itself and wrote a map of.
    fn compiled_at(&mut self, address: u64) -> Option<Symbol<'_>> {
        if self.compiled.as_ref().is_none_or(|(_, table)| table.at(address).is_none()) {
            let found = perf_map::paths(self.pid).into_iter().find_map(|path| {
                let text = std::fs::read(&path).ok()?;
                let name = String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned();
                Some((name, perf_map::parse(&text)))
            });
            if found.is_some() {
                self.compiled = found;
            }
        }
        let (module, table) = self.compiled.as_ref()?;
        let function = table.at(address)?;
        let offset = address - function.address;
        Some(Symbol { name: Some(function.name), offset, module })
    }
}

/// The vDSO is in memory only; every process of a machine word has the same.
fn vdso(pid: i32, start: u64, end: u64) -> Option<Arc<Image>> {
    use std::os::unix::fs::FileExt;
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let len = usize::try_from(end.checked_sub(start)?).ok().filter(|&len| len < 1 << 20)?;
    let mut bytes = vec![0; len];
    memory.read_exact_at(&mut bytes, start).ok()?;
    let elf = ElfFile::from_bytes(bytes, Path::new("[vdso]")).ok()?;
    Some(Image::load(elf, None, Path::new("[vdso]")))
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
