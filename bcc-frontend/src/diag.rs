//! clang's messages as ours: the user's places, source lines, hints.

use crate::clang::Unit;
use crate::source::LineIndex;
use bcc_core::spec::{Diagnostic, Severity, Stage};

/// What clang said about the text, without warnings about headers that are not the user's.
pub fn from_clang(unit: &Unit<'_>, main: &str) -> Vec<Diagnostic> {
    let mut messages = Vec::new();
    let mut dropped = false;
    for diag in unit.diagnostics() {
        let ours = diag.system || !crate::parse::is_user_file(&diag.place.file, main);
        match diag.severity {
            // A note belongs to the message before it.
            Severity::Note if dropped => continue,
            Severity::Note => {}
            Severity::Warning => dropped = ours,
            Severity::Error => dropped = false,
        }
        if dropped {
            continue;
        }
        let message = Diagnostic::new(diag.severity, Stage::Parse, diag.message);
        let message = message.at(diag.place.file, diag.place.line, diag.place.column);
        messages.push(with_source(unit, message));
    }
    messages
}

/// Whether a compile with these messages has failed.
pub fn has_error(messages: &[Diagnostic]) -> bool {
    messages.iter().any(|message| message.severity == Severity::Error)
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
