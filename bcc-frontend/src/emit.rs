//! Plain BPF C to an object, and the object to a `ModuleSpec`.

use crate::facts::Rewritten;
use bcc_core::compile::CompileRequest;
use bcc_core::spec::{Diagnostic, ModuleSpec};

/// Generates code for `rewritten`, lowers kernel pointer reads, optimises, and reads the object.
///
/// # Errors
/// All diagnostics, when at least one is an error.
pub fn emit(
    request: &CompileRequest,
    rewritten: &Rewritten,
) -> Result<ModuleSpec, Vec<Diagnostic>> {
    let _ = (request, rewritten);
    Err(Vec::new())
}
