//! ELF files, read piece by piece: headers first, sections when asked for.

mod bytes;
mod notes;
pub(in crate::symbol) mod relocations;
mod symbols;

pub use notes::Note;

use super::compressed::{Packing, unpack};
use super::{SymbolError, zip};
use crate::regular;
use bytes::Source;
use goblin::container::{Container, Ctx};
use goblin::elf::dynamic::{DF_1_PIE, DT_FLAGS_1};
use goblin::elf::header::{ET_EXEC, Header};
use goblin::elf::program_header::{PT_DYNAMIC, PT_LOAD, ProgramHeader};
use goblin::elf::section_header::{SHF_COMPRESSED, SHT_NOBITS, SectionHeader};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Nothing that is read in one piece may be larger: the size comes from the file.
const MOST: u64 = 1 << 31;

/// An open ELF file.
#[derive(Debug)]
pub struct ElfFile {
    source: Source,
    path: PathBuf,
    len: u64,
    /// Where the image begins in the file.
    start: u64,
    header: Header,
    ctx: Ctx,
    segments: Vec<ProgramHeader>,
    sections: Vec<SectionHeader>,
    section_names: Vec<u8>,
}

impl ElfFile {
    /// Opens `path` and reads its headers; `archive!/member` is a member of a ZIP archive.
    ///
    /// # Errors
    /// [`SymbolError::Io`], or [`SymbolError::Elf`] for what is no ELF file.
    pub fn open(path: &Path) -> Result<Self, SymbolError> {
        let io = |source| SymbolError::Io { path: path.to_owned(), source };
        if let Some((archive, name)) = zip::split(path) {
            let file = regular::open(&archive).map_err(io)?;
            let members = zip::members(&file).map_err(io)?;
            let member = members.into_iter().find(|member| member.name == name);
            let member = member.ok_or_else(|| io(io::ErrorKind::NotFound.into()))?;
            return Self::from_part(file, member.offset, member.len, path);
        }
        let file = regular::open(path).map_err(io)?;
        Self::from_file(file, path)
    }

    /// An ELF image of `len` bytes within a file; `path` names it in messages.
    ///
    /// # Errors
    /// [`SymbolError::Elf`].
    pub fn from_part(file: File, start: u64, len: u64, path: &Path) -> Result<Self, SymbolError> {
        Self::read(Source::File(file, start), len, path)
    }

    /// Reads the headers of an open file; `path` names it in messages.
    ///
    /// # Errors
    /// As [`ElfFile::open`].
    pub fn from_file(file: File, path: &Path) -> Result<Self, SymbolError> {
        let io = |source| SymbolError::Io { path: path.to_owned(), source };
        let len = file.metadata().map_err(io)?.len();
        Self::read(Source::File(file, 0), len, path)
    }

    /// An ELF image in memory; `path` names it in messages.
    ///
    /// # Errors
    /// [`SymbolError::Elf`].
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, SymbolError> {
        let len = bytes.len() as u64;
        Self::read(Source::Bytes(bytes), len, path)
    }

    fn read(source: Source, len: u64, path: &Path) -> Result<Self, SymbolError> {
        let bad = |reason: String| SymbolError::Elf { path: path.to_owned(), reason };
        let mut start = vec![0; 64];
        let got = source.read_at(&mut start, 0).map_err(|error| bad(error.to_string()))?;
        if got < 52 {
            return Err(bad("too short".to_owned()));
        }
        let header =
            goblin::elf::Elf::parse_header(&start).map_err(|error| bad(error.to_string()))?;
        let container = header.container().map_err(|error| bad(error.to_string()))?;
        let endian = header.endianness().map_err(|error| bad(error.to_string()))?;
        let mut elf = Self {
            source,
            path: path.to_owned(),
            len,
            header,
            start: 0,
            ctx: Ctx::new(container, endian),
            segments: Vec::new(),
            sections: Vec::new(),
            section_names: Vec::new(),
        };
        if let Source::File(_, start) = elf.source {
            elf.start = start;
        }
        elf.read_segments()?;
        elf.read_sections()?;
        Ok(elf)
    }

    /// Closes the file: what the headers tell stays, contents are gone.
    pub fn close(&mut self) {
        self.source = Source::Bytes(Vec::new());
        self.len = 0;
    }

    fn bad(&self, reason: impl ToString) -> SymbolError {
        SymbolError::Elf { path: self.path.clone(), reason: reason.to_string() }
    }

