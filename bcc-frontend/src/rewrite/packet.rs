//! Members of packet headers: `p->member` → `bpf_dext_pkt(…)`, `p->member = x` → `bpf_dins_pkt(…, x)`.

use super::edit::EditSet;
use crate::parse::calls::Access;
use crate::parse::lex::{Token, postfix_start};

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
    let Bits { byte, bit, width } = bits;
    let field = format!(") + {byte}, {bit}, {width}");
    let (function, field) = match access {
        Access::Read => ("bpf_dext_pkt", field + ")"),
        Access::Write => ("bpf_dins_pkt", field),
    };
    if access == Access::Write {
        let Some(assign) = tokens.get(name + 1).filter(|t| t.is(text, "=")) else { return false };
        let Some(end) = expression_end(text, tokens, name + 2) else { return false };
        edits.replace(assign.start..assign.end, ",");
        edits.insert(end, ")");
    }
    edits.insert(tokens[start].start, format!("{function}(bcc_packet, (u64)("));
    edits.replace(tokens[arrow].start..tokens[arrow].end, field);
    edits.replace(tokens[name].start..tokens[name].end, "");
    true
}

/// End of the assignment expression that starts at `tokens[first]`.
fn expression_end(text: &[u8], tokens: &[Token], first: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(first) {
        match token.text(text) {
            b"(" | b"[" | b"{" => depth += 1,
            b")" | b"]" | b"}" if depth == 0 => return Some(tokens[i - 1].end),
            b")" | b"]" | b"}" => depth -= 1,
            b";" | b"," if depth == 0 => return Some(tokens[i - 1].end),
            _ => {}
        }
    }
    None
}
