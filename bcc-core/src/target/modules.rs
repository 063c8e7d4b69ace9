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

    /// `modules.dep`, or what a kernel's build makes before it, or else what files there are: packages
    /// need have neither list before they are installed.
    fn module_list(&self) -> String {
        let Some(directory) = &self.modules else { return String::new() };
        let list = std::fs::read_to_string(directory.join("modules.dep"));
        let list = list.or_else(|_| std::fs::read_to_string(directory.join("modules.order")));
        list.unwrap_or_else(|_| {
            let mut paths = Vec::new();
            walk(directory, Path::new("kernel"), &mut paths);
            paths.sort();
            paths.join("\n")
        })
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

/// Paths of the modules below `root`, relative to it.
fn walk(root: &Path, below: &Path, paths: &mut Vec<String>) {
    for entry in std::fs::read_dir(root.join(below)).into_iter().flatten().flatten() {
        let path = below.join(entry.file_name());
        let text = path.to_string_lossy();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(root, &path, paths);
        } else if stem(&text).is_some() {
            paths.push(text.into_owned());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// BTF of structs without members: names behind a string table that `before` bytes precede.
    fn structs(names: &[&str], before: usize) -> Vec<u8> {
        let word = |n: usize| u32::try_from(n).expect("small");
        let (mut strings, mut types) = (vec![0], Vec::new());
        for name in names {
            let at = word(before + strings.len());
            types.extend([at, 4 << 24, 0].map(u32::to_ne_bytes).concat());
            strings.extend(name.bytes().chain([0]));
        }
        let len = word(types.len());
        let head = [24, 0, len, len, word(strings.len())].map(u32::to_ne_bytes).concat();
        [&[0x9f, 0xeb, 1, 0], &head[..], &types, &strings].concat()
    }

    struct Place {
        directory: tempfile::TempDir,
        base: Arc<Btf>,
    }

    impl Place {
        fn new() -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            let base = Arc::new(Btf::parse(structs(&["of_kernel"], 0)).expect("BTF"));
            std::fs::create_dir_all(directory.path().join("kernel/fs")).expect("created");
            Self { directory, base }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn run(&self, words: &[&str]) {
            let mut command = Command::new(words[0]);
            let status = command.args(&words[1..]).current_dir(self.directory.path()).status();
            assert!(status.expect("it is there").success(), "{words:?}");
        }

        /// `kernel/fs/NAME.ko` with these structs, and its section `extra`.
        fn module(&self, name: &str, names: &[&str], extra: Option<&str>) {
            let strings = "of_kernel".len() + 2;
            std::fs::write(self.path("btf"), structs(names, strings)).expect("written");
            let file = format!("kernel/fs/{name}.ko");
            self.run(&["cc", "-c", "-x", "c", "/dev/null", "-o", &file]);
            for section in [".BTF"].into_iter().chain(extra) {
                self.run(&["objcopy", "--add-section", &format!("{section}=btf"), &file]);
            }
        }

        fn target(&self) -> Target {
            Target {
                build_id: vec![7; 20],
                modules: Some(self.directory.path().to_owned()),
                index_cache: Some(self.directory.path().to_owned()),
                ..Target::default()
            }
        }

        fn best(&self, names: &[&str]) -> Option<String> {
            let types = self.target().module_types(&self.base);
            types.best(names, &[]).map(str::to_owned)
        }
    }

    #[test]
    fn the_module_that_has_most_of_the_types_is_found_packed_or_not() {
        let place = Place::new();
        place.module("a-file", &["first", "both"], None);
        place.module("packed", &["second", "third", "both"], None);
        place.run(&["xz", "kernel/fs/packed.ko"]);
        assert_eq!(place.target().modules_on_disk(), ["a_file", "packed"]);
        assert_eq!(place.best(&["first"]).as_deref(), Some("a_file"));
        assert_eq!(place.best(&["both"]).as_deref(), Some("a_file"));
        assert_eq!(place.best(&["both", "third"]).as_deref(), Some("packed"));
        assert_eq!(place.best(&["of_kernel"]), None);
        let types = place.target().module_types(&place.base);
        assert_eq!(types.best(&["both"], &["a_file".to_owned()]), Some("packed"));
        let index = place.target().module_btf("packed", &place.base).expect("its types");
        assert!(index.composite("third").is_some() && index.composite("first").is_none());
    }

    #[test]
    fn the_index_is_kept_until_the_list_of_modules_changes_and_a_damaged_one_is_made_anew() {
        let place = Place::new();
        place.module("one", &["early"], None);
        std::fs::write(place.path("modules.dep"), "kernel/fs/one.ko:\n").expect("written");
        assert_eq!(place.best(&["early"]).as_deref(), Some("one"));
        // The list is the same, so no file is read.
        place.module("one", &["late"], None);
        assert_eq!(place.best(&["late"]), None);
        let kept = place.target().cache_file("modules").expect("a place");
        let mut bytes = std::fs::read(&kept).expect("kept");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&kept, &bytes).expect("written");
        assert_eq!(place.best(&["late"]).as_deref(), Some("one"));
        place.module("two", &["more"], None);
        let both = "kernel/fs/one.ko:\nkernel/fs/two.ko: kernel/fs/one.ko\n";
        std::fs::write(place.path("modules.dep"), both).expect("written");
        assert_eq!(place.best(&["more"]).as_deref(), Some("two"));
    }

    #[test]
    fn files_without_types_or_with_ids_of_another_kernel_are_passed_over() {
        let place = Place::new();
        place.module("apart", &["foreign"], Some(".BTF.base"));
        std::fs::write(place.path("kernel/fs/torn.ko.xz"), "no archive").expect("written");
        std::fs::write(place.path("kernel/fs/none.ko"), "\x7fELF").expect("written");
        place.module("whole", &["own"], None);
        assert_eq!(place.best(&["foreign"]), None);
        assert_eq!(place.best(&["own"]).as_deref(), Some("whole"));
        assert!(place.target().module_btf("apart", &place.base).is_err());
        std::fs::write(place.path("config"), "CONFIG_DEBUG_INFO_BTF=y\n").expect("written");
        let target = Target { config: Some(place.path("config")), ..place.target() };
        assert_eq!(target.module_types(&place.base).modules(), 0);
    }
}
