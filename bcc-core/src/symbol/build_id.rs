//! Addresses as stack maps with build-ids give them: an id and an offset in the file.

use super::SymbolError;
use super::elf::ElfFile;
use super::place::functions_of;
use super::process::Symbol;
use super::table::SymbolTable;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Files by build-id.
#[derive(Debug, Default)]
pub struct BuildIdCache {
    modules: HashMap<Vec<u8>, Known>,
}

#[derive(Debug)]
struct Known {
    path: PathBuf,
    elf: ElfFile,
    /// Read when first asked.
    functions: Option<SymbolTable>,
}

impl BuildIdCache {
    /// Adds a file.
    ///
    /// # Errors
    /// [`SymbolError::Io`], [`SymbolError::Elf`] also for a file without build-id.
    pub fn add_module(&mut self, path: &Path) -> Result<(), SymbolError> {
        let elf = ElfFile::open(path)?;
        let id = elf.build_id().ok_or_else(|| SymbolError::Elf {
            path: path.to_owned(),
            reason: "it has no build-id".to_owned(),
        })?;
        self.modules.insert(id, Known { path: path.to_owned(), elf, functions: None });
        Ok(())
    }

    /// The symbol at `offset` of the file with that build-id; `None` when no such file was added.
    pub fn resolve(&mut self, build_id: &[u8], offset: u64) -> Option<Symbol<'_>> {
        let known = self.modules.get_mut(build_id)?;
        if known.functions.is_none() {
            known.functions = Some(functions_of(&known.elf, &known.path).unwrap_or_default());
            known.elf.close();
        }
        let address = known.elf.address_of(offset)?;
        let module = known.path.to_str()?;
        let function = known.functions.as_ref()?.at(address);
        Some(match function {
            Some(f) => Symbol { name: Some(f.name), offset: address - f.address, module },
            None => Symbol { name: None, offset, module },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::place::{Wanted, resolve};

    #[test]
    fn offset_in_a_file_of_known_id_is_named() {
        let place = resolve("c", Wanted::Symbol("malloc", 3), None).unwrap();
        let id = ElfFile::open(&place.path).unwrap().build_id().unwrap();
        let mut cache = BuildIdCache::default();
        assert_eq!(cache.resolve(&id, place.offset), None);
        cache.add_module(&place.path).unwrap();
        let symbol = cache.resolve(&id, place.offset).unwrap();
        assert_eq!((symbol.offset, symbol.module), (3, place.path.to_str().unwrap()));
        assert!(symbol.name.unwrap().contains("malloc"));
        assert_eq!(cache.resolve(&[1, 2, 3], 0), None);
    }
}
