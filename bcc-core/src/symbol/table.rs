//! The functions of one file: names in one text, addresses in one column.

use super::search::Steps;

/// Functions by address and by name.
#[derive(Debug, Clone, Default)]
pub struct SymbolTable {
    names: String,
    /// By address; at equal ones the widest first, then the better rank.
    entries: Vec<Entry>,
    steps: Steps,
    /// Largest end of this and all earlier entries, to know when to stop looking back.
    reach: Vec<u64>,
    /// Indices into `entries`, by name; the better rank of equal names first.
    by_name: Vec<u32>,
    /// Addresses that are those of resolvers, rising.
    indirect: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    address: u64,
    size: u64,
    start: u32,
    name_len: u32,
    rank: Rank,
}

/// Which of several symbols of one name, or at one address, answers first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Rank {
    /// What others link against.
    #[default]
    Public,
    /// Of an older version, reached only by those who ask for it.
    OldVersion,
    /// Known to its own file only.
    Local,
}

/// One function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function<'a> {
    /// Name, mangled as in the file.
    pub name: &'a str,
    /// Virtual address for the file, not for a process.
    pub address: u64,
    /// Bytes; 0 when the file does not say.
    pub size: u64,
}

/// Collects functions for a [`SymbolTable`].
#[derive(Debug, Default)]
pub struct TableBuilder {
    names: String,
    entries: Vec<Entry>,
    indirect: Vec<u64>,
}

impl TableBuilder {
    /// What is at `address` is no function but chooses one (`STT_GNU_IFUNC`).
    pub fn mark_indirect(&mut self, address: u64) {
        self.indirect.push(address);
    }

    /// Adds a function.
    pub fn add(&mut self, name: &str, address: u64, size: u64, rank: Rank) {
        let (Ok(start), Ok(name_len)) =
            (u32::try_from(self.names.len()), u32::try_from(name.len()))
        else {
            return;
        };
        self.names.push_str(name);
        self.entries.push(Entry { address, size, start, name_len, rank });
    }

    /// Sorts, and drops what both symbol tables of a file hold.
    pub fn finish(self) -> SymbolTable {
        let Self { names, mut entries, mut indirect } = self;
        indirect.sort_unstable();
        indirect.dedup();
        let name_of =
            |entry: &Entry| &names[entry.start as usize..(entry.start + entry.name_len) as usize];
        let underscores =
            |entry: &Entry| name_of(entry).bytes().take_while(|&byte| byte == b'_').count();
        entries.sort_by(|a, b| {
            (a.address.cmp(&b.address))
                .then(b.size.cmp(&a.size))
                .then(a.rank.cmp(&b.rank))
                .then_with(|| underscores(a).cmp(&underscores(b)))
                .then_with(|| name_of(a).cmp(name_of(b)))
        });
        entries.dedup_by(|b, a| {
            a.address == b.address && a.size == b.size && name_of(a) == name_of(b)
        });
        let mut far = 0;
        let reach = entries
            .iter()
            .map(|entry| {
                far = far.max(entry.address.saturating_add(entry.size.max(1)));
                far
            })
            .collect();
        let mut by_name: Vec<u32> = (0..u32::try_from(entries.len()).unwrap_or(u32::MAX)).collect();
        by_name.sort_by(|&a, &b| {
            let (a, b) = (&entries[a as usize], &entries[b as usize]);
            name_of(a).cmp(name_of(b)).then(a.rank.cmp(&b.rank)).then(a.address.cmp(&b.address))
        });
        let steps = Steps::new(entries.iter().map(|entry| entry.address));
        SymbolTable { names, entries, steps, reach, by_name, indirect }
    }
}

impl SymbolTable {
    fn name_of(&self, entry: &Entry) -> &str {
        &self.names[entry.start as usize..(entry.start + entry.name_len) as usize]
    }

