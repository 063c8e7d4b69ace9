//! Loads, attaches and reads BPF modules compiled from BCC's dialect of C.
//!
//! Data flow: [`compile::Source`] + [`target::Target`] → a [`compile::Compiler`] (or the cache) →
//! [`spec::ModuleSpec`] → maps and programs in the kernel → links, events, values.
//! Everything up to the spec is plain data and touches no kernel; LLVM is never linked here.

pub mod compile;
pub mod disasm;
mod error;
pub mod events;
pub mod kernel;
pub mod link;
pub mod map;
pub mod module;
pub mod program;
pub mod spec;
pub mod symbol;
pub mod target;
pub mod usdt;

pub use error::Error;
pub use module::{Bpf, BpfBuilder, Module};
