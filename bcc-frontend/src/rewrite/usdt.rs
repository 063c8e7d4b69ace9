//! `bpf_usdt_readarg(n, …)` → `bcc_usdt_readarg(FUNCTION, n, …)`: the readers are per function.

use super::edit::EditSet;
use crate::parse::lex::Token;

/// In the place of a handler's name, in functions that are none: the readers find the handler out.
pub(super) const ANY_HANDLER: &str = "_any";

/// Edits the call whose name is `tokens[name]`; false when it is not `callee(`.
pub(super) fn edit_call(
    text: &[u8],
    tokens: &[Token],
    name: usize,
    callee: &str,
    function: &str,
    edits: &mut EditSet,
) -> bool {
    let (Some(word), Some(open)) = (tokens.get(name), tokens.get(name + 1)) else { return false };
    if !word.is(text, callee) || !open.is(text, "(") {
        return false;
    }
    edits.replace(word.start..word.end, callee.replacen("bpf_", "bcc_", 1));
    edits.insert(open.end, format!("{function}, "));
    true
}
