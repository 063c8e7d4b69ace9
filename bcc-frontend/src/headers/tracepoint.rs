//! Argument structs of tracepoints, from their format files.

use bcc_core::mutation;
use bcc_sys::btf::Index;
use std::fmt::Write;

/// One `field:` line.
struct Field<'a> {
    declaration: &'a str,
    offset: u32,
    size: u32,
    signed: bool,
}

/// Bytes that every event begins with, covered by one member that programs cannot use.
const COMMON: u32 = 8;

/// Bytes that a record can have: it fits in a page of the ring, and no kernel's are larger than 64 KiB.
const LARGEST_EVENT: u32 = 64 << 10;

/// The C struct for one format; `None` when the text is no format.
pub(super) fn structure(
    category: &str,
    event: &str,
    format: &str,
    types: Option<&Index>,
) -> Option<String> {
    if mutation::off("tracepoint:struct") {
        return None;
    }
    let mut out = format!("struct tracepoint__{category}__{event} {{\n\tu64 __do_not_use__;\n");
    let (mut at, mut pads, mut any) = (COMMON, 0, false);
    for field in format.lines().filter_map(parse) {
        any = true;
        if field.offset + field.size <= COMMON {
            continue;
        }
        // Some kernels have more than eight bytes of common fields.
        let is_common = field.declaration.rsplit(' ').next()?.starts_with("common_");
        while at < field.offset + if is_common { field.size } else { 0 } {
            let name = if is_common { "__do_not_use__" } else { "__pad_" };
            let _infallible = writeln!(out, "\tchar {name}{pads};");
            pads += 1;
            at += 1;
        }
        if is_common {
            continue;
        }
        let _infallible = writeln!(out, "\t{};", member(&field, types)?);
        at = at.max(field.offset + field.size);
    }
    out.push_str("};\n");
    any.then_some(out)
}

fn parse(line: &str) -> Option<Field<'_>> {
    let mut parts = line.trim().split(';').map(str::trim);
    let declaration = parts.next()?.strip_prefix("field:").filter(|d| !d.is_empty())?;
    let mut field = Field { declaration, offset: 0, size: 0, signed: false };
    for part in parts {
        match part.split_once(':') {
            Some(("offset", value)) => field.offset = value.parse().ok()?,
            Some(("size", value)) => field.size = value.parse().ok()?,
            Some(("signed", value)) => field.signed = value == "1",
            _ => {}
        }
    }
    let end = field.offset.checked_add(field.size)?;
    (end <= LARGEST_EVENT).then_some(field)
}

fn member(field: &Field<'_>, types: Option<&Index>) -> Option<String> {
    let declaration = field.declaration;
    if let Some(rest) =
        declaration.strip_prefix("__data_loc ").filter(|_| !mutation::off("tracepoint:data_loc"))
    {
        return Some(format!("int data_loc_{}", rest.rsplit(' ').next()?));
    }
    if let Some(rest) = declaration.strip_prefix("__rel_loc ") {
        return Some(format!("int rel_loc_{}", rest.rsplit(' ').next()?));
    }
    let (declaration, length) = match declaration.split_once('[') {
        Some((declaration, length)) => (declaration, Some(length)),
        None => (declaration, None),
    };
    let (ty, name) = declaration.rsplit_once([' ', '*'])?;
    let pointer = declaration[ty.len()..].starts_with('*');
    let ty: Vec<&str> = ty.split_whitespace().filter(|word| !QUALIFIERS.contains(word)).collect();
    let mut ty = ty.join(" ");
    if pointer {
        ty.push_str(" *");
    }
    if let Some(length) = length {
        return Some(format!("{ty} {name}[{}]", array_length(length, field, &ty, types)?));
    }
    if !ty.contains('*') {
        ty = widened(&ty, field, types);
    }
    Some(format!("{ty} {name}"))
}

/// Address spaces and sparse marks that formats print and C without the kernel's headers lacks.
const QUALIFIERS: &[&str] =
    &["__user", "__rcu", "__percpu", "__seg_gs", "__seg_fs", "__force", "__iomem", "__kernel"];

/// A number, or since 5.18 an enumerator such as `TASK_COMM_LEN`, or an expression: then the size says it.
fn array_length(length: &str, field: &Field<'_>, ty: &str, types: Option<&Index>) -> Option<u64> {
    let length = length.trim_end_matches(']').trim();
    if let Ok(number) = length.parse() {
        return Some(number);
    }
    if let Some(value) = types.and_then(|types| types.enum_value(length)) {
        return u64::try_from(value).ok();
    }
    let element = scalar_size(ty, types).filter(|size| *size > 0)?;
    Some(u64::from(field.size / element))
}

/// Formats name the type of the assignment, and the record may hold a wider one.
fn widened(ty: &str, field: &Field<'_>, types: Option<&Index>) -> String {
    match (scalar_size(ty, types), field.size, field.signed) {
        (Some(size), recorded, _) if size == recorded => ty.to_owned(),
        (None, ..) if ty.starts_with("struct ") || ty.starts_with("union ") => ty.to_owned(),
        (_, 1, true) => "s8".to_owned(),
        (_, 1, false) => "u8".to_owned(),
        (_, 2, true) => "s16".to_owned(),
        (_, 2, false) => "u16".to_owned(),
        (_, 4, true) => "s32".to_owned(),
        (_, 4, false) => "u32".to_owned(),
        (_, 8, true) => "s64".to_owned(),
        (_, 8, false) => "u64".to_owned(),
        _ => ty.to_owned(),
    }
}

fn scalar_size(ty: &str, types: Option<&Index>) -> Option<u32> {
    if ty.contains('*') {
        return Some(8);
    }
    match ty {
        "char" | "unsigned char" | "signed char" | "bool" | "_Bool" => return Some(1),
        "short" | "unsigned short" | "short int" => return Some(2),
        "int" | "unsigned int" | "unsigned" | "signed" | "signed int" => return Some(4),
        "long" | "unsigned long" | "long int" | "long long" | "unsigned long long" => {
            return Some(8);
        }
        _ => {}
    }
    let types = types?;
    if let Some(tag) = ty.strip_prefix("enum ") {
        let id = types.first(tag, |ty| matches!(ty, bcc_sys::btf::Type::Enum(_)))?;
        return bcc_sys::btf::lookup::size_of(types.btf(), id);
    }
    bcc_sys::btf::lookup::size_of(types.btf(), types.typedef(ty)?)
}

#[cfg(test)]
#[path = "tracepoint_tests.rs"]
mod tests;
