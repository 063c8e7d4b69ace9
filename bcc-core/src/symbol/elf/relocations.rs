//! Words of a file that the dynamic linker fills with addresses of functions.

use super::ElfFile;
use crate::symbol::SymbolError;
use goblin::elf::header::{EM_AARCH64, EM_PPC64, EM_RISCV, EM_S390, EM_X86_64};
use goblin::elf::reloc::{Reloc, RelocSection};
use goblin::elf::section_header::SHT_RELA;
use goblin::elf::sym::Sym;

/// What the linker puts into a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::symbol) enum Filled {
    /// What the resolver at this virtual address returned (`IRELATIVE`).
    ByResolver(u64),
    /// The address of the function of this name (`JUMP_SLOT`, `GLOB_DAT`, an absolute word).
    ByName(String),
}

/// Numbers of the relocations that fill a word by a resolver, and of those that do by name.
fn kinds(machine: u16) -> Option<(u32, [u32; 3])> {
    Some(match machine {
        EM_X86_64 => (37, [7, 6, 1]),
        EM_AARCH64 => (1032, [1026, 1025, 257]),
        EM_S390 => (61, [11, 10, 22]),
        EM_PPC64 => (248, [21, 20, 38]),
        EM_RISCV => (58, [5, 2, 2]),
        _ => return None,
    })
}

impl ElfFile {
    /// Every word that gets the address of a function, by its virtual address.
    ///
    /// # Errors
    /// [`SymbolError::Elf`] when a table is damaged.
    pub(in crate::symbol) fn filled_words(&self) -> Result<Vec<(u64, Filled)>, SymbolError> {
        let Some((by_resolver, by_name)) = kinds(self.machine()) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for section in self.sections.iter().filter(|section| section.sh_type == SHT_RELA) {
            let bytes = self.section_bytes(section)?;
            let relocations = RelocSection::parse(&bytes, 0, bytes.len(), true, self.ctx)
                .map_err(|error| self.bad(error))?;
            let wanted = |kind: u32| kind == by_resolver || by_name.contains(&kind);
            // Most only add the base.
            let few: Vec<Reloc> = relocations.iter().filter(|r| wanted(r.r_type)).collect();
            if few.is_empty() {
                continue;
            }
            let (symbols, names) = self.table_and_names(section.sh_link as usize)?;
            for one in few {
                let filled = if one.r_type == by_resolver {
                    Filled::ByResolver(one.r_addend.unwrap_or(0).cast_unsigned())
                } else {
                    match symbols.get(one.r_sym).and_then(|symbol| text_at(&names, symbol)) {
                        Some(name) => Filled::ByName(name),
                        None => continue,
                    }
                };
                found.push((one.r_offset, filled));
            }
        }
        Ok(found)
    }

    /// The symbol table in section `index`, and the texts of its names.
    fn table_and_names(&self, index: usize) -> Result<(Vec<Sym>, Vec<u8>), SymbolError> {
        let Some(table) = self.sections.get(index) else { return Ok(Default::default()) };
        let Some(names) = self.sections.get(table.sh_link as usize) else {
            return Ok(Default::default());
        };
        let (bytes, names) = (self.section_bytes(table)?, self.section_bytes(names)?);
        let count = bytes.len() / Sym::size(self.ctx.container);
        let symbols = Sym::parse(&bytes, 0, count, self.ctx).map_err(|error| self.bad(error))?;
        Ok((symbols, names))
    }
}

fn text_at(names: &[u8], symbol: &Sym) -> Option<String> {
    let name = names.get(symbol.st_name..)?.split(|&byte| byte == 0).next()?;
    std::str::from_utf8(name).ok().filter(|name| !name.is_empty()).map(str::to_owned)
}
