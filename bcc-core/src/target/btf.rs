//! The Target's types, through the index cache where there is one.

use super::{Target, TargetError};
use bcc_sys::btf::{Btf, Cache, Index};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
        let file = self.index_file();
        let cache = file.as_ref().map(|path| Cache { path, key: &self.build_id });
        Ok(Index::open(path, None, cache)?)
    }

    fn index_file(&self) -> Option<PathBuf> {
        if self.build_id.is_empty() {
            return None;
        }
        let name = self.build_id.iter().fold(String::from("btf-"), |mut name, byte| {
            let _infallible = write!(name, "{byte:02x}");
            name
        });
        Some(self.index_cache.as_ref()?.join(name + ".index"))
    }

    /// The types of a module, from its split BTF or else from its `.ko` on disk.
    ///
    /// # Errors
    /// [`TargetError::NoBtf`] when there is neither, and as [`Target::btf`].
    pub fn module_btf(&self, name: &str, base: &Arc<Btf>) -> Result<Index, TargetError> {
        let loaded = self.module_btf.as_ref().map(|directory| directory.join(name));
        if let Some(path) = loaded.filter(|path| path.is_file()) {
            return Ok(Index::open(&path, Some(base.clone()), None)?);
        }
        let on_disk = self.module_files().into_iter().find(|(module, _)| module == name);
        let (_, path) =
            on_disk.ok_or_else(|| TargetError::NoBtf { tried: format!("{name}.ko") })?;
        let blob = super::package::module_btf(&path)?;
        Ok(Index::build(Arc::new(Btf::parse_split(blob, base.clone())?)))
    }

    /// Names of the modules whose split BTF is at hand without unpacking anything.
    pub fn loaded_modules(&self) -> Vec<String> {
        let Some(entries) = self.module_btf.as_ref().and_then(|d| std::fs::read_dir(d).ok()) else {
            return Vec::new();
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name != "vmlinux").collect();
        names.sort();
        names
    }

    /// Names and files of the modules on disk, by `modules.dep`.
    pub fn module_files(&self) -> Vec<(String, PathBuf)> {
        let Some(directory) = &self.modules else { return Vec::new() };
        let list = std::fs::read_to_string(directory.join("modules.dep"));
        let list = list.or_else(|_| std::fs::read_to_string(directory.join("modules.order")));
        let text = list.unwrap_or_default();
        let paths = text.lines().map(|line| line.split(':').next().unwrap_or(line));
        paths
            .filter_map(|path| Some((module_name(path)?, existing(&directory.join(path))?)))
            .collect()
    }
}

fn module_name(path: &str) -> Option<String> {
    let file = Path::new(path).file_name()?.to_str()?;
    Some(file.split_once(".ko")?.0.replace('-', "_"))
}

/// `modules.order` names files without their compression.
fn existing(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    let forms = ["", ".xz", ".zst", ".gz"].map(|suffix| PathBuf::from(format!("{text}{suffix}")));
    forms.into_iter().find(|form| form.exists())
}
