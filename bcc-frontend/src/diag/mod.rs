//! clang's messages as ours: the user's places, source lines, hints.

mod hint;
mod known;

pub use hint::nearest;

use crate::clang::Unit;
use crate::source::LineIndex;
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, Severity, Stage};
use bcc_core::target::Target;

/// What clang said about the text, without warnings about headers that are not the user's.
pub fn from_clang(unit: &Unit<'_>, main: &str, target: &Target) -> Vec<Diagnostic> {
    let mut messages = Vec::new();
    let mut dropped = false;
    for mut diag in unit.diagnostics() {
        if is_forgotten_operator(&diag.message) {
            diag.severity = Severity::Error;
        }
        let ours = diag.system || !crate::parse::is_user_file(&diag.place.file, main);
        match diag.severity {
            // A note belongs to the message before it; one about our own macros helps nobody.
            Severity::Note if dropped || ours => continue,
            // What a hint already says.
            Severity::Note
                if (diag.message.ends_with("' declared here")
                    || diag.message.starts_with("include the header <"))
                    && messages.last().is_some_and(|m: &Diagnostic| m.hint.is_some()) =>
            {
                continue;
            }
            Severity::Note => {}
            Severity::Warning => dropped = ours,
            Severity::Error => dropped = false,
        }
        if dropped {
            continue;
        }
        let mut text = without_typeof(diag.message);
        let hint = match diag.severity {
            Severity::Error if !mutation::off("diag:hints") => {
                hint::hint(&mut text, &diag.place, unit, target)
            }
            Severity::Warning if !mutation::off("diag:hints") => hint::for_warning(&text),
            _ => None,
        };
        if mutation::silent(&text) {
            continue;
        }
        let again = |other: &Diagnostic| {
            let place = (&other.file, other.line, other.column);
            place == (&diag.place.file, diag.place.line, diag.place.column)
                && (other.message == text || is_sequel(other, &text))
        };
        if diag.severity != Severity::Note && messages.iter().any(again) {
            // A macro that uses its argument twice says it twice.
            dropped = true;
            continue;
        }
        let mut message = Diagnostic::new(diag.severity, Stage::Parse, text);
        message.hint = hint;
        let message = message.at(diag.place.file, diag.place.line, diag.place.column);
        messages.push(with_source(unit, message));
    }
    drop_second_words(&mut messages);
    messages
}

/// What clang says next of a name that it took for a word of C.
fn is_sequel(other: &Diagnostic, text: &str) -> bool {
    text == "expected expression" && other.message.starts_with("use of undeclared identifier")
}

/// A value where clang knows that its address was meant, or the other way round: no integer that stands
/// for a pointer.
fn is_forgotten_operator(message: &str) -> bool {
    message.starts_with("incompatible ")
        && message.contains(" conversion passing ")
        && (message.ends_with("take the address with &") || message.ends_with("remove &"))
}

/// A table that is defined twice also has its struct twice, which the user never wrote.
fn drop_second_words(messages: &mut Vec<Diagnostic>) {
    let is_struct = |message: &Diagnostic| {
        message.message.starts_with("redefinition of '") && message.message.ends_with("_table_t'")
    };
    let mut dropped = false;
    let tables: Vec<u32> = messages
        .iter()
        .filter(|m| m.message.starts_with("redefinition of '") && !is_struct(m))
        .map(|m| m.line)
        .collect();
    messages.retain(|message| {
        if message.severity != Severity::Note {
            dropped = is_struct(message) && tables.contains(&message.line);
        }
        !dropped
    });
}

/// Table macros say `typeof(T)` where the user said `T`.
fn without_typeof(message: String) -> String {
    let quoted = message.find("typeof(").and_then(|at| message[..at].rfind('\''));
    let Some((before, rest)) = quoted.map(|at| message.split_at(at)) else { return message };
    match rest.split_once("' (aka '").and_then(|(_, rest)| rest.split_once("')")) {
        Some((ty, after)) => without_typeof(format!("{before}'{ty}'{after}")),
        None => message,
    }
}

/// Sorts messages by place; those of one place stay in order, notes stay with their message.
pub fn sort(messages: &mut Vec<Diagnostic>) {
    let mut groups: Vec<Vec<Diagnostic>> = Vec::new();
    for message in messages.drain(..) {
        match groups.last_mut() {
            Some(group) if message.severity == Severity::Note => group.push(message),
            _ => groups.push(vec![message]),
        }
    }
    groups.sort_by(|a, b| {
        let place =
            |group: &[Diagnostic]| group.first().map(|m| (m.file.clone(), m.line, m.column));
        place(a).cmp(&place(b))
    });
    messages.extend(groups.into_iter().flatten());
}

/// Whether a compile with these messages has failed.
pub fn has_error(messages: &[Diagnostic]) -> bool {
    messages.iter().any(|message| message.severity == Severity::Error)
}

/// Adds what helps against one of our own messages.
pub fn with_hint(mut message: Diagnostic, target: &Target) -> Diagnostic {
    let event = message.message.strip_prefix("no tracepoint ");
    let event = event.and_then(|rest| rest.split(' ').next()?.split_once(':'));
    if let Some((category, event)) = event {
        let near = hint::nearest_tracepoint(category, event, target);
        let unseen = target.tracefs.is_none().then(|| hint::NO_TRACEFS.to_owned());
        message.hint = near.map(|near| format!("did you mean {near}?")).or(unseen);
    }
    message
}

/// Adds the source line that the message is about.
pub fn with_source(unit: &Unit<'_>, mut message: Diagnostic) -> Diagnostic {
    if message.line > 0
        && let Some(text) = unit.file_text(&message.file)
    {
        let line = LineIndex::new(&text).line(&text, message.line).map(<[u8]>::to_vec);
        message.source_line = line.map(|line| String::from_utf8_lossy(&line).into_owned());
    }
    message
}
