//! The files behind a process's mappings, and the vDSO.

use crate::regular;
use crate::symbol::elf::ElfFile;
use crate::symbol::place::functions_of;
use crate::symbol::source::SourceLines;
use crate::symbol::table::SymbolTable;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// A file with its functions; shared between the processes that map it.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) elf: Option<ElfFile>,
    pub(super) functions: SymbolTable,
    /// Read when first asked for.
    pub(super) lines: OnceLock<Option<Mutex<SourceLines>>>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum ImageKey {
    /// Contents.
    BuildId(Vec<u8>),
    /// Device, inode, time of change, start within the file.
    File(u64, u64, i64, i64, u64),
}

/// Images in use by any process.
fn images() -> &'static Mutex<HashMap<ImageKey, Weak<Image>>> {
    static IMAGES: OnceLock<Mutex<HashMap<ImageKey, Weak<Image>>>> = OnceLock::new();
    IMAGES.get_or_init(Mutex::default)
}

impl Image {
    /// The image of `elf`, at `path` below its process's root, from the cache or read now.
    pub(super) fn load(mut elf: ElfFile, key: Option<ImageKey>, path: &Path) -> Arc<Self> {
        let key = elf.build_id().map(ImageKey::BuildId).or(key);
        let cached = |key: &ImageKey| {
            let images = images().lock().unwrap_or_else(PoisonError::into_inner);
            images.get(key).and_then(Weak::upgrade)
        };
        if let Some(image) = key.as_ref().and_then(cached) {
            return image;
        }
        let functions = functions_of(&elf, path).unwrap_or_else(|error| {
            log::debug!("{error}");
            SymbolTable::default()
        });
        // Of the file itself nothing more is needed, and descriptors are few.
        elf.close();
        let image = Arc::new(Self { elf: Some(elf), functions, lines: OnceLock::new() });
        if let Some(key) = key {
            let mut images = images().lock().unwrap_or_else(PoisonError::into_inner);
            images.retain(|_, image| image.strong_count() > 0);
            images.insert(key, Arc::downgrade(&image));
        }
        image
    }

    pub(super) fn unreadable() -> Arc<Self> {
        Arc::new(Self { elf: None, functions: SymbolTable::default(), lines: OnceLock::new() })
    }
}

#[derive(Debug)]
pub(super) struct ModuleEntry {
    pub(super) path: String,
    /// Where the file may be opened: the mapping itself, then its path as the process sees it.
    pub(super) candidates: Vec<PathBuf>,
    pub(super) is_vdso: bool,
    /// Start and length of the member of an archive.
    pub(super) part: Option<(u64, u64)>,
    pub(super) image: Option<Arc<Image>>,
}

impl ModuleEntry {
    /// The file, if it is still there.
    pub(super) fn open(&self) -> Option<(ElfFile, ImageKey)> {
        self.candidates.iter().find_map(|candidate| {
            let file = regular::open(candidate).ok()?;
            let meta = file.metadata().ok()?;
            let (start, len) = self.part.unwrap_or((0, meta.len()));
            let elf = ElfFile::from_part(file, start, len, candidate).ok()?;
            let changed = (meta.mtime(), meta.mtime_nsec());
            let key = ImageKey::File(meta.dev(), meta.ino(), changed.0, changed.1, start);
            Some((elf, key))
        })
    }
}

/// The vDSO is in memory only; every process of a machine word has the same.
pub(super) fn vdso(pid: i32, start: u64, end: u64) -> Option<Arc<Image>> {
    use std::os::unix::fs::FileExt;
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let len = usize::try_from(end.checked_sub(start)?).ok().filter(|&len| len < 1 << 20)?;
    let mut bytes = vec![0; len];
    memory.read_exact_at(&mut bytes, start).ok()?;
    let elf = ElfFile::from_bytes(bytes, Path::new("[vdso]")).ok()?;
    Some(Image::load(elf, None, Path::new("[vdso]")))
}
