//! `.BTF` and `.BTF.ext` as the kernel wants them.
//!
//! Type ids stay what LLVM made them, so that func info and map ids need no translation; what no kernel
//! accepts (data sections of maps, extern functions) becomes a nameless pointer that nothing refers to.
//! The string table is written anew: only strings in use, with the user's own source lines.

use super::object::Object;
use std::collections::{BTreeMap, BTreeSet};

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;

const KIND_INT: u32 = 1;
const KIND_PTR: u32 = 2;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_TYPEDEF: u32 = 8;
const KIND_RESTRICT: u32 = 11;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_DECL_TAG: u32 = 17;
const KIND_TYPE_TAG: u32 = 18;
const KIND_ENUM64: u32 = 19;
const LINKAGE_EXTERN: u32 = 2;

/// Integers in the object's byte order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) big: bool,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    /// The word at byte `at`.
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }

    /// The bytes of `word`.
    pub(super) fn bytes(self, word: u32) -> [u8; 4] {
        if self.big { word.to_be_bytes() } else { word.to_le_bytes() }
    }
}

/// One type: the common header and the words after it.
#[derive(Debug, Clone)]
struct Record {
    name: u32,
    info: u32,
    size_or_type: u32,
    words: Vec<u32>,
    /// Byte offset of `words` in the section, for its relocations.
    start: usize,
}

impl Record {
    fn kind(&self) -> u32 {
        (self.info >> 24) & 0x1f
    }

    /// A type that any kernel accepts and nothing refers to.
    fn blank(&mut self) {
        (self.name, self.info, self.size_or_type) = (0, KIND_PTR << 24, 0);
        self.words.clear();
    }

    /// (words per entry, whether the first is a name), of what follows the header.
    fn entries(&self) -> (usize, bool) {
        match self.kind() {
            KIND_STRUCT | KIND_UNION | KIND_ENUM64 => (3, true),
            KIND_ENUM | KIND_FUNC_PROTO => (2, true),
            KIND_DATASEC => (3, false),
            _ => (0, false),
        }
    }
}

/// One line of a function: instruction index in it, place in the text.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) insn: u32,
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// Debug information of one function's section.
#[derive(Debug, Clone, Default)]
pub(super) struct FunctionInfo {
    /// Type id of the function.
    pub(super) type_id: u32,
    pub(super) lines: Vec<Line>,
}

/// The type information of an object, editable.
#[derive(Debug)]
pub(super) struct Btf {
    order: Order,
    types: Vec<Record>,
    old_strings: Vec<u8>,
    strings: Vec<u8>,
    interned: BTreeMap<String, u32>,
}

impl Btf {
    /// Reads the object's `.BTF`; `None` when there is none or it makes no sense.
    pub(super) fn parse(object: &Object, order: Order) -> Option<Self> {
        let data = &object.section(".BTF")?.data;
        if order.u16(data, 0)? != MAGIC {
            return None;
        }
        let word = |at| order.u32(data, at).map(|w| w as usize);
        let header = word(4)?;
        let (types_at, types_len) = (header.checked_add(word(8)?)?, word(12)?);
        let (strings_at, strings_len) = (header.checked_add(word(16)?)?, word(20)?);
        let old_strings = data.get(strings_at..strings_at.checked_add(strings_len)?)?.to_vec();
        let end = types_at.checked_add(types_len)?;
        let mut types = Vec::new();
        let mut at = types_at;
        while at < end {
            let info = order.u32(data, at + 4)?;
            let mut record = Record {
                name: order.u32(data, at)?,
                info,
                size_or_type: order.u32(data, at + 8)?,
                words: Vec::new(),
                start: at + 12,
            };
            let count = (info & 0xffff) as usize;
            let words = match record.kind() {
                KIND_INT | KIND_VAR | KIND_DECL_TAG => 1,
                KIND_ARRAY => 3,
                _ => record.entries().0 * count,
            };
            record.words =
                (0..words).map(|i| order.u32(data, at + 12 + 4 * i)).collect::<Option<_>>()?;
            at += 12 + 4 * words;
            types.push(record);
        }
        let interned = BTreeMap::from([(String::new(), 0)]);
        Some(Self { order, types, old_strings, strings: vec![0], interned })
    }

