//! `/proc/kallsyms`: names and addresses of the kernel, its modules and BPF programs.
//!
//! Read once, in pieces, into one text and one column. Addresses are found by binary search, names by
//! a hash index that is made when the first name is asked for. Of 122,000 symbols the kernel takes
//! 46 ms to print its list, reading it takes 10 ms more, so `saved` keeps it for the other processes
//! of a boot. [`live`] reads it again when it changed.

mod line;
pub mod live;
mod names;
mod saved;

use crate::symbol::search::Steps;
use line::RawLine;
pub(super) use line::parse_line;
use names::NameIndex;
use std::fs::File;
use std::io::{self, Read};
use std::sync::OnceLock;

/// Where the kernel lists its symbols.
pub const PATH: &str = "/proc/kallsyms";

/// The kernel prints a page per call, however much is asked for.
const PIECE: usize = 1 << 16;

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
#[derive(Debug, Clone, Default)]
pub struct Kallsyms {
    /// All names, one after the other.
    names: String,
    /// `kernel` first.
    modules: Vec<String>,
    /// By address; of several at one address, in the kernel's order.
    by_address: Vec<Entry>,
    steps: Steps,
    by_name: OnceLock<NameIndex>,
}

/// Takes lines in, one after the other.
#[derive(Debug)]
struct Builder {
    names: Vec<u8>,
    modules: Vec<String>,
    entries: Vec<Entry>,
    any: bool,
}

impl Kallsyms {
    /// Reads the running kernel's list.
    ///
    /// # Errors
    /// [`KallsymsError::Restricted`] when the kernel shows no addresses.
    pub fn read() -> Result<Self, KallsymsError> {
        let file = File::open(PATH).map_err(KallsymsError::Io)?;
        let mut builder = Builder::new();
        each_line(file, |line| builder.add(line)).map_err(KallsymsError::Io)?;
        builder.finish()
    }

    /// Reads a list in the kernel's format; lines that are none are skipped.
    ///
    /// # Errors
    /// [`KallsymsError::Restricted`] when no line has an address.
    pub fn parse(text: &[u8]) -> Result<Self, KallsymsError> {
        let mut builder = Builder::new();
        each_line(text, |line| builder.add(line)).map_err(KallsymsError::Io)?;
        builder.finish()
    }

    fn name_of(&self, entry: &Entry) -> &str {
        let start = entry.start as usize;
        &self.names[start..start + usize::from(entry.name_len)]
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
        let all = &self.by_address;
        let after = self.steps.up_to(address, all.len(), |index| all[index].address);
        all[..after].last().map(|entry| self.symbol(entry))
    }

    /// Whether symbols of one module lie on both sides of `address`.
    fn is_within_module(&self, address: u64) -> bool {
        let all = &self.by_address;
        let after = self.steps.up_to(address, all.len(), |index| all[index].address);
        let (Some(below), Some(above)) = (all[..after].last(), all.get(after)) else {
            return false;
        };
        let name = &self.modules[usize::from(below.module)];
        // In brackets are also what is no module: `bpf`, `__builtin__ftrace`.
        let is_module = name != "kernel" && name != "bpf" && !name.starts_with("__builtin__");
        below.module == above.module && is_module
    }

