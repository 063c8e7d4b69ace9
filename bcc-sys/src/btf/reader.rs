//! Reads types by id straight from the bytes.

use super::bytes::Bytes;
use super::types::{Composite, Enum, FuncProto, Int, Modifier, Type, TypeId};
use super::wire::{self, BtfError, Sections, kind, u32_at};
use super::words::Words;
use std::path::Path;
use std::sync::Arc;

/// A kernel's or a module's types.
#[derive(Debug)]
pub struct Btf {
    bytes: Bytes,
    sections: Sections,
    /// Offset in `bytes` per own type; the first is that of type `first`.
    offsets: Words,
    base: Option<Arc<Self>>,
    /// Lowest own id: 1, or the number of types of the base.
    first: u32,
    /// Lowest own string offset: 0, or the length of the base's strings.
    first_string: u32,
}

impl Btf {
    /// Reads a whole blob; every record's place is checked now, its contents when decoded.
    ///
    /// # Errors
    /// [`BtfError`] when the bytes are not well-formed BTF.
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self, BtfError> {
        Self::build(bytes.into(), None, None)
    }

    /// Reads a module's blob, whose ids and strings go on where those of `base` end.
    ///
    /// # Errors
    /// As [`Btf::parse`].
    pub fn parse_split(bytes: impl Into<Bytes>, base: Arc<Self>) -> Result<Self, BtfError> {
        Self::build(bytes.into(), Some(base), None)
    }

    /// Opens a file with a blob.
    ///
    /// # Errors
    /// As [`Btf::parse`], and [`BtfError::Io`].
    pub fn open(path: &Path, base: Option<Arc<Self>>) -> Result<Self, BtfError> {
        Self::build(open(path)?, base, None)
    }

    /// As [`Btf::parse`] with offsets that an earlier run found; each is checked at its first use.
    pub(super) fn build(
        bytes: Bytes,
        base: Option<Arc<Self>>,
        offsets: Option<Words>,
    ) -> Result<Self, BtfError> {
        let sections = wire::sections(&bytes)?;
        let offsets = match offsets {
            Some(offsets) => offsets,
            None => scan(&bytes, &sections)?.into(),
        };
        let (first, first_string) = match &base {
            Some(base) => (base.end(), base.string_end()),
            None => (1, 0),
        };
        Ok(Self { bytes, sections, offsets, base, first, first_string })
    }

    /// One past the highest id.
    pub fn end(&self) -> u32 {
        self.first.saturating_add(self.offsets.len() as u32)
    }

    /// The ids of this blob, without those of its base.
    pub fn own_ids(&self) -> impl Iterator<Item = TypeId> + use<> {
        (self.first..self.end()).map(TypeId)
    }

    /// The kernel's types below a module's.
    pub fn base(&self) -> Option<&Arc<Self>> {
        self.base.as_ref()
    }

