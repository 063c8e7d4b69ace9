//! Keys and leaves as text (`spec/dialect` §19): numbers `0x1f`, strings `"text"`, arrays `[ a b ]`,
//! structs `{ a b }`.

use super::MapError;
use crate::spec::{Field, TypeDesc};

/// Deepest nesting that is read; C types that nest deeper are not written by hand.
const DEPTH: usize = 32;

fn unreadable(text: &str, what: impl Into<String>) -> MapError {
    MapError::Text { text: text.to_owned(), what: what.into() }
}

/// Whether arrays of it are strings.
fn is_char(ty: &TypeDesc) -> bool {
    matches!(ty, TypeDesc::Builtin { name, size: 1 } if name.contains("char"))
}

/// Writes a value.
///
/// # Errors
/// [`MapError::Text`] for unions, bit-fields, and bytes that are no whole value of the type.
pub fn print(ty: &TypeDesc, bytes: &[u8]) -> Result<String, MapError> {
    let mut out = String::new();
    put(&mut out, ty, bytes, DEPTH)?;
    Ok(out)
}

fn part<'a>(bytes: &'a [u8], at: usize, ty: &TypeDesc) -> Result<&'a [u8], MapError> {
    let size = ty.size() as usize;
    let part = at.checked_add(size).and_then(|end| bytes.get(at..end));
    part.ok_or_else(|| unreadable("", format!("value of {size} bytes")))
}

fn put(out: &mut String, ty: &TypeDesc, bytes: &[u8], depth: usize) -> Result<(), MapError> {
    let depth = depth.checked_sub(1).ok_or_else(|| unreadable("", "value of nested types"))?;
    match ty {
        TypeDesc::Builtin { size, .. } => put_number(out, part(bytes, 0, ty)?, *size as usize),
        TypeDesc::Pointer => put_number(out, part(bytes, 0, ty)?, 8),
        TypeDesc::Array { elem, .. } if is_char(elem) => {
            let text = part(bytes, 0, ty)?;
            let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
            out.push('"');
            out.push_str(&String::from_utf8_lossy(&text[..end]));
            out.push('"');
        }
        TypeDesc::Array { elem, len } => {
            out.push_str("[ ");
            for index in 0..*len as usize {
                put(out, elem, part(bytes, index * elem.size() as usize, elem)?, depth)?;
                out.push(' ');
            }
            out.push(']');
        }
        TypeDesc::Struct { .. } => {
            out.push_str("{ ");
            for (at, field) in members(ty)? {
                put(out, &field.ty, part(bytes, at, &field.ty)?, depth)?;
                out.push(' ');
            }
            out.push('}');
        }
    }
    Ok(())
}

fn put_number(out: &mut String, bytes: &[u8], size: usize) {
    let mut wide = [0; 16];
    let len = size.min(16).min(bytes.len());
    let value = if cfg!(target_endian = "big") {
        wide[16 - len..].copy_from_slice(&bytes[..len]);
        u128::from_be_bytes(wide)
    } else {
        wide[..len].copy_from_slice(&bytes[..len]);
        u128::from_le_bytes(wide)
    };
    out.push_str(&format!("{value:#x}"));
}

/// Members of a struct with their offsets in bytes.
fn members(ty: &TypeDesc) -> Result<Vec<(usize, &Field)>, MapError> {
    let TypeDesc::Struct { fields, kind, .. } = ty else { return Ok(Vec::new()) };
    if *kind == crate::spec::StructKind::Union {
        return Err(unreadable("", "type with text (unions have none)"));
    }
    if fields.iter().any(|field| field.bit_width.is_some()) {
        return Err(unreadable("", "type with text (bit-fields have none)"));
    }
    Ok(fields.iter().map(|field| (field.bit_offset as usize / 8, field)).collect())
}

/// Reads a value. Numbers may be decimal, `0x` hexadecimal or `0` octal, with a sign; a number wider than
/// its type is cut as C does.
///
/// # Errors
/// [`MapError::Text`] for text that is no value of the type, and for types without text.
pub fn scan(ty: &TypeDesc, text: &str) -> Result<Vec<u8>, MapError> {
    let mut bytes = vec![0; ty.size() as usize];
    let rest = get(ty, text, &mut bytes, DEPTH)?;
    if rest.trim().is_empty() { Ok(bytes) } else { Err(unreadable(rest, "end of the value")) }
}

