//! The Target's types, through the index cache where there is one.

use super::{Target, TargetError};
use bcc_sys::btf::{Cache, Index};
use std::fmt::Write;
use std::path::PathBuf;

impl Target {
    /// The kernel's own types, indexed.
    ///
    /// # Errors
    /// [`TargetError::NoBtf`], or [`TargetError::Btf`] when the file is damaged.
    pub fn btf(&self) -> Result<Index, TargetError> {
        let path = self
            .vmlinux_btf
            .as_ref()
            .ok_or_else(|| TargetError::NoBtf { tried: "/sys/kernel/btf/vmlinux".to_owned() })?;
        let file = self.cache_file("btf");
        let cache = file.as_ref().map(|path| Cache { path, key: &self.build_id });
        Ok(Index::open(path, None, cache)?)
    }

    /// The file of the index cache that keeps `what` of this kernel.
    pub(super) fn cache_file(&self, what: &str) -> Option<PathBuf> {
        if self.build_id.is_empty() {
            return None;
        }
        let name = self.build_id.iter().fold(format!("{what}-"), |mut name, byte| {
            let _infallible = write!(name, "{byte:02x}");
            name
        });
        Some(self.index_cache.as_ref()?.join(name + ".index"))
    }
}
