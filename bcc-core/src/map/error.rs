//! What can go wrong with maps.

use bcc_sys::SysError;
use nix::errno::Errno;
use std::path::PathBuf;

/// A map that could not be made or used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The kernel does not make the map.
    #[error("could not open bpf map: {map}, error: {}{hint}", source.errno.desc())]
    Create {
        /// C name.
        map: String,
        /// The kernel's answer.
        source: SysError,
        /// What privilege is missing, or empty.
        hint: String,
    },
    /// There is no such network device to offload to.
    #[error("device {device}: {}", source.errno.desc())]
    Device {
        /// The device's name.
        device: String,
        /// The kernel's answer.
        source: SysError,
    },
    /// The kernel refuses an operation.
    #[error("failed to {what} map {map}: {}{hint}", source.errno.desc())]
    Op {
        /// C name.
        map: String,
        /// What was tried.
        what: &'static str,
        /// The kernel's answer.
        source: SysError,
        /// What privilege is missing, or empty.
        hint: String,
    },
    /// A key or value of the wrong size.
    #[error("{what} of map {map} is {wanted} bytes, not {got}")]
    Size {
        /// C name.
        map: String,
        /// `key` or `value`.
        what: &'static str,
        /// Bytes the map has.
        wanted: usize,
        /// Bytes given.
        got: usize,
    },
    /// The module has no such table.
    #[error("unknown map {map}")]
    Unknown {
        /// The name asked for.
        map: String,
    },
    /// An `extern` table that no module has published.
    #[error("map {map} is extern, and no module has published it")]
    Extern {
        /// C name.
        map: String,
    },
    /// A map-in-map whose template is not a table of the module, or is one itself.
    #[error("map {map} names {inner} as its inner map, which {why}")]
    Inner {
        /// C name.
        map: String,
        /// The template's name.
        inner: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A pin that cannot be made or opened.
    #[error("failed to pin map {map} at {}: {why}", path.display())]
    Pin {
        /// C name.
        map: String,
        /// Where.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// An operation that the map's type does not have.
    #[error("map {map} is a {map_type}, not a {wanted}")]
    Type {
        /// C name.
        map: String,
        /// Its type.
        map_type: bcc_sys::bpf::MapType,
        /// What the operation is for.
        wanted: &'static str,
    },
    /// Text that is no value of the C type.
    #[error("{text:?} is no {what}")]
    Text {
        /// The text given.
        text: String,
        /// What was expected there.
        what: String,
    },
}

impl MapError {
    /// The kernel's error number, where it was the kernel that refused.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Create { source, .. } | Self::Device { source, .. } | Self::Op { source, .. } => {
                Some(source.errno)
            }
            _ => None,
        }
    }
}
