//! Source lines and inlined functions, as DWARF tells them.

use super::debug::{DebugPaths, Known};
use super::elf::ElfFile;
use addr2line::{LookupContinuation, LookupResult, SplitDwarfLoad};
use gimli::{DwarfPackage, EndianArcSlice, RunTimeEndian, SectionId};
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

type Slice = EndianArcSlice<RunTimeEndian>;

/// A function that an address is in, and where in its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFrame {
    /// Mangled as in the file; `None` when DWARF does not say.
    pub function: Option<String>,
    /// Path as the compiler was given it, with its directory.
    pub file: Option<String>,
    /// Counted from 1.
    pub line: Option<u32>,
    /// Counted from 1.
    pub column: Option<u32>,
}

/// The lines of one file.
pub(super) struct SourceLines {
    context: addr2line::Context<Slice>,
    parts: Parts,
}

/// Where the parts of split DWARF (`-gsplit-dwarf`) may be. Without them a unit has lines, but neither
/// the names of its functions nor what was inlined.
struct Parts {
    /// Roots of the paths that the compiler wrote down: `BCC_SYMFS`, that of the process, ours.
    roots: Vec<PathBuf>,
    /// The binary, as its process knows it.
    binary: PathBuf,
    package: OnceLock<Option<DwarfPackage<Slice>>>,
}

impl fmt::Debug for SourceLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceLines")
    }
}

impl SourceLines {
    /// Lines of `elf`, which its process knows as `path` below `root`, or of its debug file; `None`
    /// without DWARF.
    pub(super) fn find(elf: &ElfFile, path: &Path, root: &Path) -> Option<Self> {
        let parts = Parts::new(path, root);
        if elf.has_lines() {
            return Self::read(elf, parts);
        }
        Self::read(&DebugPaths::from_env().find_lines(elf, Known { root, path })?, parts)
    }

    /// Lines of a file in memory, without parts elsewhere.
    #[cfg(test)]
    pub(super) fn of_whole(elf: &ElfFile) -> Option<Self> {
        Self::read(elf, Parts::new(Path::new("x"), Path::new("/")))
    }

    fn read(elf: &ElfFile, parts: Parts) -> Option<Self> {
        let load = |elf: &ElfFile, id: SectionId| Ok::<_, gimli::Error>(section(elf, id.name()));
        let mut dwarf = gimli::Dwarf::load(|id| load(elf, id)).ok()?;
        if let Some(shared) = DebugPaths::from_env().find_shared(elf)
            && let Err(error) = dwarf.load_sup(|id| load(&shared, id))
        {
            log::debug!("{}: {error}", shared.path().display());
        }
        let context = addr2line::Context::from_dwarf(dwarf)
            .inspect_err(|error| log::debug!("{}: {error}", elf.path().display()));
        Some(Self { context: context.ok()?, parts })
    }

    /// The functions around virtual address `address`, the innermost inlined one first.
    pub(super) fn at(&self, address: u64) -> Vec<SourceFrame> {
        let mut found = Vec::new();
        // The lookup counts one further.
        if address == u64::MAX {
            return found;
        }
        let mut lookup = self.context.find_frames(address);
        let frames = loop {
            match lookup {
                LookupResult::Output(frames) => break frames,
                LookupResult::Load { load, continuation } => {
                    lookup = continuation.resume(self.parts.load(&load));
                }
            }
        };
        let Ok(mut frames) = frames else { return found };
        while let Ok(Some(frame)) = frames.next() {
            let function = frame.function.as_ref().and_then(|f| f.raw_name().ok());
            let place = frame.location.as_ref();
            found.push(SourceFrame {
                function: function.map(std::borrow::Cow::into_owned),
                file: place.and_then(|place| place.file).map(str::to_owned),
                line: place.and_then(|place| place.line).filter(|&line| line != 0),
                column: place.and_then(|place| place.column).filter(|&column| column != 0),
            });
        }
        found
    }
}

impl Parts {
    fn new(binary: &Path, root: &Path) -> Self {
        let roots = DebugPaths::from_env().symfs().map(Path::to_owned).into_iter();
        let roots = roots.chain([root.to_owned(), PathBuf::from("/")]).collect();
        Self { roots, binary: binary.to_owned(), package: OnceLock::new() }
    }

    /// The part that a unit asks for, out of a package beside the binary, or of a file of its own.
    fn load(&self, wanted: &SplitDwarfLoad<Slice>) -> Option<Arc<gimli::Dwarf<Slice>>> {
        let package = self.package.get_or_init(|| self.find_package());
        let packed = package
            .as_ref()
            .and_then(|package| package.find_cu(wanted.dwo_id, &wanted.parent).ok().flatten());
        packed.map(Arc::new).or_else(|| self.find_part(wanted).map(Arc::new))
    }

    fn open(&self, path: &Path) -> impl Iterator<Item = ElfFile> {
        let inside = path.strip_prefix("/").unwrap_or(path).to_owned();
        self.roots.iter().filter_map(move |root| {
            let path = root.join(&inside);
            // The name is the file's own: opening a device or a pipe may do things.
            path.is_file().then(|| ElfFile::open(&path).ok())?
        })
    }

    fn find_package(&self) -> Option<DwarfPackage<Slice>> {
        let mut name = self.binary.clone().into_os_string();
        name.push(".dwp");
        let elf = self.open(Path::new(&name)).next()?;
        let load = |id: SectionId| {
            Ok::<_, gimli::Error>(section(&elf, id.dwo_name().unwrap_or(id.name())))
        };
        let empty = section(&elf, "");
        DwarfPackage::load(load, empty)
            .inspect_err(|error| log::debug!("{}: {error}", elf.path().display()))
            .ok()
    }

    fn find_part(&self, wanted: &SplitDwarfLoad<Slice>) -> Option<gimli::Dwarf<Slice>> {
        let path = |slice: &Option<Slice>| {
            slice.as_ref().map(|bytes| PathBuf::from(OsStr::from_bytes(bytes.bytes())))
        };
        let name = path(&wanted.path)?;
        let compiled_in = path(&wanted.comp_dir).unwrap_or_default().join(&name);
        let beside = self.binary.parent()?.join(name.file_name()?);
        let mut files = self.open(&compiled_in).chain(self.open(&beside));
        files.find_map(|elf| {
            let load = |id: SectionId| {
                let name = id.dwo_name();
                Ok::<_, gimli::Error>(section(&elf, name.unwrap_or_default()))
            };
            let mut part = gimli::Dwarf::load(load).ok()?;
            part.make_dwo(&wanted.parent);
            // An older or newer build's does not fit.
            let header = part.units().next().ok()??;
            let id = part.unit(header).ok()?.dwo_id;
            (id == Some(wanted.dwo_id)).then_some(part)
        })
    }
}

/// An absent or damaged section is an empty one.
fn section(elf: &ElfFile, name: &str) -> Slice {
    let bytes = elf.debug_section(name).unwrap_or_default();
    let endian = if elf.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
    EndianArcSlice::new(Arc::from(bytes), endian)
}