    fn old_string(&self, offset: u32) -> &str {
        let bytes = self.old_strings.get(offset as usize..).unwrap_or_default();
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(0);
        std::str::from_utf8(&bytes[..end]).unwrap_or_default()
    }

    fn get(&self, id: u32) -> Option<&Record> {
        self.types.get((id as usize).checked_sub(1)?)
    }

    /// The offset of `text` in the new string table.
    pub(super) fn intern(&mut self, text: &str) -> u32 {
        if let Some(&offset) = self.interned.get(text) {
            return offset;
        }
        let offset = u32::try_from(self.strings.len()).unwrap_or(0);
        self.strings.extend(text.bytes().filter(|&b| b != 0));
        self.strings.push(0);
        self.interned.insert(text.to_owned(), offset);
        offset
    }

    /// Fills in sizes and offsets of the data sections named in `keep` and blanks what kernels refuse.
    pub(super) fn fix(&mut self, object: &Object, keep: &[&str]) {
        let empty = Vec::new();
        let relocations = object.section(".BTF").map_or(&empty, |section| &section.relocations);
        let places: BTreeMap<usize, usize> = relocations
            .iter()
            .filter_map(|r| Some((r.offset, object.symbols.get(r.symbol)?.value)))
            .collect();
        for index in 0..self.types.len() {
            let record = &self.types[index];
            let refused = match record.kind() {
                KIND_FUNC => record.info & 0xffff == LINKAGE_EXTERN,
                KIND_VAR => record.words.first() == Some(&LINKAGE_EXTERN),
                KIND_DATASEC => !keep.contains(&self.old_string(record.name)),
                _ => false,
            };
            if refused {
                self.types[index].blank();
                continue;
            }
            if record.kind() == KIND_FUNC {
                // A global function would be verified apart from its callers; old kernels know no
                // linkage of functions at all.
                self.types[index].info = KIND_FUNC << 24;
                continue;
            }
            if record.kind() != KIND_DATASEC {
                continue;
            }
            let section = object.section(self.old_string(record.name));
            let size = section.map_or(0, |s| u32::try_from(s.data.len()).unwrap_or(0));
            let record = &mut self.types[index];
            record.size_or_type = size;
            let mut entries: Vec<[u32; 3]> = record
                .words
                .chunks_exact(3)
                .enumerate()
                .map(|(i, w)| {
                    let place = places.get(&(record.start + 12 * i + 4)).copied().unwrap_or(0);
                    [w[0], w[1].wrapping_add(u32::try_from(place).unwrap_or(0)), w[2]]
                })
                .collect();
            entries.sort_by_key(|entry| entry[1]);
            record.words = entries.concat();
        }
    }

    /// Type id of the data section `name`, which `fix` kept; 0 when there is none.
    pub(super) fn data_section(&self, name: &str) -> u32 {
        self.find(KIND_DATASEC, name).unwrap_or(0)
    }

    fn find(&self, kind: u32, name: &str) -> Option<u32> {
        let index =
            self.types.iter().position(|t| t.kind() == kind && self.old_string(t.name) == name)?;
        u32::try_from(index + 1).ok()
    }

    /// Key and value type ids of the map variable `name`.
    pub(super) fn map_types(&self, name: &str) -> (u32, u32) {
        if let Some(id) = self.find(KIND_STRUCT, &format!("____btf_map_{name}")) {
            return (self.member(id, &["key"]), self.member(id, &["value"]));
        }
        let Some(var) = self.find(KIND_VAR, name).and_then(|id| self.get(id)) else {
            return (0, 0);
        };
        let mut id = var.size_or_type;
        for _ in 0..self.types.len() {
            match self.get(id) {
                Some(t) if matches!(t.kind(), KIND_TYPEDEF..=KIND_RESTRICT | KIND_TYPE_TAG) => {
                    id = t.size_or_type;
                }
                _ => break,
            }
        }
        (self.member(id, &["key"]), self.member(id, &["leaf", "value"]))
    }

