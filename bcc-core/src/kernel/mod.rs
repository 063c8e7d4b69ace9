//! What the running kernel tells of itself: symbols, CPUs, features, `trace_pipe`.

pub mod cpus;
pub mod tracefs;
