//! Mapped memory that the kernel writes.
