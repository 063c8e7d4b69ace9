//! Attaches hand-assembled programs to this process and its own namespaces, and reads what they
//! send. Needs root; every test leaves as many descriptors as it found.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod buffers;
#[path = "../common/mod.rs"]
mod common;
mod kprobes;
mod lifetime;
mod network;
mod prints;
mod probes;
mod support;
mod usdt;
