//! C types of keys, leaves and events, as data.

use serde::{Deserialize, Serialize};

/// A C type with the target's exact layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeDesc {
    /// Scalar, by clang's canonical spelling (`unsigned int`, `char`, `_Bool`, `__int128`), with its
    /// size in bytes. Enums are their integer type, typedefs are resolved.
    Builtin {
        /// Spelling.
        name: String,
        /// Bytes.
        size: u32,
    },
    /// Any pointer: eight opaque bytes.
    Pointer,
    /// `elem[len]`; a flexible array has `len` 0.
    Array {
        /// Element type.
        elem: Box<Self>,
        /// Number of elements.
        len: u32,
    },
    /// Struct or union.
    Struct {
        /// Tag, or the empty string for an anonymous one.
        name: String,
        /// Members in order.
        fields: Vec<Field>,
        /// Union, or how a struct is laid out.
        kind: StructKind,
        /// Bytes, tail padding included.
        size: u32,
        /// Bytes.
        align: u32,
    },
}

impl Default for TypeDesc {
    fn default() -> Self {
        Self::Builtin { name: "int".to_owned(), size: 4 }
    }
}

/// One member of a struct or union.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Member name, empty for an anonymous struct or union.
    pub name: String,
    /// Member type.
    pub ty: TypeDesc,
    /// Offset from the start of the struct, in bits.
    pub bit_offset: u32,
    /// Width of a bit-field in bits.
    pub bit_width: Option<u32>,
}

/// Layout class of a [`TypeDesc::Struct`] (`spec/dialect` §18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StructKind {
    /// Handed on packed, with explicit padding members.
    Packed,
    /// Contains bit-fields or a flexible array, or is empty: natural layout.
    Natural,
    /// Union.
    Union,
}

impl TypeDesc {
    /// Size in bytes.
    pub fn size(&self) -> u32 {
        match self {
            Self::Builtin { size, .. } | Self::Struct { size, .. } => *size,
            Self::Pointer => 8,
            Self::Array { elem, len } => elem.size().saturating_mul(*len),
        }
    }
}
