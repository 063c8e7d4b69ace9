//! What may help against a message of clang's.

use super::known;
use crate::clang::{Cursor, Place, Ty, Unit};
use crate::headers;
use bcc_core::target::Target;
use bcc_sys::btf::lookup;
use clang_sys as sys;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Moves clang's own suggestion out of `message`, or finds one, and says what clang says of a table's
/// members in the dialect's words. At most one line.
pub(super) fn hint(
    message: &mut String,
    place: &Place,
    unit: &Unit<'_>,
    target: &Target,
) -> Option<String> {
    let clang_s = message
        .split_once("; did you mean ")
        .map(|(text, suggestion)| (text.to_owned(), format!("did you mean {suggestion}")));
    let hint = match clang_s {
        // clang takes `fooo` for `goto`.
        Some((text, hint)) if quoted_after(&hint, "mean ").is_some_and(headers::is_keyword) => {
            *message = text;
            find(message, unit, target)
        }
        Some((text, hint)) => {
            *message = text;
            Some(hint)
        }
        None if message.starts_with("type specifier missing") => unknown_macro(place, unit, target),
        None => find(message, unit, target),
    };
    if let Some((member, record)) = absent_member(message)
        && is_table(record, unit)
    {
        *message = format!("invalid bpf_table operation {member}");
    }
    hint
}

/// The member that clang misses and the struct it is not in.
fn absent_member(message: &str) -> Option<(&str, &str)> {
    Some((quoted_after(message, "no member named ")?, quoted_after(message, " in ")?))
}

fn find(message: &str, unit: &Unit<'_>, target: &Target) -> Option<String> {
    if let Some((member, record)) = absent_member(message) {
        return member_hint(member, record, unit, target);
    }
    if message.contains("incomplete") {
        let tag = message.split("'struct ").nth(1)?.split([' ', '\'', '*']).next()?;
        return match tag.strip_prefix("tracepoint__") {
            Some(name) => tracepoint_hint(name, target),
            None => known::missing_include(tag)
                .or_else(|| Some(format!("this kernel has no `struct {tag}`, or only its name"))),
        };
    }
    if message.ends_with("' file not found") {
        return Some(
            "no kernel has a header of this name; the program's own headers are looked for in the \
             working directory and in -I directories"
                .to_owned(),
        );
    }
    if let Some(name) = quoted_after(message, "call to undeclared library function ") {
        return Some(known::instead_of_library(name).to_owned());
    }
    let name = quoted_after(message, "call to undeclared function ")
        .or_else(|| quoted_after(message, "use of undeclared identifier "))?;
    if let Some(renamed) = known::renamed("", name) {
        return Some(renamed);
    }
    let names = unit.root().children().into_iter().map(Cursor::spelling);
    // Only those helpers are declared that the text names.
    let names = names.chain(headers::helper_names().map(str::to_owned));
    let near = nearest(name, names.filter(|n| n.starts_with("bpf_") == name.starts_with("bpf_")))
        .or_else(|| nearest_macro(name, target))?;
    Some(format!("did you mean '{near}'?"))
}

/// What stands where a declaration should, and is no macro.
fn unknown_macro(place: &Place, unit: &Unit<'_>, target: &Target) -> Option<String> {
    let text = unit.file_text(&place.file)?;
    let rest = text.get(place.offset as usize..)?;
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let word: Vec<u8> = rest.iter().take_while(is_word).copied().collect();
    let near = nearest_macro(&String::from_utf8(word).ok()?, target)?;
    Some(format!("did you mean '{near}'?"))
}

/// The macro or enumerator that `name` is most like, if it is written as those are.
fn nearest_macro(name: &str, target: &Target) -> Option<String> {
    let is_macro =
        |name: &str| name.len() > 4 && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    if !is_macro(name) {
        return None;
    }
    let names = known::macros().chain(known::enumerators(target));
    nearest(name, names.filter(|other| is_macro(other)))
}

fn quoted_after<'m>(message: &'m str, words: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(words)?;
    rest.strip_prefix('\'')?.split('\'').next()
}

/// For a table its methods, else the nearest member.
fn member_hint(member: &str, record: &str, unit: &Unit<'_>, target: &Target) -> Option<String> {
    let ty = find_record(record, unit)?;
    let mut names = BTreeSet::new();
    member_names(ty, &mut names);
    let is_table = is_table(record, unit);
    if !is_table {
        names.extend(kernel_members(record, target));
    }
    let tag = record.rsplit(' ').next().unwrap_or(record);
    if let Some(hint) = known::renamed(tag, member).or_else(|| known::missing_include(member)) {
        return Some(hint);
    }
    if let Some(near) = nearest(member, names.iter().cloned()) {
        return Some(format!("did you mean '{near}'?"));
    }
    let own = |name: &&String| {
        !matches!(name.as_str(), "key" | "leaf" | "max_entries" | "flags" | "loss_slot")
            && !name.starts_with("bcc_")
    };
    let methods: Vec<&str> = names.iter().filter(own).map(String::as_str).collect();
    if tag.starts_with("tracepoint__") {
        let fields: Vec<&str> =
            methods.into_iter().filter(|name| !name.starts_with("__")).collect();
        return Some(format!("this tracepoint has the fields {}", fields.join(", ")));
    }
    is_table.then(|| format!("this table has the methods {}", methods.join(", ")))
}

