//! Members of packet headers: `p->member` → `bpf_dext_pkt(…)`, `p->member = x` → `bpf_dins_pkt(…, x)`.

use super::edit::EditSet;
use crate::parse::calls::Access;
use crate::parse::lex::{Define, Token, postfix_start};
use std::collections::BTreeMap;
use std::ops::Range;

/// Where a member lies in its header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    pub(super) byte: u32,
    pub(super) bit: u32,
    pub(super) width: u32,
}

/// Edits the access whose member name is `tokens[name]`; false when it is not `pointer->name`.
pub(super) fn edit_member(
    text: &[u8],
    tokens: &[Token],
    name: usize,
    bits: Bits,
    access: Access,
    edits: &mut EditSet,
) -> bool {
    let Some(arrow) = name.checked_sub(1).filter(|a| tokens[*a].is(text, "->")) else {
        return false;
    };
    let Some(start) = postfix_start(text, tokens, arrow) else { return false };
    if access == Access::Change {
        return edit_by_type(text, tokens, name..name + 1, edits) == Some(access);
    }
    let Bits { byte, bit, width } = bits;
    let field = format!(") + {byte}, {bit}, {width}");
    let (function, field) = match access {
        Access::Read => ("bpf_dext_pkt", field + ")"),
        Access::Write | Access::Change => ("bpf_dins_pkt", field),
    };
    if access == Access::Write {
        let Some(assign) = tokens.get(name + 1).filter(|t| t.is(text, "=")) else { return false };
        let Some(end) = expression_end(text, tokens, name + 2) else { return false };
        edits.replace(assign.start..assign.end, ",");
        edits.close(tokens[name].start, end, ")");
    }
    edits.insert(tokens[start].start, format!("{function}(bcc_packet, (u64)("));
    edits.replace(tokens[arrow].start..tokens[arrow].end, field);
    edits.replace(tokens[name].start..tokens[name].end, "");
    true
}

/// What an edited member turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Served {
    /// Index of the member in the list of those wanted.
    pub(super) member: usize,
    pub(super) access: Access,
}

/// Edits every `->member` in the body of `define` whose name can be one of `members`, and says which.
pub(super) fn edit_define(
    text: &[u8],
    define: &Define,
    members: &[&str],
    edits: &mut EditSet,
) -> Vec<Served> {
    let body = &define.body;
    let mut served = Vec::new();
    for (name, is_any) in define.members(text, "->") {
        let word = body[name.start].text(text);
        let wanted: Vec<usize> =
            (0..members.len()).filter(|m| is_any || word == members[*m].as_bytes()).collect();
        if wanted.is_empty() {
            continue;
        }
        if let Some(access) = edit_by_type(text, body, name, edits) {
            served.extend(wanted.into_iter().map(|member| Served { member, access }));
        }
    }
    served
}

/// Edits `pointer->name` so that the preprocessor finds the place by the pointer's type, which a macro's
/// body does not know; says what is done to the member, or nothing when it has another form.
pub(super) fn edit_by_type(
    text: &[u8],
    tokens: &[Token],
    name: Range<usize>,
    edits: &mut EditSet,
) -> Option<Access> {
    let arrow = name.start.checked_sub(1).filter(|a| tokens[*a].is(text, "->"))?;
    let start = postfix_start(text, tokens, arrow)?;
    let (at, end) = (tokens[name.start].start, tokens[name.end - 1].end);
    let (function, access) = match operation(text, tokens, start, name.end) {
        Operation::None => {
            edits.close(at, end, ")");
            ("BCC_PKT_READ", Access::Read)
        }
        Operation::Assign => {
            let assign = tokens[name.end];
            edits.replace(assign.start..assign.end, ",");
            edits.close(at, expression_end(text, tokens, name.end + 1)?, ")");
            ("BCC_PKT_WRITE", Access::Write)
        }
        Operation::Change(width) => {
            let (first, last) = (tokens[name.end], tokens[name.end + width]);
            edits.insert(first.start, ", ");
            edits.replace(last.start..last.end, ",");
            edits.close(at, expression_end(text, tokens, name.end + width + 1)?, ")");
            ("BCC_PKT_CHANGE", Access::Change)
        }
        Operation::StepAfter => {
            let (first, last) = (tokens[name.end], tokens[name.end + 1]);
            edits.insert(first.start, ", ");
            edits.replace(last.start..last.end, ")");
            ("BCC_PKT_STEP", Access::Change)
        }
        Operation::StepBefore => {
            let sign = String::from_utf8_lossy(tokens[start - 1].text(text)).into_owned();
            for token in &tokens[start - 2..start] {
                edits.replace(token.start..token.end, "");
            }
            edits.close(at, end, format!(", {sign}, 1)"));
            ("BCC_PKT_CHANGE", Access::Change)
        }
    };
    edits.insert(tokens[start].start, format!("{function}("));
    edits.replace(tokens[arrow].start..tokens[arrow].end, ", ");
    Some(access)
}

