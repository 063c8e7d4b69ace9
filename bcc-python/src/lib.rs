//! The native half of the `bcc` Python package.
