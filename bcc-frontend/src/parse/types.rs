//! libclang's types as [`TypeDesc`].

use crate::clang::Ty;
use bcc_core::mutation;
use bcc_core::spec::{Field, StructKind, TypeDesc};
use clang_sys as sys;

/// The exact layout of `ty`; `None` when it is incomplete.
pub fn describe(ty: Ty<'_>) -> Option<TypeDesc> {
    let ty = ty.canonical().unqualified();
    if mutation::off(piece(ty.kind())) {
        return None;
    }
    match ty.kind() {
        sys::CXType_Pointer | sys::CXType_BlockPointer => Some(TypeDesc::Pointer),
        sys::CXType_Enum => describe(ty.declaration().enum_type()),
        sys::CXType_ConstantArray => {
            let len = u32::try_from(ty.array_len()).ok()?;
            Some(TypeDesc::Array { elem: Box::new(describe(ty.element())?), len })
        }
        sys::CXType_IncompleteArray => {
            Some(TypeDesc::Array { elem: Box::new(describe(ty.element())?), len: 0 })
        }
        sys::CXType_Record => describe_record(ty),
        _ => {
            let size = u32::try_from(ty.size()).ok()?;
            Some(TypeDesc::Builtin { name: ty.spelling(), size })
        }
    }
}

/// What the tests call the description of this kind of type.
fn piece(kind: i32) -> &'static str {
    match kind {
        sys::CXType_Pointer => "types:pointer",
        sys::CXType_Enum => "types:enum",
        sys::CXType_ConstantArray => "types:array",
        sys::CXType_Record => "types:record",
        sys::CXType_Int128 | sys::CXType_UInt128 => "types:int128",
        _ => "types:scalar",
    }
}

/// What stands for the key of a table that has none.
pub fn nothing() -> TypeDesc {
    TypeDesc::Builtin { name: "void".to_owned(), size: 0 }
}

fn describe_record(ty: Ty<'_>) -> Option<TypeDesc> {
    let size = u32::try_from(ty.size()).ok()?;
    let align = u32::try_from(ty.align()).ok()?;
    let declaration = ty.declaration();
    let mut fields = Vec::new();
    let mut natural = false;
    for member in ty.fields() {
        let member_ty = member.ty();
        let mut name = member.member_name();
        if name.is_empty() && mutation::off("types:anonymous") {
            name.push('x');
        }
        let bit_width = member.bit_width().filter(|_| !mutation::off("types:bit_fields"));
        natural |= bit_width.is_some();
        natural |= member_ty.canonical().kind() == sys::CXType_IncompleteArray;
        fields.push(Field {
            name,
            ty: describe(member_ty)?,
            bit_offset: u32::try_from(member.field_offset()).ok()?,
            bit_width,
        });
    }
    let kind = if declaration.kind() == sys::CXCursor_UnionDecl {
        StructKind::Union
    } else if natural || fields.is_empty() {
        StructKind::Natural
    } else {
        StructKind::Packed
    };
    // A struct without a tag is spelled by its typedef or its place.
    let spelling = ty.spelling();
    let tagged = !declaration.is_anonymous()
        && (spelling.starts_with("struct ") || spelling.starts_with("union "));
    let name = if tagged { declaration.spelling() } else { String::new() };
    Some(TypeDesc::Struct { name, fields, kind, size, align })
}
