//! Modified C to plain BPF C: edits that never add or remove a line.
//!
//! `ClangInput` → libclang → facts ([`crate::parse`]) → edits → `Rewritten`.

mod edit;
mod flags;
mod input;
mod methods;
mod packet;
mod plan;
mod split;
mod usdt;

pub use edit::{Edit, EditError, EditSet, Shift};

use crate::cflags;
use crate::clang::{ClangError, Index};
use crate::diag;
use crate::facts::Rewritten;
use crate::parse::{Report, calls, programs, tables};
use crate::source::ClangInput;
use bcc_core::compile::CompileRequest;
use bcc_core::spec::{Diagnostic, Severity, Stage};
use clang_sys as sys;

/// Parses `input` with libclang, finds tables, programs and calls, and rewrites them.
///
/// # Errors
/// All diagnostics, when at least one is an error.
pub fn rewrite(request: &CompileRequest, input: ClangInput) -> Result<Rewritten, Vec<Diagnostic>> {
    let input = input::prepare(request, input);
    let mut parsed = input.clone();
    // libclang turns suggestions off unless asked.
    parsed.args.extend(["-D__BCC_PARSE__", "-fspell-checking"].map(str::to_owned));
    let internal = |error: String| vec![Diagnostic::new(Severity::Error, Stage::Parse, error)];
    let index = Index::new().map_err(|error| internal(error.to_string()))?;
    let unit = index.parse(&parsed).map_err(|error| {
        let named = match error {
            ClangError::Parse { .. } => cflags::culprit(&index, &request.cflags),
            _ => None,
        };
        let named = named.map(|flag| format!("clang does not take the argument {flag:?}"));
        internal(named.unwrap_or_else(|| error.to_string()))
    })?;

    let mut messages = diag::from_clang(&unit, &input.main, &request.target);
    if diag::has_error(&messages) {
        return Err(messages);
    }
    let root = unit.root();
    let mut report = Report::default();
    let tables = tables::tables(root, &mut report);
    let programs = programs::programs(root, &input.main, &mut report);
    let found = calls::uses(root, &input.main, &tables, &mut report);
    let has_license = root.children().into_iter().any(|c| {
        c.kind() == sys::CXCursor_VarDecl
            && crate::parse::section_of(c).is_some_and(|section| section == "license")
    });

    let outcome = plan::carry_out(&unit, &input, &found, &mut report);
    let own = report.messages.into_iter().map(|message| diag::with_hint(message, &request.target));
    messages.extend(own.map(|message| diag::with_source(&unit, message)));
    diag::sort(&mut messages);
    let changes = outcome.map_err(|error| internal(error.to_string()))?;
    if diag::has_error(&messages) {
        return Err(messages);
    }
    Ok(Rewritten {
        input: input::finish(input, changes.files, changes.arguments, has_license),
        maps: tables.into_iter().map(|table| table.decl).collect(),
        programs,
        events: found.events,
        warnings: messages,
        columns: changes.columns,
    })
}
