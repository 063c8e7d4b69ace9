//! The symbol tables of ELF files.

use super::ElfFile;
use crate::symbol::SymbolError;
use crate::symbol::table::{Rank, SymbolTable, TableBuilder};
use goblin::elf::section_header::{SHN_UNDEF, SHT_DYNSYM, SHT_GNU_VERSYM, SHT_SYMTAB};
use goblin::elf::sym::{STB_LOCAL, STT_FUNC, STT_GNU_IFUNC, Sym};

/// Which symbol table a symbol comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TableKind {
    Full,
    Dynamic,
}

impl ElfFile {
    /// Whether there is a full symbol table, not only the dynamic one.
    pub fn has_full_table(&self) -> bool {
        self.sections.iter().any(|section| section.sh_type == SHT_SYMTAB && section.sh_size > 0)
    }

    /// All functions of both symbol tables.
    ///
    /// # Errors
    /// [`SymbolError::Elf`] when a table is damaged.
    pub fn functions(&self) -> Result<SymbolTable, SymbolError> {
        let mut builder = TableBuilder::default();
        self.add_functions(&mut builder)?;
        Ok(builder.finish())
    }

    /// Adds all functions of both symbol tables.
    ///
    /// # Errors
    /// As [`ElfFile::functions`].
    pub fn add_functions(&self, builder: &mut TableBuilder) -> Result<(), SymbolError> {
        self.each_symbol(|symbol, name, is_default| {
            let is_function = matches!(symbol.st_type(), STT_FUNC | STT_GNU_IFUNC);
            if is_function && symbol.st_value != 0 {
                // Full tables write versions into names: `f@OLD`, and `f@@DEFAULT`.
                let is_default = is_default && (!name.contains('@') || name.contains("@@"));
                let rank = match (symbol.st_bind(), is_default) {
                    (STB_LOCAL, _) => Rank::Local,
                    (_, true) => Rank::Public,
                    (_, false) => Rank::OldVersion,
                };
                builder.add(name, symbol.st_value, symbol.st_size, rank);
                if symbol.st_type() == STT_GNU_IFUNC {
                    builder.mark_indirect(symbol.st_value);
                }
            }
        })
    }

    /// Value of the defined symbol `name` of any type (semaphores are objects).
    ///
    /// # Errors
    /// As [`ElfFile::functions`].
    pub fn symbol_value(&self, name: &str) -> Result<Option<u64>, SymbolError> {
        let mut found = None;
        self.each_symbol(|symbol, candidate, _| {
            if candidate == name && found.is_none() {
                found = Some(symbol.st_value);
            }
        })?;
        Ok(found)
    }

    /// Gives each defined symbol with its name, and whether its version is the default one.
    fn each_symbol(&self, mut sink: impl FnMut(&Sym, &str, bool)) -> Result<(), SymbolError> {
        for (index, section) in self.sections.iter().enumerate() {
            let kind = match section.sh_type {
                SHT_SYMTAB => TableKind::Full,
                SHT_DYNSYM => TableKind::Dynamic,
                _ => continue,
            };
            let Some(strings) = self.sections.get(section.sh_link as usize) else { continue };
            let (bytes, strings) = (self.section_bytes(section)?, self.section_bytes(strings)?);
            let versions = match kind {
                TableKind::Dynamic => self.versions_of(index)?,
                TableKind::Full => Vec::new(),
            };
            let count = bytes.len() / Sym::size(self.ctx.container);
            let symbols =
                Sym::parse(&bytes, 0, count, self.ctx).map_err(|error| self.bad(error))?;
            for (number, symbol) in symbols.iter().enumerate() {
                if symbol.st_shndx == SHN_UNDEF as usize {
                    continue;
                }
                let rest = strings.get(symbol.st_name..).unwrap_or_default();
                let name = rest.split(|&byte| byte == 0).next().unwrap_or_default();
                let Ok(name) = std::str::from_utf8(name) else { continue };
                if name.is_empty() {
                    continue;
                }
                // The top bit hides a version from those who ask for none.
                let hidden = versions.get(number * 2..number * 2 + 2).is_some_and(|version| {
                    let top = if self.ctx.is_little_endian() { version[1] } else { version[0] };
                    top & 0x80 != 0
                });
                sink(symbol, name, !hidden);
            }
        }
        Ok(())
    }

    /// `.gnu.version` of the dynamic table in section `index`.
    fn versions_of(&self, index: usize) -> Result<Vec<u8>, SymbolError> {
        let versions = self
            .sections
            .iter()
            .find(|section| section.sh_type == SHT_GNU_VERSYM && section.sh_link as usize == index);
        versions.map_or_else(|| Ok(Vec::new()), |section| self.section_bytes(section))
    }
}
