//! The one table from the library's errors to Python's exceptions.

use bcc_core::compile::CompileError as CoreCompileError;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(bcc, BPFError, PyException, "Any failure of this library.");
create_exception!(
    bcc,
    CompileError,
    BPFError,
    "The text did not compile; `.diagnostics` lists what the compiler said."
);
create_exception!(
    bcc,
    LoadError,
    BPFError,
    "The kernel refused a program; `.log` is the verifier's, `.errno` the system's answer."
);
create_exception!(bcc, AttachError, BPFError, "A program could not be attached.");
create_exception!(bcc, MapError, BPFError, "A map operation failed.");
create_exception!(bcc, SymbolError, BPFError, "A symbol or binary could not be read.");
create_exception!(bcc, EventError, BPFError, "A perf or ring buffer failed.");
create_exception!(bcc, USDTException, BPFError, "A USDT probe could not be found or enabled.");

/// `CompileError` for a failed compile of `name`, the compiler's messages after upstream's words.
pub(crate) fn compile_error(py: Python<'_>, name: &str, error: &CoreCompileError) -> PyErr {
    let made = CompileError::new_err(format!("Failed to compile BPF module {name}\n{error}"));
    let diagnostics: Vec<_> = match error {
        CoreCompileError::Diagnostics { diagnostics } => diagnostics
            .iter()
            .map(|d| {
                (
                    d.severity.to_string(),
                    d.file.clone(),
                    d.line,
                    d.column,
                    d.message.clone(),
                    d.hint.clone(),
                )
            })
            .collect(),
        _ => Vec::new(),
    };
    // Attributes of an exception instance are an ordinary dict: this fails only without memory.
    let _set = made.value(py).setattr("diagnostics", diagnostics);
    made
}
