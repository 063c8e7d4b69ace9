//! The native half of the `bcc` Python package: exports only.

mod error;
mod trace;

use pyo3::prelude::*;

/// What `bcc`'s Python modules are made of; no name here is public API.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::error::{
        AttachError, BPFError, CompileError, EventError, LoadError, MapError, SymbolError,
        USDTException,
    };
    #[pymodule_export]
    use super::trace::parse_trace_line;
}