enum Operation {
    None,
    Assign,
    /// `op=`, with so many bytes of `op`.
    Change(usize),
    StepAfter,
    StepBefore,
}

/// What is done to the operand `tokens[start..end]`.
fn operation(text: &[u8], tokens: &[Token], start: usize, end: usize) -> Operation {
    let is = |index: usize, what: &str| tokens.get(index).is_some_and(|t| t.is(text, what));
    // Punctuation of several bytes is several tokens.
    let touching =
        |range: Range<usize>| tokens[range].windows(2).all(|pair| pair[0].end == pair[1].start);
    if is(end, "=") && !(is(end + 1, "=") && touching(end..end + 2)) {
        return Operation::Assign;
    }
    let one = ["+", "-", "*", "/", "%", "&", "|", "^"].iter().any(|op| is(end, op));
    if one && is(end + 1, "=") && touching(end..end + 2) {
        return Operation::Change(1);
    }
    let two = ["<", ">"].iter().any(|op| is(end, op) && is(end + 1, op));
    if two && is(end + 2, "=") && touching(end..end + 3) {
        return Operation::Change(2);
    }
    let step = |at: usize| {
        ["+", "-"].iter().any(|op| is(at, op) && is(at + 1, op)) && touching(at..at + 2)
    };
    if step(end) {
        return Operation::StepAfter;
    }
    match start.checked_sub(2).filter(|before| step(*before)) {
        Some(_) => Operation::StepBefore,
        None => Operation::None,
    }
}

/// For each member the structs that have it, as `BCC_PKT_<member>` macros for the compiler's arguments.
#[derive(Debug, Default)]
pub(super) struct Layouts(BTreeMap<String, BTreeMap<String, Bits>>);

impl Layouts {
    pub(super) fn add(&mut self, member: &str, record: &str, bits: Bits) {
        self.0.entry(member.to_owned()).or_default().insert(record.to_owned(), bits);
    }

    /// Lets members of these names be of no packet header.
    pub(super) fn know<'t>(&mut self, names: impl Iterator<Item = &'t [u8]>) {
        for name in names {
            self.0.entry(String::from_utf8_lossy(name).into_owned()).or_default();
        }
    }

    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for (member, records) in &self.0 {
            let mut cases = String::new();
            for (record, Bits { byte, bit, width }) in records {
                let call = format!("f(bcc_packet, (u64)(p) + {byte}, {bit}, {width} __VA_ARGS__)");
                for qualifier in ["", "const "] {
                    cases.push_str(&format!("{qualifier}{record} *: {call}, "));
                }
            }
            arguments.push(format!("-DBCC_PKT_{member}(p, f, ...)={cases}"));
        }
        arguments
    }
}

/// End of the assignment expression that starts at `tokens[first]`.
fn expression_end(text: &[u8], tokens: &[Token], first: usize) -> Option<usize> {
    let (mut depth, mut choices) = (0usize, 0usize);
    for (i, token) in tokens.iter().enumerate().skip(first) {
        match token.text(text) {
            b"(" | b"[" | b"{" => depth += 1,
            b")" | b"]" | b"}" if depth == 0 => return Some(tokens[i - 1].end),
            b")" | b"]" | b"}" => depth -= 1,
            b";" | b"," if depth == 0 => return Some(tokens[i - 1].end),
            b"?" if depth == 0 => choices += 1,
            b":" if depth == 0 && choices == 0 => return Some(tokens[i - 1].end),
            b":" if depth == 0 => choices -= 1,
            _ => {}
        }
    }
    // The body of a macro ends without any of them.
    tokens.get(first..)?.last().map(|token| token.end)
}
