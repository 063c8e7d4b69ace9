//! The stages in a row.

use crate::{emit, headers, rewrite};
use bcc_core::compile::{CompileError, CompileOutput, CompileRequest};

/// The compiler in this process. It links LLVM; a text that makes clang overflow its stack ends the
/// process, so programs that take texts from others use `bcc_core`'s child compiler.
#[derive(Debug, Default, Clone, Copy)]
pub struct Compiler;

impl bcc_core::compile::Compiler for Compiler {
    fn compile(&self, request: &CompileRequest) -> Result<CompileOutput, CompileError> {
        let built = headers::build(request, &[])?;
        let failed = |diagnostics| CompileError::Diagnostics { diagnostics };
        let rewritten = rewrite::rewrite(request, built.input).map_err(failed)?;
        let spec = emit::emit(request, &rewritten).map_err(failed)?;
        Ok(CompileOutput { spec, inputs: built.inputs, cacheable: true })
    }

    fn id(&self) -> Result<Vec<u8>, CompileError> {
        Ok(Vec::new())
    }
}
