//! Compiled programs in the running kernel: they load, and return what is true. Needs root.
#![allow(clippy::unwrap_used, reason = "a failing test panics")]
#![allow(missing_docs, reason = "tests")]

mod dialect;
mod layout;
mod limits;
mod methods;
mod objects;
mod reads;
mod support;
