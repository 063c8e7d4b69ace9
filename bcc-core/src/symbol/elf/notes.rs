//! Notes of ELF files, the build-id, and the link to the debug file.

use super::ElfFile;
use crate::symbol::SymbolError;
use goblin::elf::program_header::PT_NOTE;
use goblin::elf::section_header::SHT_NOTE;

/// A note (`PT_NOTE` or `SHT_NOTE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note<'a> {
    /// Owner, without the NUL.
    pub owner: &'a [u8],
    /// Type within the owner.
    pub kind: u32,
    /// Contents.
    pub data: &'a [u8],
}

impl ElfFile {
    /// Gives each note of sections called `name` (all notes of segments when `None`) to `sink`.
    ///
    /// # Errors
    /// [`SymbolError::Elf`] when a part lies outside of the file.
    pub fn notes(
        &self,
        name: Option<&str>,
        mut sink: impl FnMut(Note<'_>),
    ) -> Result<(), SymbolError> {
        let parts: Vec<(u64, u64, u64)> = match name {
            Some(name) => self
                .sections
                .iter()
                .filter(|section| {
                    section.sh_type == SHT_NOTE && self.section_name(section) == name.as_bytes()
                })
                .map(|section| (section.sh_offset, section.sh_size, section.sh_addralign))
                .collect(),
            None => self
                .segments
                .iter()
                .filter(|segment| segment.p_type == PT_NOTE)
                .map(|segment| (segment.p_offset, segment.p_filesz, segment.p_align))
                .collect(),
        };
        for (offset, len, align) in parts {
            let bytes = self.bytes(offset, len)?;
            let align = if align == 8 { 8 } else { 4 };
            let mut rest = bytes.as_slice();
            while let Some((note, after)) = self.next_note(rest, align) {
                sink(note);
                rest = after;
            }
        }
        Ok(())
    }

    fn next_note<'a>(&self, bytes: &'a [u8], align: usize) -> Option<(Note<'a>, &'a [u8])> {
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(|b| self.u32(b));
        let (owner_len, data_len) = (word(0)? as usize, word(4)? as usize);
        let owner = bytes.get(12..)?.get(..owner_len)?;
        let data_at = 12usize.checked_add(owner_len)?.checked_next_multiple_of(align)?;
        let data = bytes.get(data_at..)?.get(..data_len)?;
        let end = data_at.checked_add(data_len)?.checked_next_multiple_of(align)?;
        let owner = owner.strip_suffix(&[0]).unwrap_or(owner);
        let rest = bytes.get(end..).unwrap_or_default();
        Some((Note { owner, kind: word(8)?, data }, rest))
    }

    /// The GNU build-id.
    pub fn build_id(&self) -> Option<Vec<u8>> {
        let mut found = None;
        let mut look = |note: Note<'_>| {
            if note.owner == b"GNU" && note.kind == 3 && found.is_none() {
                found = Some(note.data.to_vec());
            }
        };
        // Debug files keep the section and may have an empty segment.
        self.notes(None, &mut look).ok()?;
        self.notes(Some(".note.gnu.build-id"), &mut look).ok()?;
        found.filter(|id| !id.is_empty())
    }

    /// Name and CRC of the separate debug file.
    pub fn debug_link(&self) -> Option<(String, u32)> {
        let bytes = self.section(".gnu_debuglink").ok()??;
        let end = bytes.iter().position(|&byte| byte == 0)?;
        let name = std::str::from_utf8(&bytes[..end]).ok()?.to_owned();
        let at = (end + 1).next_multiple_of(4);
        let crc = self.u32(bytes.get(at..at + 4)?.try_into().ok()?);
        Some((name, crc))
    }
}