    fn function(&self, entry: &Entry) -> Function<'_> {
        Function { name: self.name_of(entry), address: entry.address, size: entry.size }
    }

    /// Whether what is at `address` only chooses the function (`STT_GNU_IFUNC`).
    pub fn is_indirect(&self, address: u64) -> bool {
        self.indirect.binary_search(&address).is_ok()
    }

    /// How many functions there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The innermost function that covers `address`. One of unknown size (written in assembly)
    /// reaches to the next function.
    pub fn at(&self, address: u64) -> Option<Function<'_>> {
        self.function_at(self.position_at(address)?)
    }

    /// The function at a position of the table.
    pub(super) fn function_at(&self, position: usize) -> Option<Function<'_>> {
        self.entries.get(position).map(|entry| self.function(entry))
    }

    /// Position of what [`SymbolTable::at`] gives.
    pub(super) fn position_at(&self, address: u64) -> Option<usize> {
        let all = &self.entries;
        let after = self.steps.up_to(address, all.len(), |index| all[index].address);
        for index in (0..after).rev() {
            let entry = &self.entries[index];
            let into = address - entry.address;
            let open_end = entry.size == 0 && index + 1 == after;
            if into < entry.size || open_end || (entry.size == 0 && into == 0) {
                return Some(self.first_at(index));
            }
            // Nothing before reaches this far.
            if index == 0 || self.reach[index - 1] <= address {
                return None;
            }
        }
        None
    }

    /// Of several names for the same function, the most public and plainest.
    fn first_at(&self, index: usize) -> usize {
        let entry = &self.entries[index];
        let same = self.entries[..index]
            .iter()
            .rev()
            .take_while(|other| other.address == entry.address && other.size == entry.size);
        index - same.count()
    }

    /// The functions called exactly `name`; the default version first.
    pub fn named(&self, name: &str) -> impl Iterator<Item = Function<'_>> {
        let entry = |index: u32| &self.entries[index as usize];
        let first = self.by_name.partition_point(|&index| self.name_of(entry(index)) < name);
        self.by_name[first..]
            .iter()
            .map(move |&index| &self.entries[index as usize])
            .take_while(move |entry| self.name_of(entry) == name)
            .map(|entry| self.function(entry))
    }

    /// The address of the function `name`; `name@@VERSION` also answers to `name`.
    pub fn address_of(&self, name: &str) -> Option<u64> {
        if let Some(function) = self.named(name).next() {
            return Some(function.address);
        }
        // Full tables write versions into names.
        let entry = |index: u32| &self.entries[index as usize];
        let first = self.by_name.partition_point(|&index| self.name_of(entry(index)) < name);
        let mut any = None;
        for &index in &self.by_name[first..] {
            let Some(rest) = self.name_of(entry(index)).strip_prefix(name) else { break };
            if rest.starts_with("@@") {
                return Some(entry(index).address);
            }
            if rest.starts_with('@') {
                any.get_or_insert(entry(index).address);
            }
        }
        any
    }

    /// All functions by address.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Function<'_>> {
        self.entries.iter().map(|entry| self.function(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(functions: &[(&str, u64, u64)]) -> SymbolTable {
        let mut builder = TableBuilder::default();
        for &(name, address, size) in functions {
            builder.add(name, address, size, Rank::Public);
        }
        builder.finish()
    }

    #[test]
    fn innermost_function_covers_the_address() {
        let table = table(&[("outer", 100, 100), ("inner", 120, 10), ("alias", 120, 10)]);
        let at = |address| table.at(address).map(|function| function.name);
        assert_eq!(at(119), Some("outer"));
        assert_eq!(at(125), Some("alias"));
        assert_eq!(at(130), Some("outer"));
        assert_eq!(at(199), Some("outer"));
        assert_eq!(at(200), None);
        assert_eq!(at(99), None);
    }

    #[test]
    fn function_without_size_reaches_to_the_next() {
        let table = table(&[("asm", 100, 0), ("next", 150, 10), ("asm2", 170, 0)]);
        let at = |address| table.at(address).map(|function| function.name);
        assert_eq!((at(100), at(149), at(155)), (Some("asm"), Some("asm"), Some("next")));
        assert_eq!((at(165), at(1 << 40)), (None, Some("asm2")));
    }

    #[test]
    fn default_version_answers_first() {
        let mut builder = TableBuilder::default();
        builder.add("memcpy", 100, 8, Rank::OldVersion);
        builder.add("memcpy", 200, 8, Rank::Public);
        builder.add("pow@GLIBC_2.2", 300, 8, Rank::Public);
        builder.add("pow@@GLIBC_2.29", 400, 8, Rank::Public);
        builder.add("powf", 500, 8, Rank::Public);
        builder.add("old@GLIBC_2.2", 600, 8, Rank::Public);
        let table = builder.finish();
        assert_eq!(table.address_of("memcpy"), Some(200));
        assert_eq!(table.address_of("pow"), Some(400));
        assert_eq!(table.address_of("pow@GLIBC_2.2"), Some(300));
        assert_eq!(table.address_of("old"), Some(600));
        assert_eq!(table.address_of("po"), None);
    }

    #[test]
    fn most_public_and_plainest_name_is_given() {
        let mut builder = TableBuilder::default();
        builder.add("__GI_read", 8, 4, Rank::Local);
        builder.add("__read", 8, 4, Rank::Public);
        builder.add("read", 8, 4, Rank::Public);
        assert_eq!(builder.finish().at(9).unwrap().name, "read");
    }

    #[test]
    fn same_function_of_both_tables_counts_once() {
        assert_eq!(table(&[("f", 1, 2), ("f", 1, 2), ("g", 1, 2)]).len(), 2);
    }
}
