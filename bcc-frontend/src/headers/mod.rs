//! Types, macros and inlines of the Target, so that no kernel headers are needed.
//!
//! request + Target → virtual files and clang arguments.

use crate::source::ClangInput;
use bcc_core::compile::{CompileError, CompileRequest, Inputs};

/// What the first stage hands on.
#[derive(Debug, Default)]
pub struct Headers {
    /// Main text, generated types, embedded `headers/`, and the arguments that name them.
    pub input: ClangInput,
    /// What was read besides the request.
    pub inputs: Inputs,
}

/// Builds the virtual tree for one request. `missing` are names that a first parse did not find
/// (undeclared, incomplete): they are added to the closure's roots.
///
/// # Errors
/// [`CompileError::Target`] when the Target has neither BTF nor headers.
pub fn build(request: &CompileRequest, missing: &[String]) -> Result<Headers, CompileError> {
    let _ = (request, missing);
    Err(CompileError::Target { message: "headers are not built yet".to_owned() })
}
