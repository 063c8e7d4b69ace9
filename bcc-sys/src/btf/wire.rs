//! BTF's bytes: the header, kinds, and bounds-checked little reads. Nothing here interprets types.

use std::ops::Range;

/// First two bytes of a BTF blob, in the byte order of its kernel.
pub const MAGIC: u16 = 0xeb9f;

/// Kinds of type records, as the wire numbers them.
pub mod kind {
    #![expect(missing_docs, reason = "the names are the kernel's own")]
    pub const INT: u32 = 1;
    pub const PTR: u32 = 2;
    pub const ARRAY: u32 = 3;
    pub const STRUCT: u32 = 4;
    pub const UNION: u32 = 5;
    pub const ENUM: u32 = 6;
    pub const FWD: u32 = 7;
    pub const TYPEDEF: u32 = 8;
    pub const VOLATILE: u32 = 9;
    pub const CONST: u32 = 10;
    pub const RESTRICT: u32 = 11;
    pub const FUNC: u32 = 12;
    pub const FUNC_PROTO: u32 = 13;
    pub const VAR: u32 = 14;
    pub const DATASEC: u32 = 15;
    pub const FLOAT: u32 = 16;
    pub const DECL_TAG: u32 = 17;
    pub const TYPE_TAG: u32 = 18;
    pub const ENUM64: u32 = 19;
}

/// Why bytes are not BTF that this library reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BtfError {
    /// Shorter than a header, or a wrong magic.
    #[error("not BTF")]
    NotBtf,
    /// BTF of a kernel of the other byte order.
    #[error("BTF of the other byte order")]
    ForeignOrder,
    /// A section lies outside of the bytes, or a record outside of its section.
    #[error("BTF is cut off or damaged at byte {at}")]
    Damaged {
        /// Offset in the blob.
        at: usize,
    },
    /// A type record of a kind that is newer than this library.
    #[error("BTF has a type of unknown kind {kind}")]
    UnknownKind {
        /// The kind's number.
        kind: u32,
    },
    /// No type has this id.
    #[error("BTF has no type {id}")]
    NoType {
        /// The id.
        id: u32,
    },
    /// The file could not be read.
    #[error("failed to read BTF from {path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// The system's words.
        error: String,
    },
}

/// Where the sections of a blob are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sections {
    /// Type records.
    pub types: Range<usize>,
    /// NUL-terminated strings.
    pub strings: Range<usize>,
}

/// The little-endian word at `at`, if it is inside of `bytes`.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(word.try_into().ok()?))
}

/// Reads and checks the header of a blob.
///
/// # Errors
/// [`BtfError`] when it is not BTF, or a section is not inside of `bytes`.
pub fn sections(bytes: &[u8]) -> Result<Sections, BtfError> {
    let magic = bytes.get(..2).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes);
    match magic {
        Some(MAGIC) => {}
        Some(other) if other.swap_bytes() == MAGIC => return Err(BtfError::ForeignOrder),
        _ => return Err(BtfError::NotBtf),
    }
    let word = |at| u32_at(bytes, at).map(|w| w as usize).ok_or(BtfError::NotBtf);
    let header = word(4)?;
    let section = |off: usize, len: usize| {
        let start = header.checked_add(off).ok_or(BtfError::Damaged { at: off })?;
        let end = start.checked_add(len).ok_or(BtfError::Damaged { at: start })?;
        if end > bytes.len() {
            return Err(BtfError::Damaged { at: end });
        }
        Ok(start..end)
    };
    let types = section(word(8)?, word(12)?)?;
    let strings = section(word(16)?, word(20)?)?;
    Ok(Sections { types, strings })
}

/// The size in bytes of the record whose first words are at `at`.
///
/// # Errors
/// [`BtfError::Damaged`] or [`BtfError::UnknownKind`].
pub fn record_len(bytes: &[u8], at: usize) -> Result<usize, BtfError> {
    let info = u32_at(bytes, at + 4).ok_or(BtfError::Damaged { at })?;
    let vlen = vlen(info);
    let extra = match kind_of(info) {
        kind::INT | kind::VAR | kind::DECL_TAG => 4,
        kind::ARRAY => 12,
        kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => vlen * 12,
        kind::ENUM | kind::FUNC_PROTO => vlen * 8,
        kind::PTR | kind::FWD | kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT => 0,
        kind::FUNC | kind::FLOAT | kind::TYPE_TAG => 0,
        kind => return Err(BtfError::UnknownKind { kind }),
    };
    Ok(12 + extra)
}

/// The kind in an `info` word.
pub fn kind_of(info: u32) -> u32 {
    (info >> 24) & 0x1f
}

/// The number of members, values or parameters in an `info` word.
pub fn vlen(info: u32) -> usize {
    (info & 0xffff) as usize
}

/// The flag in an `info` word.
pub fn flag(info: u32) -> bool {
    info >> 31 == 1
}
