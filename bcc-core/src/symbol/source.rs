//! Source lines and inlined functions, as DWARF tells them.

use super::debug::DebugPaths;
use super::elf::ElfFile;
use gimli::{EndianArcSlice, RunTimeEndian, SectionId};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

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
pub(super) struct SourceLines(addr2line::Context<Slice>);

impl fmt::Debug for SourceLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceLines")
    }
}

impl SourceLines {
    /// Lines of `elf`, which its process knows as `path`, or of its debug file; `None` without DWARF.
    pub(super) fn find(elf: &ElfFile, path: &Path) -> Option<Self> {
        if elf.has_lines() {
            return Self::read(elf);
        }
        Self::read(&DebugPaths::from_env().find_lines(elf, path)?)
    }

    fn read(elf: &ElfFile) -> Option<Self> {
        let load = |elf: &ElfFile, id: SectionId| Ok::<_, gimli::Error>(section(elf, id));
        let mut dwarf = gimli::Dwarf::load(|id| load(elf, id)).ok()?;
        if let Some(shared) = DebugPaths::from_env().find_shared(elf)
            && let Err(error) = dwarf.load_sup(|id| load(&shared, id))
        {
            log::debug!("{}: {error}", shared.path().display());
        }
        let context = addr2line::Context::from_dwarf(dwarf)
            .inspect_err(|error| log::debug!("{}: {error}", elf.path().display()));
        Some(Self(context.ok()?))
    }

    /// The functions around virtual address `address`, the innermost inlined one first.
    pub(super) fn at(&self, address: u64) -> Vec<SourceFrame> {
        let mut found = Vec::new();
        // Parts in `.dwo` files are left out.
        let Ok(mut frames) = self.0.find_frames(address).skip_all_loads() else { return found };
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

/// An absent or damaged section is an empty one.
fn section(elf: &ElfFile, id: SectionId) -> Slice {
    let bytes = elf.debug_section(id.name()).unwrap_or_default();
    let endian = if elf.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
    EndianArcSlice::new(Arc::from(bytes), endian)
}
