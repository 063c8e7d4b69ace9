//! Loads, attaches and reads BPF modules compiled from BCC's dialect of C.
//!
//! Data flow: [`compile::CompileRequest`] with a [`target::Target`] → a [`compile::Compiler`] (or the cache) →
//! [`spec::ModuleSpec`] → maps and programs in the kernel → links, events, values.
//! Everything up to the spec is plain data and touches no kernel; LLVM is never linked here.
//!
//! # Getting a compiler
//! [`Bpf`] starts the executable `bcc-compiler` when a text is not in the cache. It is looked for where
//! `BCC_COMPILER` says, beside the running program, and on the path. A program that would rather hold
//! the compiler itself, at the price of linking LLVM, hands one to [`BpfBuilder::compiler`].

pub mod compile;
pub mod disasm;
mod error;
pub mod events;
pub mod kernel;
pub mod link;
pub mod map;
pub mod module;
pub mod mutation;
pub mod program;
pub mod regular;
pub mod spec;
pub mod symbol;
pub mod target;
pub mod usdt;

pub use bcc_sys::SysError;
pub use error::Error;
pub use module::{Bpf, BpfBuilder, Module};
