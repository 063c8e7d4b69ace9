//! LLVM's words as diagnostics about the user's text.

use crate::facts::Rewritten;
use crate::llvm::Place;
use bcc_core::compile::CompileRequest;
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, Severity, Stage};
use std::cell::RefCell;
use std::collections::HashMap;

/// The user's text, for places and source lines.
pub(crate) struct Reporter<'a> {
    request: &'a CompileRequest,
    rewritten: &'a Rewritten,
    /// Lines by file, split when first asked for.
    lines: RefCell<HashMap<String, Option<Vec<&'a [u8]>>>>,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(request: &'a CompileRequest, rewritten: &'a Rewritten) -> Self {
        Self { request, rewritten, lines: RefCell::default() }
    }

    /// Line `line` of `file` as the user wrote it: the main text is the request's, other files are
    /// those of the overlay.
    pub(crate) fn source_line(&self, file: &str, line: u32) -> Option<String> {
        let mut files = self.lines.borrow_mut();
        if !files.contains_key(file) {
            let lines = self.text(file).map(|text| text.split(|&b| b == b'\n').collect());
            files.insert(file.to_owned(), lines);
        }
        let lines = files.get(file)?.as_ref()?;
        let line = lines.get((line as usize).checked_sub(1)?)?;
        Some(String::from_utf8_lossy(line).trim_end_matches('\r').to_owned())
    }

    fn text(&self, file: &str) -> Option<&'a [u8]> {
        let input = &self.rewritten.input;
        if file == input.main || file == self.request.file {
            // Generated readers in front of the user's text are a file of their own.
            let own = self.request.text.split_inclusive(|&b| b == b'\n');
            let before = own.take(self.request.preamble_lines as usize).map(<[u8]>::len).sum();
            return self.request.text.get(before..);
        }
        Some(&input.files.iter().find(|f| f.path == file)?.text)
    }

    /// The column of the user's own text.
    pub(crate) fn column(&self, place: &Place) -> u32 {
        match place.column {
            0 => 0,
            column => self.rewritten.columns.original(&place.file, place.line, column),
        }
    }

    /// An error at `place`.
    pub(crate) fn error(
        &self,
        stage: Stage,
        place: &Place,
        message: impl Into<String>,
    ) -> Diagnostic {
        let mut diagnostic = Diagnostic::new(Severity::Error, stage, message);
        if place.line > 0 {
            let column = self.column(place);
            diagnostic = diagnostic.at(place.file.clone(), place.line, column);
            diagnostic.source_line = self.source_line(&place.file, place.line);
        }
        diagnostic
    }

    /// What clang said, with columns and lines of the user's text; only errors and what explains them.
    pub(crate) fn clang(&self, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let mut kept: Vec<Diagnostic> = Vec::new();
        let mut said: Vec<Diagnostic> = Vec::new();
        let mut explained = false;
        for mut diagnostic in diagnostics {
            explained = match diagnostic.severity {
                Severity::Error => true,
                Severity::Warning => false,
                Severity::Note => explained,
            };
            // A macro that uses its argument twice says it twice.
            let again = |other: &Diagnostic| {
                (&other.file, other.line, other.column, &other.message)
                    == (&diagnostic.file, diagnostic.line, diagnostic.column, &diagnostic.message)
            };
            if diagnostic.severity != Severity::Note && said.iter().any(again) {
                explained = false;
                continue;
            }
            said.push(diagnostic.clone());
            if !explained || mutation::silent(&diagnostic.message) {
                continue;
            }
            if diagnostic.line > 0 {
                let place = Place {
                    file: diagnostic.file.clone(),
                    line: diagnostic.line,
                    column: diagnostic.column,
                };
                diagnostic.column = self.column(&place);
                diagnostic.source_line = self.source_line(&place.file, place.line);
            }
            kept.push(diagnostic);
        }
        kept
    }

    /// What the backend said: `FILE:LINE:COL: in function NAME TYPE: MESSAGE`, or a bare message.
    pub(crate) fn backend(&self, text: &str) -> Diagnostic {
        let (place, rest) = split_place(text);
        let (function, message) = match rest.strip_prefix("in function ") {
            Some(rest) => {
                let name = rest.split(' ').next().unwrap_or_default();
                let message = rest.split_once("): ").map_or(rest, |(_, message)| message);
                (Some(name), message)
            }
            None => (None, rest),
        };
        let message = message.trim();
        let (message, hint) = explain(message);
        let message = match function {
            Some(name) => format!("in function `{name}`: {message}"),
            None => message,
        };
        let mut diagnostic = self.error(Stage::Emit, &place, message);
        diagnostic.hint = hint.map(str::to_owned);
        diagnostic
    }
}

fn split_place(text: &str) -> (Place, &str) {
    let parse = || {
        let (place, rest) = text.split_once(": ")?;
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        let file = parts.next()?.to_owned();
        Some((Place { file, line, column }, rest))
    };
    parse()
        .unwrap_or_else(|| (Place::default(), text.strip_prefix("<unknown>:0:0: ").unwrap_or(text)))
}

/// The backend's message in the user's terms, and what helps.
fn explain(message: &str) -> (String, Option<&'static str>) {
    let known = |text: &str, hint| (text.to_owned(), Some(hint));
    if message.contains("BPF stack limit") && !mutation::off("emit:stack") {
        return known(
            "variables need more than the 512 bytes of a BPF program's stack",
            "keep large structs in a BPF_PERCPU_ARRAY of one element and use its leaf",
        );
    }
    if let Some(function) = message.strip_prefix("A call to built-in function '__") {
        let wide = function.contains("ti");
        let what =
            if wide { "128-bit arithmetic of this kind" } else { "floating-point arithmetic" };
        return (format!("{what} is not possible in BPF"), None);
    }
    if message.contains("signed division") {
        return known(
            "signed division is not in this BPF instruction set",
            "divide unsigned values, or cast both operands to an unsigned type",
        );
    }
    if message.contains("stack arguments are not supported")
        || message.contains("too many arguments")
        || message.contains("too many args")
    {
        return known("too many arguments in a call", "a BPF call passes at most five arguments");
    }
    if message.contains("pass by value not supported")
        || message.contains("aggregate returns are not supported")
        || message.contains("only small returns")
    {
        return known(
            "a struct is passed or returned by value",
            "pass a pointer to it, or let the function be inlined",
        );
    }
    if message.contains("dynamic stack allocation") || message.contains("dynamic stackalloc") {
        return known(
            "an array of variable length needs stack that BPF does not have",
            "give the array a constant length",
        );
    }
    (message.to_owned(), None)
}