    fn read_segments(&mut self) -> Result<(), SymbolError> {
        let count = usize::from(self.header.e_phnum);
        let each = ProgramHeader::size(self.ctx);
        let bytes = self.bytes(self.header.e_phoff, (count * each) as u64)?;
        self.segments =
            ProgramHeader::parse(&bytes, 0, count, self.ctx).map_err(|error| self.bad(error))?;
        Ok(())
    }

    fn read_sections(&mut self) -> Result<(), SymbolError> {
        if self.header.e_shoff == 0 {
            return Ok(());
        }
        let each = SectionHeader::size(self.ctx);
        let parse = |elf: &Self, count: usize| {
            let bytes = elf.bytes(elf.header.e_shoff, (count * each) as u64)?;
            SectionHeader::parse_from(&bytes, 0, count, elf.ctx).map_err(|error| elf.bad(error))
        };
        let mut count = usize::from(self.header.e_shnum);
        if count == 0 {
            // Too many for the field: the first section's size holds the number.
            let first = parse(self, 1)?;
            count = first.first().map_or(0, |first| usize::try_from(first.sh_size).unwrap_or(0));
        }
        if count.saturating_mul(each) as u64 > self.len {
            return Err(self.bad("section headers outside of the file"));
        }
        self.sections = parse(self, count)?;
        let names = match self.sections.get(usize::from(self.header.e_shstrndx)) {
            Some(names) => self.section_bytes(names)?,
            None => Vec::new(),
        };
        self.section_names = names;
        Ok(())
    }

    /// Bytes of the file as they are.
    fn bytes(&self, offset: u64, len: u64) -> Result<Vec<u8>, SymbolError> {
        let inside = offset.checked_add(len).is_some_and(|end| end <= self.len);
        let size = usize::try_from(len).ok().filter(|_| inside && len <= MOST);
        let size = size.ok_or_else(|| self.bad("a part lies outside of the file"))?;
        let mut bytes = vec![0; size];
        let got = self.source.read_at(&mut bytes, offset).map_err(|error| self.bad(error))?;
        if got < bytes.len() {
            return Err(self.bad("the file is shorter than it was"));
        }
        Ok(bytes)
    }

    /// A section's contents, decompressed.
    fn section_bytes(&self, section: &SectionHeader) -> Result<Vec<u8>, SymbolError> {
        if section.sh_type == SHT_NOBITS {
            return Ok(Vec::new());
        }
        let bytes = self.bytes(section.sh_offset, section.sh_size)?;
        if section.sh_flags & u64::from(SHF_COMPRESSED) == 0 {
            return Ok(bytes);
        }
        self.decompress(&bytes)
    }

    fn decompress(&self, bytes: &[u8]) -> Result<Vec<u8>, SymbolError> {
        let header = if self.ctx.container == Container::Big { 24 } else { 12 };
        let kind = bytes.first_chunk().map_or(0, |word| self.u32(*word));
        let packing = Packing::of_section(kind)
            .ok_or_else(|| self.bad("a section is compressed in an unknown way"))?;
        let body = bytes.get(header..).unwrap_or_default();
        unpack(packing, body, MOST).map_err(|error| self.bad(error))
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.ctx.is_little_endian() {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        }
    }

    /// An unsigned word of the file's own width and byte order.
    pub fn word(&self, bytes: &[u8], at: usize) -> Option<u64> {
        let little = self.ctx.is_little_endian();
        if self.ctx.container == Container::Big {
            let word: [u8; 8] = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
            Some(if little { u64::from_le_bytes(word) } else { u64::from_be_bytes(word) })
        } else {
            let word: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
            Some(self.u32(word).into())
        }
    }

    /// Bytes per address.
    pub fn word_size(&self) -> usize {
        if self.ctx.container == Container::Big { 8 } else { 4 }
    }

    /// `EM_*`.
    pub fn machine(&self) -> u16 {
        self.header.e_machine
    }

    /// Whether it is linked to fixed addresses (not PIE, not a library).
    pub fn is_fixed(&self) -> bool {
        self.header.e_type == ET_EXEC
    }

    /// `ET_*`.
    pub fn file_type(&self) -> u16 {
        self.header.e_type
    }

