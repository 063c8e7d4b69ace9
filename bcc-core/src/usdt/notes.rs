//! The probes of one ELF file, as its notes tell.

use super::operand::{Argument, parse_arguments};
use crate::symbol::SymbolError;
use crate::symbol::elf::ElfFile;
use std::path::{Path, PathBuf};

/// A probe: all places of one provider's name in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Provider.
    pub provider: String,
    /// Name.
    pub name: String,
    /// The file, as its process knows it.
    pub path: PathBuf,
    /// The file, as this process can open it.
    pub open_path: PathBuf,
    /// Virtual address of the semaphore; 0 for none.
    pub semaphore: u64,
    /// File offset of the semaphore; 0 for none.
    pub semaphore_offset: u64,
    /// Where the probe is, in the order of the notes.
    pub locations: Vec<Location>,
    /// `EM_*` of the file.
    pub machine: u16,
    /// Whether the file is linked to fixed addresses.
    pub is_fixed: bool,
}

/// One place of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Virtual address for the file.
    pub address: u64,
    /// File offset.
    pub offset: u64,
    /// Arguments there.
    pub arguments: Vec<Argument>,
    /// Virtual addresses of the symbols that the arguments name, where the file has them.
    pub symbols: Vec<(String, u64)>,
}

impl Probe {
    /// `provider:name`.
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.provider, self.name)
    }

    /// How many arguments it has; at all places the same number.
    pub fn argument_count(&self) -> usize {
        self.locations.iter().map(|location| location.arguments.len()).max().unwrap_or(0)
    }

    /// The widest form of argument `index` (from 0) over all places.
    pub fn argument(&self, index: usize) -> Option<&Argument> {
        let all = self.locations.iter().filter_map(|location| location.arguments.get(index));
        // Of equally wide ones the first.
        all.reduce(|widest, next| if next.size > widest.size { next } else { widest })
    }
}

/// A note's text before the file's addresses are applied.
struct Raw<'a> {
    address: u64,
    base: u64,
    semaphore: u64,
    provider: &'a str,
    name: &'a str,
    arguments: &'a str,
}

/// Reads the probes of a file; `path` is what its process calls it.
///
/// # Errors
/// [`SymbolError`] when the file cannot be read or is damaged. A damaged note is left out.
pub fn read(elf: &ElfFile, path: &Path) -> Result<Vec<Probe>, SymbolError> {
    let mut probes: Vec<Probe> = Vec::new();
    let base = elf.section_address(".stapsdt.base");
    let mut symbols_of = SymbolLookup { elf, known: Vec::new() };
    elf.notes(Some(".note.stapsdt"), |note| {
        if note.owner != b"stapsdt" || note.kind != 3 {
            return;
        }
        let Some(raw) = decode(elf, note.data) else { return };
        // A prelinked file moved after its notes were written.
        let moved = base.map_or(0, |base| base.wrapping_sub(raw.base));
        let address = raw.address.wrapping_add(moved);
        let Some(offset) = elf.file_offset(address) else { return };
        let arguments = parse_arguments(raw.arguments, elf.machine());
        let symbols = symbols_of.named_by(&arguments);
        let location = Location { address, offset, arguments, symbols };
        let same = |probe: &&mut Probe| probe.provider == raw.provider && probe.name == raw.name;
        if let Some(probe) = probes.iter_mut().find(same) {
            probe.locations.push(location);
            return;
        }
        let semaphore = if raw.semaphore == 0 { 0 } else { raw.semaphore.wrapping_add(moved) };
        probes.push(Probe {
            provider: raw.provider.to_owned(),
            name: raw.name.to_owned(),
            path: path.to_owned(),
            open_path: elf.path().to_owned(),
            semaphore,
            semaphore_offset: elf.file_offset(semaphore).filter(|_| semaphore != 0).unwrap_or(0),
            locations: vec![location],
            machine: elf.machine(),
            is_fixed: elf.is_fixed(),
        });
    })?;
    Ok(probes)
}

/// Three addresses, then three texts.
fn decode<'a>(elf: &ElfFile, data: &'a [u8]) -> Option<Raw<'a>> {
    let size = elf.word_size();
    let mut texts = data.get(3 * size..)?.split(|&byte| byte == 0);
    let mut text = || std::str::from_utf8(texts.next()?).ok();
    let (provider, name, arguments) = (text()?, text()?, text().unwrap_or_default());
    if name.is_empty() {
        return None;
    }
    Some(Raw {
        address: elf.word(data, 0)?,
        base: elf.word(data, size)?,
        semaphore: elf.word(data, 2 * size)?,
        provider,
        name,
        arguments,
    })
}

/// Asks the file for each symbol once.
struct SymbolLookup<'a> {
    elf: &'a ElfFile,
    known: Vec<(String, Option<u64>)>,
}

impl SymbolLookup<'_> {
    fn named_by(&mut self, arguments: &[Argument]) -> Vec<(String, u64)> {
        use super::operand::Operand;
        let names = arguments.iter().filter_map(|argument| match &argument.operand {
            Operand::Memory { symbol: Some(symbol), .. } | Operand::Address { symbol, .. } => {
                Some(symbol)
            }
            _ => None,
        });
        names.filter_map(|name| Some((name.clone(), self.value(name)?))).collect()
    }

    fn value(&mut self, name: &str) -> Option<u64> {
        if let Some((_, value)) = self.known.iter().find(|(known, _)| known == name) {
            return *value;
        }
        let value = self.elf.symbol_value(name).ok().flatten();
        self.known.push((name.to_owned(), value));
        value
    }
}