    /// Bytes of the whole blob.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn offsets(&self) -> &Words {
        &self.offsets
    }

    fn string_end(&self) -> u32 {
        self.first_string.saturating_add(self.sections.strings.len() as u32)
    }

    /// The string at an offset; empty when there is none, or it is not UTF-8.
    pub fn string(&self, at: u32) -> &str {
        std::str::from_utf8(self.string_bytes(at)).unwrap_or("")
    }

    pub(super) fn string_bytes(&self, at: u32) -> &[u8] {
        let Some(own) = at.checked_sub(self.first_string) else {
            return self.base.as_ref().map_or(&[], |base| base.string_bytes(at));
        };
        let strings = &self.bytes[self.sections.strings.clone()];
        let tail = strings.get(own as usize..).unwrap_or(&[]);
        let len = tail.iter().position(|b| *b == 0).unwrap_or(0);
        &tail[..len]
    }

    /// The three head words and the rest of a record.
    pub(super) fn record(&self, id: TypeId) -> Result<(u32, u32, u32, &[u8]), BtfError> {
        let Some(own) = id.0.checked_sub(self.first) else {
            let base = self.base.as_ref().ok_or(BtfError::NoType { id: id.0 })?;
            return base.record(id);
        };
        let at = self.offsets.get(own as usize).ok_or(BtfError::NoType { id: id.0 })? as usize;
        if !self.sections.types.contains(&at) {
            return Err(BtfError::Damaged { at });
        }
        let len = wire::record_len(&self.bytes, at)?;
        let record = self.bytes.get(at..at + len).ok_or(BtfError::Damaged { at })?;
        let word = |at| u32_at(record, at).unwrap_or(0);
        Ok((word(0), word(4), word(8), &record[12..]))
    }

    /// Decodes one type.
    ///
    /// # Errors
    /// [`BtfError::NoType`], or what is wrong with its bytes.
    pub fn get(&self, id: TypeId) -> Result<Type<'_>, BtfError> {
        if id.0 == 0 {
            return Ok(Type::Void);
        }
        let (name, info, word, rest) = self.record(id)?;
        let name = self.string(name);
        let target = TypeId(word);
        let modifier = |modifier| Type::Modifier { modifier, target };
        let extra = |at| u32_at(rest, at).unwrap_or(0);
        Ok(match wire::kind_of(info) {
            kind::INT => Type::Int(int(name, word, extra(0))),
            kind::PTR => Type::Ptr(target),
            kind::ARRAY => Type::Array { elem: TypeId(extra(0)), len: extra(8) },
            kind @ (kind::STRUCT | kind::UNION) => Type::Composite(Composite {
                name,
                size: word,
                union: kind == kind::UNION,
                btf: self,
                bytes: rest,
                bits: wire::flag(info),
            }),
            kind @ (kind::ENUM | kind::ENUM64) => Type::Enum(Enum {
                name,
                size: word,
                signed: wire::flag(info),
                btf: self,
                bytes: rest,
                wide: kind == kind::ENUM64,
            }),
            kind::FWD => Type::Fwd { name, union: wire::flag(info) },
            kind::TYPEDEF => Type::Typedef { name, target },
            kind::VOLATILE => modifier(Modifier::Volatile),
            kind::CONST => modifier(Modifier::Const),
            kind::RESTRICT => modifier(Modifier::Restrict),
            kind::TYPE_TAG => modifier(Modifier::Tag),
            kind::FUNC => Type::Func { name, proto: target },
            kind::FUNC_PROTO => {
                Type::FuncProto(FuncProto { result: target, btf: self, bytes: rest })
            }
            kind::VAR => Type::Var { name, target },
            kind::DATASEC => Type::DataSec { name, size: word },
            kind::FLOAT => Type::Float { name, size: word },
            kind::DECL_TAG => Type::DeclTag { name, target },
            kind => return Err(BtfError::UnknownKind { kind }),
        })
    }

    /// The type below modifiers and typedefs; `None` when damaged bytes make them a ring.
    pub fn resolve(&self, id: TypeId) -> Option<(TypeId, Type<'_>)> {
        let mut id = id;
        for _ in 0..64 {
            match self.get(id).ok()? {
                Type::Modifier { target, .. } | Type::Typedef { target, .. } => id = target,
                other => return Some((id, other)),
            }
        }
        None
    }
}

fn int(name: &str, size: u32, data: u32) -> Int<'_> {
    let encoding = data >> 24;
    Int { name, size, bits: data & 0xff, signed: encoding & 1 != 0, boolean: encoding & 4 != 0 }
}

/// The bytes of a BTF file.
pub(super) fn open(path: &Path) -> Result<Bytes, BtfError> {
    Bytes::open(path).map_err(|error| BtfError::Io {
        path: path.display().to_string(),
        error: error.to_string(),
    })
}

fn scan(bytes: &[u8], sections: &Sections) -> Result<Vec<u32>, BtfError> {
    // Kernel records are 21 bytes on average; a little room saves the last growth.
    let mut offsets = Vec::with_capacity(sections.types.len() / 20);
    let mut at = sections.types.start;
    while at < sections.types.end {
        offsets.push(at as u32);
        at += wire::record_len(bytes, at)?;
    }
    if at != sections.types.end {
        return Err(BtfError::Damaged { at });
    }
    Ok(offsets)
}