    /// Whether the linker says that it is an executable that may be loaded anywhere.
    pub fn is_pie(&self) -> bool {
        let dynamic = self.segments.iter().find(|segment| segment.p_type == PT_DYNAMIC);
        let bytes = dynamic.and_then(|part| self.bytes(part.p_offset, part.p_filesz).ok());
        let (bytes, size) = (bytes.unwrap_or_default(), self.word_size());
        let mut entries = (0..bytes.len() / (2 * size)).map(|index| index * 2 * size);
        entries.any(|at| {
            let is_flags = self.word(&bytes, at) == Some(DT_FLAGS_1);
            is_flags && self.word(&bytes, at + size).is_some_and(|flags| flags & DF_1_PIE != 0)
        })
    }

    /// Address, bytes in memory and file offset of each part that is loaded for execution.
    pub fn code_segments(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let code = self.loads().filter(|segment| segment.is_executable());
        code.map(|segment| (segment.p_vaddr, segment.p_memsz, segment.p_offset))
    }

    /// The file this was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn section_name(&self, section: &SectionHeader) -> &[u8] {
        let rest = self.section_names.get(section.sh_name..).unwrap_or_default();
        rest.split(|&byte| byte == 0).next().unwrap_or_default()
    }

    fn find_section(&self, name: &str) -> Option<&SectionHeader> {
        self.sections.iter().find(|section| self.section_name(section) == name.as_bytes())
    }

    /// Contents of the section of that name, decompressed; `None` when there is none.
    ///
    /// # Errors
    /// [`SymbolError::Elf`] when it is damaged.
    pub fn section(&self, name: &str) -> Result<Option<Vec<u8>>, SymbolError> {
        self.find_section(name).map(|section| self.section_bytes(section)).transpose()
    }

    /// A section of DWARF, also in the compressed form of old (`.zdebug_…`).
    pub(super) fn debug_section(&self, name: &str) -> Option<Vec<u8>> {
        if let Ok(Some(bytes)) = self.section(name) {
            return Some(bytes);
        }
        let packed = self.section(&name.replacen(".d", ".zd", 1)).ok()??;
        let body = packed.strip_prefix(b"ZLIB")?.get(8..)?;
        unpack(Packing::Zlib, body, MOST).ok()
    }

    /// Whether DWARF of functions and lines is there.
    pub(super) fn has_lines(&self) -> bool {
        let has = |name| {
            let section = self.find_section(name);
            section.is_some_and(|section| section.sh_type != SHT_NOBITS && section.sh_size > 0)
        };
        has(".debug_info") || has(".zdebug_info")
    }

    /// Byte order of the file.
    pub(super) fn is_little_endian(&self) -> bool {
        self.ctx.is_little_endian()
    }

    /// Where the image begins in the file: not at 0 within an archive.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Virtual address of the section of that name.
    pub fn section_address(&self, name: &str) -> Option<u64> {
        self.find_section(name).map(|section| section.sh_addr)
    }

    fn loads(&self) -> impl Iterator<Item = &ProgramHeader> {
        self.segments.iter().filter(|segment| segment.p_type == PT_LOAD)
    }

    /// Where in the file the byte at virtual address `address` is.
    pub fn file_offset(&self, address: u64) -> Option<u64> {
        let segment = self.loads().find(|segment| {
            address.checked_sub(segment.p_vaddr).is_some_and(|into| into < segment.p_memsz)
        })?;
        segment.p_offset.checked_add(address - segment.p_vaddr)
    }

    /// The virtual address of the byte at `offset` of the file, in code rather than in data.
    pub fn address_of(&self, offset: u64) -> Option<u64> {
        let holds = |segment: &&ProgramHeader| {
            offset.checked_sub(segment.p_offset).is_some_and(|into| into < segment.p_filesz)
        };
        let segment = self
            .loads()
            .filter(holds)
            .find(|segment| segment.is_executable())
            .or_else(|| self.loads().find(holds))?;
        segment.p_vaddr.checked_add(offset - segment.p_offset)
    }

    /// Up to `len` bytes at virtual address `address`; fewer at the file's end.
    pub(super) fn code_at(&self, address: u64, len: u64) -> Vec<u8> {
        let Some(offset) = self.file_offset(address) else { return Vec::new() };
        self.bytes(offset, len.min(self.len.saturating_sub(offset))).unwrap_or_default()
    }

    /// Whether `address` is in an executable segment.
    pub fn is_code(&self, address: u64) -> bool {
        self.loads().any(|segment| {
            segment.is_executable()
                && address.checked_sub(segment.p_vaddr).is_some_and(|into| into < segment.p_memsz)
        })
    }
}

#[cfg(test)]
#[path = "elf_tests.rs"]
mod tests;