    /// Every symbol of that name, by address.
    pub fn named(&self, name: &str) -> impl Iterator<Item = KernelSymbol<'_>> {
        let index = self.by_name.get_or_init(|| {
            NameIndex::new(self.by_address.iter().map(|entry| self.name_of(entry).as_bytes()))
        });
        index
            .candidates(name.as_bytes())
            .map(|at| &self.by_address[at as usize])
            .filter(move |entry| self.name_of(entry) == name)
            .map(|entry| self.symbol(entry))
    }

    /// The address of the kernel's own `name`, without the index that pays for many names only.
    fn own_by_scan(&self, name: &str) -> Option<u64> {
        let is_meant = |entry: &&Entry| {
            usize::from(entry.name_len) == name.len()
                && entry.module == 0
                && self.name_of(entry) == name
        };
        self.by_address.iter().find(is_meant).map(|entry| entry.address)
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

impl Builder {
    fn new() -> Self {
        Self {
            names: Vec::with_capacity(1 << 21),
            modules: vec!["kernel".to_owned()],
            entries: Vec::with_capacity(1 << 17),
            any: false,
        }
    }

    fn add(&mut self, line: &[u8]) {
        let Some(line) = RawLine::parse(line) else { return };
        self.any = true;
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
        self.names.extend_from_slice(line.name);
        self.entries.push(Entry { address: line.address, start, name_len, module });
    }

    fn module_index(&mut self, name: &[u8]) -> u16 {
        if name.is_empty() {
            return 0;
        }
        // A module's symbols stand together.
        let known = self.modules.iter().rposition(|known| known.as_bytes() == name);
        let index = known.unwrap_or_else(|| {
            self.modules.push(String::from_utf8_lossy(name).into_owned());
            self.modules.len() - 1
        });
        u16::try_from(index).unwrap_or(0)
    }

    fn finish(self) -> Result<Kallsyms, KallsymsError> {
        let Self { mut names, modules, mut entries, any } = self;
        if any && entries.is_empty() {
            return Err(KallsymsError::Restricted);
        }
        names.shrink_to_fit();
        entries.shrink_to_fit();
        // The kernel's own are in order already.
        entries.sort_by_key(|entry| entry.address);
        let names = String::from_utf8(names).unwrap_or_else(|error| {
            // Names are ASCII; one that is not must keep its length.
            let ascii = |byte: u8| if byte.is_ascii() { byte as char } else { '?' };
            error.into_bytes().into_iter().map(ascii).collect()
        });
        let steps = Steps::new(entries.iter().map(|entry| entry.address));
        Ok(Kallsyms { names, modules, by_address: entries, steps, by_name: OnceLock::new() })
    }
}

/// Calls `sink` with each line of `from`, without its end.
fn each_line(mut from: impl Read, mut sink: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut held = 0;
    loop {
        let got = match from.read(&mut buffer[held..]) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = held + got;
        let mut start = 0;
        while let Some(len) = buffer[start..end].iter().position(|&byte| byte == b'\n') {
            sink(&buffer[start..start + len]);
            start += len + 1;
        }
        // A line longer than the buffer is no symbol.
        held = if start == 0 && end == buffer.len() { 0 } else { end - start };
        buffer.copy_within(start..start + held, 0);
    }
    sink(&buffer[..held]);
    Ok(())
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
        let addresses = [0xffff_ffff_c000_0001, 0xffff_ffff_c000_0041, 0xffff_ffff_8100_0101];
        assert_eq!(addresses.map(|a| table.is_within_module(a)), [true, false, false]);
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
    fn lines_are_the_same_however_they_are_cut() {
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let len = self.0.len().min(buffer.len()).min(7);
                buffer[..len].copy_from_slice(&self.0[..len]);
                self.0 = &self.0[len..];
                Ok(len)
            }
        }
        let mut lines = Vec::new();
        each_line(Slow(TEXT), |line| lines.push(line.to_vec())).unwrap();
        let whole: Vec<_> = TEXT.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        assert_eq!(lines, whole);
        let long = [vec![b'x'; 3 * PIECE], b"\nffffffff81000000 T f".to_vec()].concat();
        assert_eq!(Kallsyms::parse(&long).unwrap().len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn damaged_lists_never_panic(text: Vec<u8>, at in 0usize..400, byte: u8) {
            let _any = Kallsyms::parse(&text);
            let mut damaged = TEXT.to_vec();
            if let Some(place) = damaged.get_mut(at) {
                *place = byte;
            }
            if let Ok(table) = Kallsyms::parse(&damaged) {
                assert!(table.iter().all(|symbol| table.named(symbol.name).count() > 0));
            }
        }
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