/// What may help against a warning.
pub(super) fn for_warning(message: &str) -> Option<String> {
    message.starts_with("missing terminating '\"'").then(|| {
        "a string ends on its own line; in a Python string that is not raw (r\"...\"), the newline of \
         C is spelled \\\\n"
            .to_owned()
    })
}

/// The members that the kernel's struct has: clang was given only those that the text names.
fn kernel_members(record: &str, target: &Target) -> Vec<String> {
    let mut members = Vec::new();
    let tag = record.rsplit(' ').next().unwrap_or(record);
    if let Ok(index) = target.btf()
        && let Some(id) = index.composite(tag)
    {
        lookup::any_member(index.btf(), id, |name| {
            members.push(name.to_owned());
            false
        });
    }
    members
}

fn is_table(record: &str, unit: &Unit<'_>) -> bool {
    record.ends_with("_table_t")
        && find_record(record, unit).is_some_and(|ty| {
            let mut names = BTreeSet::new();
            member_names(ty, &mut names);
            names.contains("max_entries")
        })
}

fn find_record<'u>(name: &str, unit: &'u Unit<'_>) -> Option<Ty<'u>> {
    let tag = name.trim_start_matches("const ").trim_start_matches("volatile ");
    let (kind, tag) = tag.split_once(' ').unwrap_or(("", tag));
    let wanted = match kind {
        "struct" => sys::CXCursor_StructDecl,
        "union" => sys::CXCursor_UnionDecl,
        _ => sys::CXCursor_TypedefDecl,
    };
    let tag = tag.trim_end_matches(['*', ' ']);
    let found = unit.root().children().into_iter().find(|c| {
        let defines = wanted == sys::CXCursor_TypedefDecl || c.is_definition();
        c.kind() == wanted && defines && c.spelling() == tag
    });
    found.map(|cursor| cursor.ty().canonical())
}

fn member_names(ty: Ty<'_>, names: &mut BTreeSet<String>) {
    for member in ty.fields() {
        let name = member.member_name();
        if name.is_empty() {
            member_names(member.ty().canonical(), names);
        } else {
            names.insert(name);
        }
    }
}

/// For those who ask for tracepoints where none can be seen.
pub(super) const NO_TRACEFS: &str =
    "tracefs is not mounted, or not to be read: mount -t tracefs tracefs /sys/kernel/tracing";

fn tracepoint_hint(name: &str, target: &Target) -> Option<String> {
    let (category, event) = name.rsplit_once("__")?;
    if target.tracefs.is_none() {
        return Some(NO_TRACEFS.to_owned());
    }
    let missing = format!("this kernel has no tracepoint {category}:{event}");
    Some(match nearest_tracepoint(category, event, target) {
        Some(near) => format!("{missing}; did you mean {near}?"),
        None => missing,
    })
}

/// The event of the Target, as `category:event`, that this one is most like.
pub(super) fn nearest_tracepoint(category: &str, event: &str, target: &Target) -> Option<String> {
    let events = target.tracefs.as_ref()?.join("events");
    let entries = |directory: &std::path::Path| -> Vec<String> {
        let found = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            found.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    };
    let category = match events.join(category).is_dir() {
        true => category.to_owned(),
        false => nearest(category, entries(&events))?,
    };
    let near = nearest(event, entries(&events.join(&category)))?;
    Some(format!("{category}:{near}"))
}

/// The candidate that differs least from `name`, if it is like it at all.
pub fn nearest(name: &str, candidates: impl IntoIterator<Item = String>) -> Option<String> {
    let limit = name.len().div_ceil(3).max(2);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit && !candidate.is_empty())
        .map(|candidate| (distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.len())
        .min_by_key(|(distance, other)| (*distance, Reverse(common(name, other)), other.clone()))
        .map(|(_, candidate)| candidate)
}

/// How many bytes both begin with.
fn common(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

/// Levenshtein's distance.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance(b"", b"abc"), 3);
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"state", b"__state"), 2);
    }

    #[test]
    fn only_like_names_are_near() {
        let names = ["lookup", "update", "delete"].map(str::to_owned);
        assert_eq!(nearest("lokup", names.clone()).as_deref(), Some("lookup"));
        assert_eq!(nearest("frobnicate", names), None);
        assert_eq!(nearest("x", ["y".to_owned()]), None);
    }
}
