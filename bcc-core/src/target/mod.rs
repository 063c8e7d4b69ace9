//! The kernel a module is compiled for: this machine's, another's, or a test fixture.
//!
//! The frontend reads only what a [`Target`] names and never asks the live kernel, so the same
//! source and Target give the same module.
//!
//! [`Target::running`], [`Target::from_dir`] (a snapshot that [`Target::capture`] wrote) or
//! [`Target::from_package`] → [`Target`] → its BTF, event formats, configuration, version.

mod btf;
mod build_id;
mod capture;
mod config;
mod kheaders;
mod modules;
mod package;
mod release;
mod tracefs;

pub use build_id::notes_build_id;
pub use config::Config;
pub use modules::ModuleTypes;
pub use release::{bpf_arch, version_code};
pub use tracefs::find as find_tracefs;

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Why a Target could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A file of it failed.
    #[error("failed to {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// Neither vmlinux BTF nor what it could be taken from is there.
    #[error("no BTF: tried {tried}")]
    NoBtf {
        /// Places looked at.
        tried: String,
    },
    /// A BTF file is damaged.
    #[error("bad BTF")]
    Btf(#[from] bcc_sys::btf::BtfError),
    /// A kernel image is of a kind that this library cannot unpack.
    #[error("cannot read the kernel image {path}: {reason}")]
    Image {
        /// The image.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl TargetError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}

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
    /// The kernel's own archive of its headers (`/sys/kernel/kheaders.tar.xz`).
    pub kheaders: Option<PathBuf>,
    /// Online CPUs.
    pub online_cpus: u32,
    /// Possible CPUs.
    pub possible_cpus: u32,
    /// Bytes per page.
    pub page_size: u32,
    /// Directory that may keep the index of this kernel's BTF between compiles; nothing but time
    /// depends on it.
    pub index_cache: Option<PathBuf>,
}

impl Target {
    /// The running kernel, or the snapshot that `BCC_TARGET` names.
    ///
    /// # Errors
    /// [`TargetError::Io`] when `BCC_TARGET` names something else than a snapshot.
    pub fn running() -> Result<Self, TargetError> {
        if let Some(directory) = std::env::var_os("BCC_TARGET") {
            return Self::from_dir(Path::new(&directory));
        }
        Ok(Self::live())
    }

    /// The running kernel, whatever the environment says but for `ARCH` and `BCC_KERNEL_SOURCE`.
    pub fn live() -> Self {
        let (release, machine) = release::uname();
        let exists = |path: String| Some(PathBuf::from(path)).filter(|path| path.exists());
        let modules = exists(format!("/lib/modules/{release}"));
        let config = exists("/proc/config.gz".to_owned())
            .or_else(|| exists(format!("/boot/config-{release}")))
            .or_else(|| exists(format!("/lib/modules/{release}/config")))
            .or_else(|| exists(format!("/lib/modules/{release}/build/.config")));
        Self {
            arch: std::env::var("ARCH").ok().filter(|a| !a.is_empty()).unwrap_or(machine),
            build_id: std::fs::read("/sys/kernel/notes")
                .ok()
                .and_then(|notes| notes_build_id(&notes))
                .unwrap_or_default(),
            vmlinux_btf: exists("/sys/kernel/btf/vmlinux".to_owned()),
            module_btf: exists("/sys/kernel/btf".to_owned()),
            tracefs: tracefs::find(),
            modules,
            config,
            kernel_source: std::env::var_os("BCC_KERNEL_SOURCE").map(PathBuf::from),
            kheaders: exists("/sys/kernel/kheaders.tar.xz".to_owned()),
            online_cpus: release::cpus("online"),
            possible_cpus: release::cpus("possible"),
            page_size: release::page_size(),
            index_cache: crate::compile::cache::directory(),
            release,
        }
    }

    /// `LINUX_VERSION_CODE` of this kernel, or what `BCC_LINUX_VERSION_CODE` says instead.
    pub fn version_code(&self) -> u32 {
        std::env::var("BCC_LINUX_VERSION_CODE")
            .ok()
            .and_then(|text| parse_number(&text))
            .unwrap_or_else(|| self.own_version_code())
    }

    /// Debian names a release for its ABI: what is `6.1.0-56-amd64` may be 6.1.192, as its
    /// configuration says.
    fn own_version_code(&self) -> u32 {
        let code = version_code(&self.release);
        let version = self.config.as_deref().and_then(config::heading).and_then(|c| c.version());
        match version {
            Some((major, minor, sublevel)) if code == (major << 16 | minor << 8) => {
                code | sublevel.min(255)
            }
            _ => code,
        }
    }
}

fn parse_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