fn get<'t>(
    ty: &TypeDesc,
    text: &'t str,
    out: &mut [u8],
    depth: usize,
) -> Result<&'t str, MapError> {
    let depth = depth.checked_sub(1).ok_or_else(|| unreadable("", "value of nested types"))?;
    let text = text.trim_start();
    match ty {
        TypeDesc::Builtin { .. } | TypeDesc::Pointer => get_number(text, out),
        TypeDesc::Array { elem, .. } if is_char(elem) => {
            let inside = expect(text, '"')?;
            let (inside, rest) =
                inside.split_once('"').ok_or_else(|| unreadable(text, "string in quotes"))?;
            let slot = out.get_mut(..inside.len());
            let slot = slot.ok_or_else(|| unreadable(inside, "string that short"))?;
            slot.copy_from_slice(inside.as_bytes());
            Ok(rest)
        }
        TypeDesc::Array { elem, len } => {
            let mut rest = expect(text, '[')?;
            let size = elem.size() as usize;
            for index in 0..*len as usize {
                let slot = out.get_mut(index * size..(index + 1) * size).unwrap_or_default();
                rest = get(elem, rest, slot, depth)?;
            }
            expect(rest, ']')
        }
        TypeDesc::Struct { .. } => {
            let mut rest = expect(text, '{')?;
            for (at, field) in members(ty)? {
                let slot = out.get_mut(at..at + field.ty.size() as usize).unwrap_or_default();
                rest = get(&field.ty, rest, slot, depth)?;
            }
            expect(rest, '}')
        }
    }
}

fn expect(text: &str, wanted: char) -> Result<&str, MapError> {
    let rest = text.trim_start().strip_prefix(wanted);
    rest.ok_or_else(|| unreadable(text, format!("value beginning with {wanted}")))
}

fn get_number<'t>(text: &'t str, out: &mut [u8]) -> Result<&'t str, MapError> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "+-".contains(c)));
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    };
    let lower = digits.to_ascii_lowercase();
    let value = if let Some(hex) = lower.strip_prefix("0x") {
        u128::from_str_radix(hex, 16)
    } else if lower.len() > 1 && lower.starts_with('0') {
        u128::from_str_radix(&lower[1..], 8)
    } else {
        lower.parse()
    };
    let value = value.map_err(|_not_a_number| unreadable(word, "number"))?;
    let value = if negative { value.wrapping_neg() } else { value };
    let len = out.len().min(16);
    if cfg!(target_endian = "big") {
        out[..len].copy_from_slice(&value.to_be_bytes()[16 - len..]);
    } else {
        out[..len].copy_from_slice(&value.to_le_bytes()[..len]);
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::StructKind;

    fn int(name: &str, size: u32) -> TypeDesc {
        TypeDesc::Builtin { name: name.into(), size }
    }

    fn array(elem: TypeDesc, len: u32) -> TypeDesc {
        TypeDesc::Array { elem: Box::new(elem), len }
    }

    fn sample() -> TypeDesc {
        let field = |name: &str, ty, byte: u32| Field {
            name: name.into(),
            ty,
            bit_offset: byte * 8,
            bit_width: None,
        };
        TypeDesc::Struct {
            name: "t".into(),
            fields: vec![
                field("a", int("unsigned int", 4), 0),
                field("b", int("unsigned long long", 8), 8),
                field("c", array(int("char", 1), 8), 16),
                field("d", array(int("unsigned short", 2), 2), 24),
            ],
            kind: StructKind::Packed,
            size: 32,
            align: 8,
        }
    }

    #[test]
    fn structs_are_read_and_written() {
        let bytes = scan(&sample(), r#"{ 1 0x2 "hi" [ 010 -1 ] }"#).unwrap();
        assert_eq!(print(&sample(), &bytes).unwrap(), r#"{ 0x1 0x2 "hi" [ 0x8 0xffff ] }"#);
    }

    #[test]
    fn what_is_no_value_says_what_was_expected() {
        for text in
            ["", "{ 1 2 }", "x", "{ 1 0x2 \"far too long\" [ 1 2 ] }", "{ 1 2 \"a\" [ 1 2 ] } 3"]
        {
            assert!(matches!(scan(&sample(), text), Err(MapError::Text { .. })), "{text}");
        }
        assert!(print(&sample(), &[0; 5]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn numbers_round_trip(value: u64, size in proptest::sample::select(vec![1u32, 2, 4, 8])) {
            let ty = int("unsigned", size);
            let bytes = value.to_ne_bytes()[..size as usize].to_vec();
            proptest::prop_assert_eq!(scan(&ty, &print(&ty, &bytes).unwrap()).unwrap(), bytes);
        }

        #[test]
        fn any_text_is_a_value_or_an_error(text: String) {
            let _result = scan(&sample(), &text);
        }
    }
}
