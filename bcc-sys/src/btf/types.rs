//! Decoded views of type records; every view borrows the blob.

use super::reader::Btf;
use super::wire::u32_at;

/// The number of a type; 0 is `void`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TypeId(pub u32);

/// One decoded type.
#[derive(Debug, Clone, Copy)]
pub enum Type<'a> {
    /// `void`.
    Void,
    /// An integer.
    Int(Int<'a>),
    /// A pointer to a type.
    Ptr(TypeId),
    /// An array.
    Array {
        /// Element type.
        elem: TypeId,
        /// Number of elements; 0 for a flexible array.
        len: u32,
    },
    /// A struct or union.
    Composite(Composite<'a>),
    /// An enum of any size.
    Enum(Enum<'a>),
    /// A declared, never defined tag.
    Fwd {
        /// Tag.
        name: &'a str,
        /// Of a union.
        union: bool,
    },
    /// A typedef.
    Typedef {
        /// The new name.
        name: &'a str,
        /// What it stands for.
        target: TypeId,
    },
    /// `const`, `volatile`, `restrict`, or a type tag, which says nothing to C.
    Modifier {
        /// Which.
        modifier: Modifier,
        /// The modified type.
        target: TypeId,
    },
    /// A function.
    Func {
        /// Its name.
        name: &'a str,
        /// Its prototype.
        proto: TypeId,
    },
    /// A function's prototype.
    FuncProto(FuncProto<'a>),
    /// A variable.
    Var {
        /// Its name.
        name: &'a str,
        /// Its type.
        target: TypeId,
    },
    /// A section of variables.
    DataSec {
        /// Section name.
        name: &'a str,
        /// Bytes.
        size: u32,
    },
    /// A floating-point number.
    Float {
        /// C spelling.
        name: &'a str,
        /// Bytes.
        size: u32,
    },
    /// A tag on a declaration.
    DeclTag {
        /// The tag's text.
        name: &'a str,
        /// What it is on.
        target: TypeId,
    },
}

/// What a [`Type::Modifier`] adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modifier {
    /// `const`.
    Const,
    /// `volatile`.
    Volatile,
    /// `restrict`.
    Restrict,
    /// `__attribute__((btf_type_tag))`.
    Tag,
}

/// An integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int<'a> {
    /// The compiler's spelling.
    pub name: &'a str,
    /// Bytes.
    pub size: u32,
    /// Bits, when fewer than the size has (bit-fields of old encoders).
    pub bits: u32,
    /// Has a sign.
    pub signed: bool,
    /// `_Bool`.
    pub boolean: bool,
}

/// A struct or union.
#[derive(Debug, Clone, Copy)]
pub struct Composite<'a> {
    /// Tag, empty for an anonymous one.
    pub name: &'a str,
    /// Bytes.
    pub size: u32,
    /// Union rather than struct.
    pub union: bool,
    pub(super) btf: &'a Btf,
    pub(super) bytes: &'a [u8],
    pub(super) bits: bool,
}

/// One member of a struct or union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Name, empty for an anonymous struct or union.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Offset in bits.
    pub bit_offset: u32,
    /// Width of a bit-field.
    pub bit_width: Option<u32>,
}

impl<'a> Composite<'a> {
    /// The members in order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member<'a>> + use<'a> {
        let (btf, bits) = (self.btf, self.bits);
        self.bytes.chunks_exact(12).map(move |record| {
            let word = |at| u32_at(record, at).unwrap_or(0);
            let (offset, width) = match (bits, word(8)) {
                (true, place) => (place & 0xff_ffff, place >> 24),
                (false, place) => (place, 0),
            };
            Member {
                name: btf.string(word(0)),
                ty: TypeId(word(4)),
                bit_offset: offset,
                bit_width: (width > 0).then_some(width),
            }
        })
    }
}

/// An enum.
#[derive(Debug, Clone, Copy)]
pub struct Enum<'a> {
    /// Tag, empty for an anonymous one.
    pub name: &'a str,
    /// Bytes.
    pub size: u32,
    /// Values have a sign.
    pub signed: bool,
    pub(super) btf: &'a Btf,
    pub(super) bytes: &'a [u8],
    pub(super) wide: bool,
}

impl<'a> Enum<'a> {
    /// Names and values in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (&'a str, i128)> + use<'a> {
        let (btf, wide, signed) = (self.btf, self.wide, self.signed);
        self.bytes.chunks_exact(if wide { 12 } else { 8 }).map(move |record| {
            let word = |at| u32_at(record, at).unwrap_or(0);
            let value = match (wide, signed) {
                (false, false) => i128::from(word(4)),
                (false, true) => i128::from(word(4) as i32),
                (true, false) => i128::from(u64::from(word(8)) << 32 | u64::from(word(4))),
                (true, true) => i128::from((u64::from(word(8)) << 32 | u64::from(word(4))) as i64),
            };
            (btf.string(word(0)), value)
        })
    }
}

/// A prototype.
#[derive(Debug, Clone, Copy)]
pub struct FuncProto<'a> {
    /// What it returns.
    pub result: TypeId,
    pub(super) btf: &'a Btf,
    pub(super) bytes: &'a [u8],
}

impl<'a> FuncProto<'a> {
    /// Names and types of the parameters; a last one of type `void` without a name stands for `...`.
    pub fn params(&self) -> impl ExactSizeIterator<Item = (&'a str, TypeId)> + use<'a> {
        let btf = self.btf;
        self.bytes.chunks_exact(8).map(move |record| {
            let word = |at| u32_at(record, at).unwrap_or(0);
            (btf.string(word(0)), TypeId(word(4)))
        })
    }
}
