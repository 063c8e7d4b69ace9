//! Type descriptions as upstream hands them on: JSON of names, types and sizes (`spec/dialect` §18).

use super::{Field, StructKind, TypeDesc};
use std::fmt::Write as _;

/// A type in upstream's JSON.
pub fn describe(ty: &TypeDesc) -> String {
    let mut out = String::new();
    write_type(&mut out, ty);
    out
}

/// Writing to a `String` cannot fail.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_type(out: &mut String, ty: &TypeDesc) {
    match ty {
        TypeDesc::Builtin { name, .. } => quote(out, name),
        TypeDesc::Pointer => quote(out, "unsigned long long"),
        // An array that is no member: only its element can be said.
        TypeDesc::Array { elem, .. } => write_type(out, elem),
        TypeDesc::Struct { name, fields, kind, size, .. } => {
            write_struct(out, name, fields, *kind, *size);
        }
    }
}

fn write_struct(out: &mut String, name: &str, fields: &[Field], kind: StructKind, size: u32) {
    out.push('[');
    quote(out, name);
    out.push_str(", [");
    let mut first = true;
    let mut end = 0;
    let mut item = |out: &mut String| {
        if !std::mem::take(&mut first) {
            out.push_str(", ");
        }
    };
    for (index, field) in fields.iter().enumerate() {
        let offset = field.bit_offset / 8;
        if kind == StructKind::Packed && offset > end {
            item(out);
            padding(out, &index.to_string(), offset - end);
        }
        item(out);
        write_field(out, field);
        end = offset + field.ty.size();
    }
    if kind == StructKind::Packed && size > end {
        item(out);
        padding(out, "end", size - end);
    }
    out.push_str("], ");
    quote(
        out,
        match kind {
            StructKind::Packed => "struct_packed",
            StructKind::Natural => "struct",
            StructKind::Union => "union",
        },
    );
    out.push(']');
}

fn padding(out: &mut String, which: &str, bytes: u32) {
    let _infallible = write!(out, "[\"__pad_{which}\", \"char\", [{bytes}]]");
}

fn write_field(out: &mut String, field: &Field) {
    out.push('[');
    quote(out, &field.name);
    out.push_str(", ");
    match &field.ty {
        // Of several dimensions only the outer one is said.
        TypeDesc::Array { elem, len } => {
            let mut inner = elem.as_ref();
            while let TypeDesc::Array { elem, .. } = inner {
                inner = elem;
            }
            write_type(out, inner);
            let _infallible = write!(out, ", [{len}]");
        }
        ty => write_type(out, ty),
    }
    if let Some(bits) = field.bit_width {
        let _infallible = write!(out, ", {bits}");
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(name: &str, size: u32) -> TypeDesc {
        TypeDesc::Builtin { name: name.into(), size }
    }

    fn field(name: &str, ty: TypeDesc, byte: u32) -> Field {
        Field { name: name.into(), ty, bit_offset: byte * 8, bit_width: None }
    }

    #[test]
    fn padding_is_said_in_packed_structs() {
        let comm = TypeDesc::Array { elem: Box::new(int("char", 1)), len: 16 };
        let ty = TypeDesc::Struct {
            name: "key_t".into(),
            fields: vec![
                field("pid", int("unsigned int", 4), 0),
                field("ts", int("unsigned long long", 8), 8),
                field("comm", comm, 16),
                field("c", int("char", 1), 32),
            ],
            kind: StructKind::Packed,
            size: 40,
            align: 8,
        };
        assert_eq!(
            describe(&ty),
            r#"["key_t", [["pid", "unsigned int"], ["__pad_1", "char", [4]], ["ts", "unsigned long long"], ["comm", "char", [16]], ["c", "char"], ["__pad_end", "char", [7]]], "struct_packed"]"#
        );
    }

    #[test]
    fn bit_fields_and_anonymous_unions() {
        let union = TypeDesc::Struct {
            name: String::new(),
            fields: vec![field("a", int("int", 4), 0), field("p", TypeDesc::Pointer, 0)],
            kind: StructKind::Union,
            size: 8,
            align: 8,
        };
        let mut bits = field("b", int("unsigned int", 4), 8);
        bits.bit_width = Some(3);
        let ty = TypeDesc::Struct {
            name: "t".into(),
            fields: vec![field("", union, 0), bits],
            kind: StructKind::Natural,
            size: 16,
            align: 8,
        };
        assert_eq!(
            describe(&ty),
            r#"["t", [["", ["", [["a", "int"], ["p", "unsigned long long"]], "union"]], ["b", "unsigned int", 3]], "struct"]"#
        );
        assert_eq!(describe(&int("char", 1)), r#""char""#);
    }
}
