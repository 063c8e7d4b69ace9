//! `/proc/kallsyms`: names and addresses of the kernel, its modules and BPF programs.
//!
//! Read once into one text and three columns; both directions are binary searches.

use std::io;

/// Where the kernel lists its symbols.
pub const PATH: &str = "/proc/kallsyms";

/// Why there are no kernel symbols.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KallsymsError {
    /// The list cannot be read.
    #[error("cannot read {PATH}")]
    Io(#[source] io::Error),
    /// Every address is zero: `kernel.kptr_restrict` or a missing capability hides them.
    #[error("{PATH} hides its addresses: needs root, and kernel.kptr_restrict below 2")]
    Restricted,
}

/// One symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelSymbol<'a> {
    /// Name.
    pub name: &'a str,
    /// Module, `bpf`, or `kernel`.
    pub module: &'a str,
    /// Where it starts.
    pub address: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    address: u64,
    start: u32,
    name_len: u16,
    module: u16,
}

/// The kernel's symbols, data apart, by address and by name.
#[derive(Debug, Clone)]
pub struct Kallsyms {
    /// All names, one after the other.
    names: String,
    /// `kernel` first.
    modules: Vec<String>,
    /// By address; of several at one address, in the kernel's order.
    by_address: Vec<Entry>,
    /// Indices into `by_address`, by name.
    by_name: Vec<u32>,
}

impl Kallsyms {
    /// Reads the running kernel's list.
    ///
    /// # Errors
    /// [`KallsymsError::Restricted`] when the kernel shows no addresses.
    pub fn read() -> Result<Self, KallsymsError> {
        let text = std::fs::read(PATH).map_err(KallsymsError::Io)?;
        Self::parse(&text)
    }

    /// Reads a list in the kernel's format; lines that are none are skipped.
    ///
    /// # Errors
    /// [`KallsymsError::Restricted`] when no line has an address.
    pub fn parse(text: &[u8]) -> Result<Self, KallsymsError> {
        let mut table = Self {
            names: String::with_capacity(text.len() / 2),
            modules: vec!["kernel".to_owned()],
            by_address: Vec::with_capacity(text.len() / 45),
            by_name: Vec::new(),
        };
        let mut any = false;
        for line in text.split(|&byte| byte == b'\n') {
            if let Some(symbol) = parse_line(line) {
                any = true;
                table.add(symbol);
            }
        }
        if any && table.by_address.is_empty() {
            return Err(KallsymsError::Restricted);
        }
        table.names.shrink_to_fit();
        table.by_address.shrink_to_fit();
        table.by_address.sort_by_key(|entry| entry.address);
        let mut by_name: Vec<u32> =
            (0..u32::try_from(table.by_address.len()).unwrap_or(u32::MAX)).collect();
        by_name.sort_by(|&a, &b| table.name_at(a).cmp(table.name_at(b)).then(a.cmp(&b)));
        table.by_name = by_name;
        Ok(table)
    }

    fn add(&mut self, line: Line<'_>) {
        // Data symbols name no code, and an address of zero is one that is hidden.
        if line.address == 0 || matches!(line.kind, b'b' | b'B' | b'd' | b'D' | b'r' | b'R') {
            return;
        }
        let (Ok(start), Ok(name_len)) =
            (u32::try_from(self.names.len()), u16::try_from(line.name.len()))
        else {
            return;
        };
        let module = self.module_index(line.module);
        self.names.push_str(line.name);
        self.by_address.push(Entry { address: line.address, start, name_len, module });
    }

    fn module_index(&mut self, name: &str) -> u16 {
        if name.is_empty() {
            return 0;
        }
        // A module's symbols stand together.
        let known = self.modules.iter().rposition(|known| known == name);
        let index = known.unwrap_or_else(|| {
            self.modules.push(name.to_owned());
            self.modules.len() - 1
        });
        u16::try_from(index).unwrap_or(0)
    }

    fn name_of(&self, entry: &Entry) -> &str {
        let start = entry.start as usize;
        &self.names[start..start + usize::from(entry.name_len)]
    }

    fn name_at(&self, index: u32) -> &str {
        self.name_of(&self.by_address[index as usize])
    }

