//! The file with the fuller symbol table: separate debug files and what is packed into the binary.

use super::compressed::{self, Packing};
use super::elf::ElfFile;
use crate::regular;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Most that `.gnu_debugdata` may unpack to.
const MOST: u64 = 1 << 30;

/// A file by the path that its process knows, and where that process's root is for us.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) root: &'a Path,
    pub(super) path: &'a Path,
}

impl<'a> Known<'a> {
    /// What `/proc/PID/root/…` says of both; other paths are below our own root.
    pub(super) fn of(path: &'a Path) -> Self {
        let root = path.ancestors().find(|root| root.components().count() == 4);
        let is_root = |root: &&Path| root.starts_with("/proc") && root.ends_with("root");
        match root.filter(is_root) {
            Some(root) => Self { root, path: path.strip_prefix(root).unwrap_or(path) },
            None => Self { root: Path::new("/"), path },
        }
    }

    /// A path of the process's, as we can open it.
    fn open_path(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// Where debug files are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct DebugPaths {
    /// `BCC_SYMFS`: a tree with files under the same paths.
    symfs: Option<PathBuf>,
    /// `BCC_DEBUGINFO_ROOT`, else `/usr/lib/debug`; below the process's root and below ours.
    root: PathBuf,
}

impl DebugPaths {
    pub(super) fn from_env() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            symfs: set("BCC_SYMFS").map(PathBuf::from),
            root: set("BCC_DEBUGINFO_ROOT").map_or_else(|| "/usr/lib/debug".into(), PathBuf::from),
        }
    }

    /// `BCC_SYMFS`.
    pub(super) fn symfs(&self) -> Option<&Path> {
        self.symfs.as_deref()
    }

    /// The debug file of `elf`; its addresses are the same.
    pub(super) fn find(&self, elf: &ElfFile, known: Known<'_>) -> Option<ElfFile> {
        let id = elf.build_id();
        self.in_symfs(known.path, id.as_deref())
            .or_else(|| self.by_build_id(id.as_deref()?, known))
            .or_else(|| self.by_link(elf, known))
            .or_else(|| unpack(elf))
    }

    /// The file with the DWARF of `elf`.
    pub(super) fn find_lines(&self, elf: &ElfFile, known: Known<'_>) -> Option<ElfFile> {
        let id = elf.build_id();
        let usable = |found: Option<ElfFile>| found.filter(ElfFile::has_lines);
        usable(self.in_symfs(known.path, id.as_deref()))
            .or_else(|| usable(self.by_build_id(id.as_deref()?, known)))
            .or_else(|| usable(self.by_link(elf, known)))
    }

    /// The file with DWARF that several debug files share (`.gnu_debugaltlink`, made by `dwz`).
    pub(super) fn find_shared(&self, elf: &ElfFile) -> Option<ElfFile> {
        let link = elf.section(".gnu_debugaltlink").ok()??;
        let end = link.iter().position(|&byte| byte == 0)?;
        let (name, id) = (std::str::from_utf8(&link[..end]).ok()?, link.get(end + 1..)?);
        let beside = elf.path().parent()?.join(name);
        let found =
            ElfFile::open(&beside).ok().filter(|found| found.build_id().as_deref() == Some(id));
        found.or_else(|| ElfFile::open(&self.build_id_path(id)?).ok())
    }

    fn build_id_path(&self, id: &[u8]) -> Option<PathBuf> {
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let (first, rest) = hex.split_at_checked(2)?;
        Some(self.root.join(".build-id").join(first).join(format!("{rest}.debug")))
    }

    fn in_symfs(&self, path: &Path, id: Option<&[u8]>) -> Option<ElfFile> {
        let path = self.symfs.as_ref()?.join(path.strip_prefix("/").unwrap_or(path));
        let found = ElfFile::open(&path).ok()?;
        (id.is_none() || found.build_id().as_deref() == id).then_some(found)
    }

    fn by_build_id(&self, id: &[u8], known: Known<'_>) -> Option<ElfFile> {
        let path = self.build_id_path(id)?;
        let mut candidates = [known.open_path(&path), path].into_iter();
        candidates.find_map(|path| ElfFile::open(&path).ok().filter(ElfFile::has_full_table))
    }

    fn by_link(&self, elf: &ElfFile, known: Known<'_>) -> Option<ElfFile> {
        let (name, crc) = elf.debug_link()?;
        // The name comes from the file: it may not lead elsewhere.
        if name.contains('/') || name.is_empty() {
            return None;
        }
        let directory = known.path.parent()?;
        let below_root = self.root.join(directory.strip_prefix("/").unwrap_or(directory));
        let own = [directory.join(&name), directory.join(".debug").join(&name)];
        own.iter()
            .map(|path| known.open_path(path))
            .chain([known.open_path(&below_root.join(&name)), below_root.join(&name)])
            .filter(|candidate| *candidate != known.open_path(known.path))
            .find(|candidate| crc_of(candidate) == Some(crc))
            .and_then(|candidate| ElfFile::open(&candidate).ok())
    }
}

fn crc_of(path: &Path) -> Option<u32> {
    let mut file = regular::open(path).ok()?;
    let mut crc = flate2::Crc::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Some(crc.sum()),
            Ok(len) => crc.update(&buffer[..len]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// `.gnu_debugdata`: an ELF file of symbols only, xz-compressed.
pub(super) fn unpack(elf: &ElfFile) -> Option<ElfFile> {
    let packed = elf.section(".gnu_debugdata").ok()??;
    let bytes = compressed::unpack(Packing::Xz, &packed, MOST).ok()?;
    ElfFile::from_bytes(bytes, elf.path()).ok()
}
