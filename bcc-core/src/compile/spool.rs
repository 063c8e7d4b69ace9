//! Compiles handed to another machine through a shared directory.