    fn symbol(&self, entry: &Entry) -> KernelSymbol<'_> {
        let module = &self.modules[usize::from(entry.module)];
        KernelSymbol { name: self.name_of(entry), module, address: entry.address }
    }

    /// How many symbols there are.
    pub fn len(&self) -> usize {
        self.by_address.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// The nearest symbol at or below `address`; `None` below the first.
    pub fn at(&self, address: u64) -> Option<KernelSymbol<'_>> {
        let after = self.by_address.partition_point(|entry| entry.address <= address);
        self.by_address[..after].last().map(|entry| self.symbol(entry))
    }

    /// Every symbol of that name, by address.
    pub fn named(&self, name: &str) -> impl Iterator<Item = KernelSymbol<'_>> {
        let first = self.by_name.partition_point(|&index| self.name_at(index) < name);
        self.by_name[first..]
            .iter()
            .take_while(move |&&index| self.name_at(index) == name)
            .map(|&index| self.symbol(&self.by_address[index as usize]))
    }

    /// The address of `name`: the first in the kernel's own text, else in any module.
    pub fn address_of(&self, name: &str) -> Option<u64> {
        let mut first = None;
        for symbol in self.named(name) {
            if symbol.module == "kernel" {
                return Some(symbol.address);
            }
            first.get_or_insert(symbol.address);
        }
        first
    }

    /// The address of `name` in one module (`kernel` for the kernel itself).
    pub fn address_in(&self, module: &str, name: &str) -> Option<u64> {
        self.named(name).find(|symbol| symbol.module == module).map(|symbol| symbol.address)
    }

    /// All symbols by address.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = KernelSymbol<'_>> {
        self.by_address.iter().map(|entry| self.symbol(entry))
    }
}

/// One line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) address: u64,
    pub(super) kind: u8,
    pub(super) name: &'a str,
    /// Empty for the kernel itself.
    pub(super) module: &'a str,
}

/// Address, type and name, then for modules a tab and `[module]`.
pub(super) fn parse_line(line: &[u8]) -> Option<Line<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let (address, rest) = line.split_once(' ')?;
    let (kind, rest) = rest.split_once(' ')?;
    let (name, module) = match rest.split_once(['\t', ' ']) {
        Some((name, module)) => (name, module.trim_matches(['[', ']', ' ', '\t'])),
        None => (rest, ""),
    };
    let address = u64::from_str_radix(address, 16).ok()?;
    let &[kind] = kind.as_bytes() else { return None };
    (!name.is_empty()).then_some(Line { address, kind, name, module })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"0000000000000000 A fixed_percpu_data\n\
        ffffffff81000000 T _text\n\
        ffffffff81000000 T startup_64\n\
        ffffffff81000100 t helper\n\
        ffffffff81000200 T vfs_read\n\
        ffffffff82000000 D init_task\n\
        ffffffffc0000000 t helper\t[ext4]\n\
        ffffffffc0000040 T ext4_read\t[ext4]\n\
        ffffffffc0100000 t bpf_prog_1234_main\t[bpf]\n\
        nonsense\n\n";

    #[test]
    fn address_gives_the_nearest_lower_symbol_that_is_no_data() {
        let table = Kallsyms::parse(TEXT).unwrap();
        assert_eq!(table.len(), 7);
        let at = |address| table.at(address).map(|symbol| (symbol.name, symbol.module));
        assert_eq!(at(0xffff_ffff_8100_0204), Some(("vfs_read", "kernel")));
        assert_eq!(at(0xffff_ffff_8200_0010), Some(("vfs_read", "kernel")));
        assert_eq!(at(0xffff_ffff_c000_0041), Some(("ext4_read", "ext4")));
        assert_eq!(at(0xffff_ffff_c010_0000), Some(("bpf_prog_1234_main", "bpf")));
        assert_eq!(at(0xffff_ffff_8100_0050), Some(("startup_64", "kernel")));
        assert_eq!(at(0xffff_ffff_80ff_ffff), None);
    }

    #[test]
    fn name_gives_the_kernels_own_first() {
        let table = Kallsyms::parse(TEXT).unwrap();
        assert_eq!(table.address_of("helper"), Some(0xffff_ffff_8100_0100));
        assert_eq!(table.address_in("ext4", "helper"), Some(0xffff_ffff_c000_0000));
        assert_eq!(table.address_of("ext4_read"), Some(0xffff_ffff_c000_0040));
        assert_eq!(table.named("helper").count(), 2);
        assert_eq!(table.address_of("init_task"), None);
        assert_eq!(table.address_of("hel"), None);
    }

    #[test]
    fn list_without_addresses_is_restricted() {
        let hidden = b"0000000000000000 T _text\n0000000000000000 t helper\n";
        assert!(matches!(Kallsyms::parse(hidden), Err(KallsymsError::Restricted)));
        assert!(Kallsyms::parse(b"").unwrap().is_empty());
    }

    #[test]
    fn running_kernels_symbols_agree_in_both_directions() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let table = Kallsyms::read().unwrap();
        let address = table.address_of("vfs_read").unwrap();
        assert_eq!(table.at(address + 1).unwrap().name, "vfs_read");
        let mut last = 0;
        for symbol in table.iter() {
            assert!(symbol.address >= last);
            last = symbol.address;
        }
    }
}
