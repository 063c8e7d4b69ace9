//! Safe handles over LLVM and the C++ shim. The only user of `llvm-sys` and the shim.
