//! Maps: bytes in, bytes out; typed and per-CPU views over them.
