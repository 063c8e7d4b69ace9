//! Facts about the user's text, from libclang's cursors and tokens. Changes nothing.
//!
//! parsed unit → [`tables`], [`programs`], [`calls`]; text → [`lex`], [`macros`].

pub mod calls;
pub mod format;
pub mod lex;
pub mod macros;
pub mod programs;
pub mod tables;
pub mod types;

use crate::clang::{Cursor, Place};
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, Severity, Stage};
use clang_sys as sys;

/// Collects the dialect's own messages.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order they were found.
    pub messages: Vec<Diagnostic>,
}

impl Report {
    /// Adds an error at `place`.
    pub fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Severity::Error, place, message);
    }

    /// Adds a warning at `place`.
    pub fn warning(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Severity::Warning, place, message);
    }

    fn add(&mut self, severity: Severity, place: &Place, message: impl Into<String>) {
        let message = Diagnostic::new(severity, Stage::Rewrite, message);
        if mutation::silent(&message.message) {
            return;
        }
        let message = message.at(place.file.as_str(), place.line, place.column);
        // An argument that a macro uses twice is seen twice.
        if !self.messages.contains(&message) {
            self.messages.push(message);
        }
    }
}

/// Kinds of cursors that are attributes.
const ATTRIBUTES: std::ops::Range<i32> = sys::CXCursor_UnexposedAttr..500;

/// The name in a declaration's attribute `section("…")`, wherever a macro put it.
pub fn section_of(declaration: Cursor<'_>) -> Option<String> {
    if !declaration.children().iter().any(|child| ATTRIBUTES.contains(&child.kind())) {
        return None;
    }
    // libclang has no cursor for this attribute, but it prints it.
    let printed = declaration.printed();
    let (_, after) = printed.split_once("section(\"")?;
    let mut name = String::new();
    let mut characters = after.chars();
    loop {
        match characters.next()? {
            '"' => return Some(name),
            '\\' => name.push(characters.next()?),
            c => name.push(c),
        }
    }
}

/// Whether `path` holds text of the user's rather than of the kernel's or ours.
pub fn is_user_file(path: &str, main: &str) -> bool {
    let ours = path.is_empty() || path.starts_with("/virtual/") || path.starts_with('<');
    path == main || !(ours || mutation::off("rewrite:headers"))
}
