//! The ELF object as sections, symbols and relocations. Changes nothing.

use goblin::elf::section_header::{SHF_EXECINSTR, SHN_LORESERVE, SHT_NOBITS};
use goblin::elf::{Elf, sym};
use std::collections::BTreeMap;

/// `ld_imm64` of an address.
pub(super) const R_BPF_64_64: u32 = 1;
/// A call.
pub(super) const R_BPF_64_32: u32 = 10;

/// One section.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) name: String,
    /// Contents; zeros for `.bss`.
    pub(super) data: Vec<u8>,
    pub(super) executable: bool,
    /// In order of offset.
    pub(super) relocations: Vec<Relocation>,
}

/// What is to be patched at `offset`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relocation {
    pub(super) offset: usize,
    pub(super) symbol: usize,
    pub(super) kind: u32,
}

/// A name for a place in a section.
#[derive(Debug, Clone)]
pub(super) struct Symbol {
    /// Empty for a section's own symbol.
    pub(super) name: String,
    /// Index into the sections; `None` when undefined.
    pub(super) section: Option<usize>,
    pub(super) value: usize,
}

/// A relocatable object.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) sections: Vec<Section>,
    pub(super) symbols: Vec<Symbol>,
    by_name: BTreeMap<String, usize>,
}

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let elf = Elf::parse(bytes).map_err(|error| error.to_string())?;
        let mut sections = Vec::with_capacity(elf.section_headers.len());
        for header in &elf.section_headers {
            let name = elf.shdr_strtab.get_at(header.sh_name).unwrap_or_default().to_owned();
            let size = usize::try_from(header.sh_size).unwrap_or(0);
            let data = if header.sh_type == SHT_NOBITS {
                vec![0; size.min(MAX_SECTION)]
            } else {
                let start = usize::try_from(header.sh_offset).unwrap_or(usize::MAX);
                start
                    .checked_add(size)
                    .and_then(|end| bytes.get(start..end))
                    .unwrap_or_default()
                    .to_vec()
            };
            let executable = header.sh_flags & u64::from(SHF_EXECINSTR) != 0;
            sections.push(Section { name, data, executable, relocations: Vec::new() });
        }
        for (header, relocations) in &elf.shdr_relocs {
            let Some(header) = elf.section_headers.get(*header) else { continue };
            let Some(section) = sections.get_mut(header.sh_info as usize) else { continue };
            section.relocations = relocations
                .iter()
                .map(|r| Relocation {
                    offset: usize::try_from(r.r_offset).unwrap_or(usize::MAX),
                    symbol: r.r_sym,
                    kind: r.r_type,
                })
                .collect();
            section.relocations.sort_by_key(|r| r.offset);
        }
        let mut by_name = BTreeMap::new();
        let mut symbols = Vec::with_capacity(elf.syms.len());
        for symbol in &elf.syms {
            let name = match sym::st_type(symbol.st_info) {
                sym::STT_SECTION => String::new(),
                _ => elf.strtab.get_at(symbol.st_name).unwrap_or_default().to_owned(),
            };
            let section = (symbol.st_shndx != 0 && symbol.st_shndx < SHN_LORESERVE as usize)
                .then_some(symbol.st_shndx);
            if section.is_some() && !name.is_empty() {
                by_name.insert(name.clone(), symbols.len());
            }
            let value = usize::try_from(symbol.st_value).unwrap_or(usize::MAX);
            symbols.push(Symbol { name, section, value });
        }
        Ok(Self { sections, symbols, by_name })
    }

    /// The section of this name.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The section that a relocation's symbol is defined in.
    pub(super) fn section_of(&self, symbol: usize) -> Option<(usize, &Section)> {
        let index = self.symbols.get(symbol)?.section?;
        Some((index, self.sections.get(index)?))
    }

    /// The 32-bit word at `offset` into the defined symbol `name`.
    pub(super) fn word_of(&self, name: &str, offset: u32, big_endian: bool) -> Option<u32> {
        let symbol = &self.symbols[*self.by_name.get(name)?];
        let start = symbol.value.checked_add(offset as usize)?;
        let data = &self.sections.get(symbol.section?)?.data;
        let word = data.get(start..start.checked_add(4)?)?.try_into().ok()?;
        Some(if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
    }
}

/// The kernel takes no map value larger than this.
const MAX_SECTION: usize = 1 << 30;
