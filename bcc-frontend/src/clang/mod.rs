//! Safe handles over libclang: disposed on drop. The only user of `clang-sys`.
