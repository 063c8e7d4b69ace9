//! A compiled module in the kernel: create maps, relocate, load on demand, attach by name.
