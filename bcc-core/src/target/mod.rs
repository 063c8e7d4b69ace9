//! The kernel a module is compiled for: this machine's, another's, or a test fixture.
//!
//! The frontend reads only what a [`Target`] names and never asks the live kernel, so the same
//! source and Target give the same module.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where to find everything a compile may know of a kernel. Plain data: it can be sent to another
/// process, and opened there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Target {
    /// `uname -r`.
    pub release: String,
    /// `uname -m`: `x86_64`, `aarch64`, …
    pub arch: String,
    /// The kernel's `NT_GNU_BUILD_ID`; empty when unknown (nothing is cached then).
    pub build_id: Vec<u8>,
    /// vmlinux BTF, or `None` when the kernel has none.
    pub vmlinux_btf: Option<PathBuf>,
    /// Directory with one split BTF file per loaded module.
    pub module_btf: Option<PathBuf>,
    /// `lib/modules/RELEASE`: modules on disk, `build`, `config`.
    pub modules: Option<PathBuf>,
    /// tracefs root, or a copy of its `events/*/*/format` tree.
    pub tracefs: Option<PathBuf>,
    /// Kernel configuration, plain or gzip.
    pub config: Option<PathBuf>,
    /// Real kernel headers, when the user named them (`BCC_KERNEL_SOURCE`).
    pub kernel_source: Option<PathBuf>,
    /// Online CPUs.
    pub online_cpus: u32,
    /// Possible CPUs.
    pub possible_cpus: u32,
    /// Bytes per page.
    pub page_size: u32,
}