    fn member(&self, id: u32, names: &[&str]) -> u32 {
        let Some(record) = self.get(id).filter(|r| r.kind() == KIND_STRUCT) else { return 0 };
        let found = record.words.chunks_exact(3).find(|w| names.contains(&self.old_string(w[0])));
        found.map_or(0, |w| w[1])
    }

    /// The `.BTF.ext` records by section name.
    pub(super) fn function_infos(&self, object: &Object) -> BTreeMap<String, FunctionInfo> {
        self.read_ext(object).unwrap_or_default()
    }

    fn read_ext(&self, object: &Object) -> Option<BTreeMap<String, FunctionInfo>> {
        let data = &object.section(".BTF.ext")?.data;
        let word = |at: usize| self.order.u32(data, at);
        let header = word(4)? as usize;
        let mut infos: BTreeMap<String, FunctionInfo> = BTreeMap::new();
        let (func_at, func_len) = (header + word(8)? as usize, word(12)? as usize);
        self.each_record(data, func_at, func_len, |section, at| {
            infos.entry(section.to_owned()).or_default().type_id = word(at + 4)?;
            Some(())
        })?;
        let (line_at, line_len) = (header + word(16)? as usize, word(20)? as usize);
        self.each_record(data, line_at, line_len, |section, at| {
            let place = word(at + 12)?;
            infos.entry(section.to_owned()).or_default().lines.push(Line {
                insn: word(at)? / 8,
                file: self.old_string(word(at + 4)?).to_owned(),
                line: place >> 10,
                column: place & 0x3ff,
            });
            Some(())
        })?;
        Some(infos)
    }

    /// Walks one part of `.BTF.ext`: a record size, then per section a name, a count and records.
    fn each_record(
        &self,
        data: &[u8],
        start: usize,
        len: usize,
        mut record: impl FnMut(&str, usize) -> Option<()>,
    ) -> Option<()> {
        if len == 0 {
            return Some(());
        }
        let size = self.order.u32(data, start)? as usize;
        let mut at = start + 4;
        while at < start + len {
            let section = self.old_string(self.order.u32(data, at)?);
            let count = self.order.u32(data, at + 4)? as usize;
            at += 8;
            for _ in 0..count {
                record(section, at)?;
                at += size;
            }
        }
        Some(())
    }

    /// The finished section.
    pub(super) fn write(mut self) -> Vec<u8> {
        let mut types = std::mem::take(&mut self.types);
        let of_functions: BTreeSet<u32> =
            types.iter().filter(|t| t.kind() == KIND_FUNC).map(|t| t.size_or_type).collect();
        let mut body = Vec::new();
        for (id, record) in (1..).zip(&mut types) {
            let name = self.old_string(record.name).to_owned();
            record.name = self.intern(&name);
            let (stride, named) = record.entries();
            if named {
                for entry in record.words.chunks_exact_mut(stride) {
                    let mut name = self.old_string(entry[0]).to_owned();
                    if name.is_empty() && entry[1] != 0 && of_functions.contains(&id) {
                        // The kernel wants every parameter of a function to have a name.
                        "unnamed".clone_into(&mut name);
                    }
                    entry[0] = self.intern(&name);
                }
            }
            for word in [record.name, record.info, record.size_or_type].iter().chain(&record.words)
            {
                body.extend(self.order.bytes(*word));
            }
        }
        let magic = if self.order.big { MAGIC.to_be_bytes() } else { MAGIC.to_le_bytes() };
        let mut out = Vec::with_capacity(HEADER + body.len() + self.strings.len());
        out.extend(magic);
        out.extend([1, 0]);
        let lengths = [HEADER, 0, body.len(), body.len(), self.strings.len()];
        for length in lengths {
            out.extend(self.order.bytes(u32::try_from(length).unwrap_or(0)));
        }
        out.extend(body);
        out.extend(self.strings);
        out
    }
}
