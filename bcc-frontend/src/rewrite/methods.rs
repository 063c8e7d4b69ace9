//! `table.method(args)` → `bcc_method(table, args)`, in code and in macro bodies.

use super::edit::EditSet;
use crate::parse::lex::{Define, Token, postfix_start};

/// Edits the call whose method name is `code[name]`; false when it is not of the form
/// `receiver.name(`.
pub(super) fn edit_call(
    text: &[u8],
    tokens: &[Token],
    name: usize,
    method: &str,
    edits: &mut EditSet,
) -> bool {
    let written = tokens.get(name).map(|token| token.text(text)).unwrap_or_default();
    // A name that is a macro of the user's is left to the preprocessor.
    let callee = if written == method.as_bytes() {
        format!("bcc_{method}(")
    } else {
        format!("bcc_method({})(", String::from_utf8_lossy(written))
    };
    edit_member_call(text, tokens, name..name + 1, &callee, edits)
}

/// Edits every `receiver.method(` in the body of `define` whose name can be one of `methods`, and
/// says for which of them there was a place.
pub(super) fn edit_define(
    text: &[u8],
    define: &Define,
    methods: &[&str],
    edits: &mut EditSet,
) -> Vec<usize> {
    let body = &define.body;
    let mut served = Vec::new();
    let after_arrow = define.members(text, "->");
    for (tokens, generated) in define.members(text, ".").into_iter().chain(after_arrow) {
        let parts: Vec<&[u8]> = body[tokens.clone()].iter().map(|t| t.text(text)).collect();
        let is_param = |part: &[u8]| {
            define.params.as_ref().is_some_and(|params| params.iter().any(|p| p == part))
        };
        let first_is_param = is_param(parts[0]);
        let matches = (0..methods.len())
            .filter(|m| generated || parts[0] == methods[*m].as_bytes())
            .collect::<Vec<_>>();
        if matches.is_empty() {
            continue;
        }
        let name = String::from_utf8_lossy(&parts.concat()).into_owned();
        let paste = if first_is_param { "##" } else { "" };
        if edit_member_call(text, body, tokens, &format!("bcc_{paste}{name}("), edits) {
            served.extend(matches);
        }
    }
    served
}

/// `receiver . name (` → `callee receiver ,`; every piece stays on its line.
fn edit_member_call(
    text: &[u8],
    tokens: &[Token],
    name: std::ops::Range<usize>,
    callee: &str,
    edits: &mut EditSet,
) -> bool {
    let Some(open) = tokens.get(name.end).filter(|t| t.is(text, "(")) else { return false };
    let edited = edit_receiver(text, tokens, name, callee, edits).is_some();
    if edited {
        edits.replace(open.start..open.end, ", ");
    }
    edited
}

/// `receiver . name` → `callee receiver`; nothing when it is not of that form.
pub(super) fn edit_receiver(
    text: &[u8],
    tokens: &[Token],
    name: std::ops::Range<usize>,
    callee: &str,
    edits: &mut EditSet,
) -> Option<()> {
    let dot = name.start.checked_sub(1)?;
    let arrow = tokens[dot].is(text, "->");
    if !arrow && !tokens[dot].is(text, ".") {
        return None;
    }
    let receiver = postfix_start(text, tokens, dot)?;
    let star = if arrow { "*" } else { "" };
    edits.insert(tokens[receiver].start, format!("{callee}{star}"));
    edits.replace(tokens[dot].start..tokens[dot].end, "");
    for token in &tokens[name] {
        edits.replace(token.start..token.end, "");
    }
    Some(())
}
