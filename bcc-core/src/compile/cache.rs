//! Compiled modules on disk, checked before use.
