//! The compiler in a process of its own.
