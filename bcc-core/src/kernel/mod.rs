//! What the running kernel tells of itself: symbols, CPUs, features, `trace_pipe`.

pub mod cpus;
pub mod features;
pub mod functions;
pub mod kallsyms;
pub mod syscalls;
pub mod tracefs;
pub mod tracepipe;
