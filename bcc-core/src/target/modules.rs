//! Types of modules: of loaded ones, and of those whose files are on disk.
//!
//! name of a module → its split BTF, or its `.ko` → [`Index`];
//! name of a type → [`ModuleTypes`], made of all files once per kernel → names of modules.

use super::{Target, TargetError, package};
use bcc_sys::btf::{Btf, Composite, Enum, Index, Type};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

impl Target {
    /// The types of a module, from its split BTF or else from its `.ko` on disk.
    ///
    /// # Errors
    /// [`TargetError::NoBtf`] when there is neither, and as [`Target::btf`].
    pub fn module_btf(&self, name: &str, base: &Arc<Btf>) -> Result<Index, TargetError> {
        if let Some(path) = self.loaded_module(name) {
            return Ok(Index::open(&path, Some(base.clone()), None)?);
        }
        let path = self
            .module_file(name)
            .ok_or_else(|| TargetError::NoBtf { tried: format!("{name}.ko") })?;
        Ok(Index::build(Arc::new(on_disk(&path, base)?)))
    }

    /// The split BTF of a module that is loaded.
    pub fn loaded_module(&self, name: &str) -> Option<PathBuf> {
        let path = self.module_btf.as_ref()?.join(name);
        path.is_file().then_some(path)
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

    /// The file of a module on disk.
    pub fn module_file(&self, name: &str) -> Option<PathBuf> {
        let list = self.module_list();
        let is_it = |path: &&str| stem(path).is_some_and(|stem| same(stem, name));
        let path = list.lines().map(path_of).find(is_it)?;
        existing(&self.modules.as_ref()?.join(path))
    }

    /// Names of the modules on disk.
    pub fn modules_on_disk(&self) -> Vec<String> {
        self.module_list().lines().filter_map(|line| module_name(path_of(line))).collect()
    }

    /// `modules.dep`, or what a kernel's build makes before it.
    fn module_list(&self) -> String {
        let Some(directory) = &self.modules else { return String::new() };
        let list = std::fs::read_to_string(directory.join("modules.dep"));
        let list = list.or_else(|_| std::fs::read_to_string(directory.join("modules.order")));
        list.unwrap_or_default()
    }

    /// Which types all modules on disk have: read from the index cache, or else out of every file, which
    /// takes some seconds. Empty when the kernel was built without BTF of modules.
    pub fn module_types(&self, base: &Arc<Btf>) -> ModuleTypes {
        let config = self.config();
        let without = !config.is_empty() && config.get("CONFIG_DEBUG_INFO_BTF_MODULES").is_none();
        let Some(directory) = self.modules.as_deref().filter(|_| !without) else {
            return ModuleTypes::default();
        };
        let list = self.module_list();
        let key = Sha256::digest(&list).into();
        let file = self.cache_file("modules");
        if let Some(kept) = file.as_deref().and_then(|path| ModuleTypes::load(path, key)) {
            return kept;
        }
        let types = ModuleTypes::read(directory, &list, key, base);
        if let Some(path) = file {
            // A read-only or full disk must not fail a compile.
            let _unwritten = types.save(&path);
        }
        types
    }
}

/// In which module on disk a type is.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ModuleTypes {
    /// Of the list of modules.
    key: [u8; 32],
    modules: Vec<String>,
    /// Hash of a type's name and place in `modules`, sorted.
    types: Vec<(u32, u16)>,
}

impl ModuleTypes {
    /// The module that has most of the types `names`, and none of `but`; the first of several. Another
    /// name may have the same hash, so that the module's own types must be asked.
    pub fn best(&self, names: &[&str], but: &[String]) -> Option<&str> {
        let mut counts: HashMap<u16, usize> = HashMap::new();
        for name in names {
            let hash = hash(name);
            let first = self.types.partition_point(|(of, _)| *of < hash);
            for (_, module) in self.types[first..].iter().take_while(|(of, _)| *of == hash) {
                *counts.entry(*module).or_default() += 1;
            }
        }
        let name = |module: &u16| self.modules.get(usize::from(*module));
        counts.retain(|module, _| name(module).is_some_and(|name| !but.contains(name)));
        let best = counts.iter().max_by_key(|(module, count)| (**count, u16::MAX - **module));
        best.and_then(|(module, _)| name(module)).map(String::as_str)
    }

    /// How many modules were read.
    pub fn modules(&self) -> usize {
        self.modules.len()
    }

    /// Reads every file; such as have no BTF, or a damaged one, have no types.
    fn read(directory: &Path, list: &str, key: [u8; 32], base: &Arc<Btf>) -> Self {
        let paths: Vec<&str> = list.lines().map(path_of).take(usize::from(u16::MAX)).collect();
        let next = AtomicUsize::new(0);
        let some = || {
            let mut types = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let (Some(path), Ok(module)) = (paths.get(at), u16::try_from(at)) else {
                    return types;
                };
                let Some(file) = existing(&directory.join(path)) else { continue };
                let Ok(btf) = on_disk(&file, base) else { continue };
                types.extend(type_names(&btf).map(|name| (hash(name), module)));
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut types: Vec<(u32, u16)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
        });
        types.sort_unstable();
        types.dedup();
        let modules = paths.iter().map(|path| module_name(path).unwrap_or_default()).collect();
        Self { key, modules, types }
    }

    fn load(path: &Path, key: [u8; 32]) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let (checksum, body) = bytes.split_at_checked(32)?;
        let whole = Sha256::digest(body).as_slice() == checksum;
        let types: Self = postcard::from_bytes(body).ok().filter(|_| whole)?;
        (types.key == key).then_some(types)
    }

    fn save(&self, path: &Path) -> io::Result<()> {
        let body = postcard::to_stdvec(self).map_err(io::Error::other)?;
        crate::compile::cache::write(path, &[&Sha256::digest(&body), &body])
    }
}

/// Names of the structs, unions, enums and typedefs that a module does not share with the kernel.
fn type_names(btf: &Btf) -> impl Iterator<Item = &str> {
    btf.own_ids().filter_map(|id| match btf.get(id).ok()? {
        Type::Composite(Composite { name, .. })
        | Type::Enum(Enum { name, .. })
        | Type::Typedef { name, .. } => Some(name).filter(|name| !name.is_empty()),
        _ => None,
    })
}

fn on_disk(path: &Path, base: &Arc<Btf>) -> Result<Btf, TargetError> {
    Ok(Btf::parse_split(package::module_btf(path)?, base.clone())?)
}

/// FNV-1a.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A line of `modules.dep` is `PATH: DEPENDENCIES`, one of `modules.order` the path alone.
fn path_of(line: &str) -> &str {
    line.split(':').next().unwrap_or(line)
}

/// The name of a module's file without `.ko` and what is behind it.
fn stem(path: &str) -> Option<&str> {
    let file = path.rsplit('/').next()?;
    Some(file.split_once(".ko")?.0)
}

fn module_name(path: &str) -> Option<String> {
    Some(stem(path)?.replace('-', "_"))
}

/// Whether a file's stem is that of the module `name`, which has no dashes.
fn same(stem: &str, name: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte };
    stem.bytes().map(plain).eq(name.bytes())
}

/// `modules.order` names files without their compression.
fn existing(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    let forms = ["", ".xz", ".zst", ".gz"].map(|suffix| PathBuf::from(format!("{text}{suffix}")));
    forms.into_iter().find(|form| form.exists())
}
