//! Compiles BCC's dialect of C to BPF.
//!
//! request → [`headers`] (types and macros of the Target) → [`rewrite`] (facts from libclang, plain BPF C)
//! → [`emit`] (LLVM module, [`lower`], object) → `ModuleSpec`.

mod cflags;
pub mod clang;
mod compiler;
pub mod diag;
pub mod emit;
pub mod facts;
pub mod headers;
pub mod llvm;
pub mod lower;
pub mod parse;
pub mod rewrite;
pub mod source;

pub use compiler::Compiler;
