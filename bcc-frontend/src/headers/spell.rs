//! Names and constants in C's spelling.

use bcc_sys::btf::Int;
use std::fmt::Write;

/// Spellings of integers that C knows; others (of Rust code in the kernel) are named by their size.
const C_INTS: &[&str] = &[
    "char",
    "signed char",
    "unsigned char",
    "short",
    "short int",
    "short unsigned int",
    "unsigned short",
    "int",
    "unsigned int",
    "long",
    "long int",
    "long unsigned int",
    "unsigned long",
    "long long",
    "long long int",
    "long long unsigned int",
    "unsigned long long",
    "_Bool",
    "__int128",
    "__int128 unsigned",
    "unsigned __int128",
];

/// Adds formatted text.
pub(super) fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _infallible = out.write_fmt(text);
}

/// `struct` or `union`.
pub(super) fn keyword(union: bool) -> &'static str {
    if union { "union" } else { "struct" }
}

/// A declarator behind its type.
pub(super) fn spaced(qualifiers: &str, base: &str, inner: &str) -> String {
    if inner.is_empty() {
        return format!("{qualifiers}{base}");
    }
    format!("{qualifiers}{base} {inner}")
}

/// Names of Rust types and of compilers' clones hold characters that C's cannot.
pub(super) fn identifier(name: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let clean: String = name.chars().map(word).collect();
    if clean.starts_with(|c: char| c.is_ascii_digit()) { format!("_{clean}") } else { clean }
}

/// The same for a name that may be absent.
pub(super) fn identifier_or_empty(name: &str) -> String {
    if name.is_empty() { String::new() } else { identifier(name) }
}

/// The name of an integer type, in C.
pub(super) fn int_name<'a>(int: &Int<'a>) -> &'a str {
    if C_INTS.contains(&int.name) {
        return int.name;
    }
    if int.boolean { "_Bool" } else { int_of_size(int.size, int.signed) }
}

/// The integer type of so many bytes.
pub(super) fn int_of_size(size: u32, signed: bool) -> &'static str {
    match (size, signed) {
        (1, true) => "signed char",
        (1, false) => "unsigned char",
        (2, true) => "short",
        (2, false) => "unsigned short",
        (8, true) => "long long",
        (8, false) => "unsigned long long",
        (16, true) => "__int128",
        (16, false) => "unsigned __int128",
        (_, true) => "int",
        (_, false) => "unsigned int",
    }
}

/// The name of a floating type, in C.
pub(super) fn float_name(name: &str, size: u32) -> &'static str {
    match (name, size) {
        (_, 4) => "float",
        (_, 8) => "double",
        _ => "long double",
    }
}

/// An enumerator's value as a constant that has a type of its size.
pub(super) fn constant(value: i128) -> String {
    if value == i128::from(i32::MIN) {
        return "(-2147483647 - 1)".to_owned();
    }
    if value == i128::from(i64::MIN) {
        return "(-9223372036854775807LL - 1)".to_owned();
    }
    let suffix = match value {
        v if i32::try_from(v).is_ok() => "",
        v if u32::try_from(v).is_ok() => "U",
        v if i64::try_from(v).is_ok() => "LL",
        _ => "ULL",
    };
    format!("{value}{suffix}")
}
