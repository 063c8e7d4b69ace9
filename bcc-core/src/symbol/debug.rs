//! The file with the fuller symbol table: separate debug files and what is packed into the binary.

use super::elf::ElfFile;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Most that `.gnu_debugdata` may unpack to.
const MOST: u64 = 1 << 30;

/// Where debug files are looked for.
#[derive(Debug, Clone, Default)]
pub(super) struct DebugPaths {
    /// `BCC_SYMFS`: a tree with files under the same paths.
    symfs: Option<PathBuf>,
    /// `BCC_DEBUGINFO_ROOT`, else `/usr/lib/debug`.
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

    /// The debug file of `elf`, which the process knows as `path`; its addresses are the same.
    pub(super) fn find(&self, elf: &ElfFile, path: &Path) -> Option<ElfFile> {
        let id = elf.build_id();
        self.in_symfs(path, id.as_deref())
            .or_else(|| self.by_build_id(id.as_deref()?))
            .or_else(|| self.by_link(elf, path))
            .or_else(|| unpack(elf))
    }

    fn in_symfs(&self, path: &Path, id: Option<&[u8]>) -> Option<ElfFile> {
        let path = self.symfs.as_ref()?.join(path.strip_prefix("/").unwrap_or(path));
        let found = ElfFile::open(&path).ok()?;
        (id.is_none() || found.build_id().as_deref() == id).then_some(found)
    }

    fn by_build_id(&self, id: &[u8]) -> Option<ElfFile> {
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let (first, rest) = hex.split_at_checked(2)?;
        let path = self.root.join(".build-id").join(first).join(format!("{rest}.debug"));
        let found = ElfFile::open(&path).ok()?;
        found.has_full_table().then_some(found)
    }

    fn by_link(&self, elf: &ElfFile, path: &Path) -> Option<ElfFile> {
        let (name, crc) = elf.debug_link()?;
        // The name comes from the file: it may not lead elsewhere.
        if name.contains('/') || name.is_empty() {
            return None;
        }
        let directory = path.parent()?;
        let below_root = self.root.join(directory.strip_prefix("/").unwrap_or(directory));
        [directory.join(&name), directory.join(".debug").join(&name), below_root.join(&name)]
            .into_iter()
            .filter(|candidate| candidate != path)
            .find(|candidate| crc_of(candidate) == Some(crc))
            .and_then(|candidate| ElfFile::open(&candidate).ok())
    }
}

fn crc_of(path: &Path) -> Option<u32> {
    let mut file = File::open(path).ok()?;
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
fn unpack(elf: &ElfFile) -> Option<ElfFile> {
    let packed = elf.section(".gnu_debugdata").ok()??;
    let mut bytes = Vec::new();
    // 64 MiB is what xz -9 wants.
    lzma_rust2::XzReader::new_mem_limit(packed.as_slice(), true, 1 << 17)
        .take(MOST)
        .read_to_end(&mut bytes)
        .ok()?;
    ElfFile::from_bytes(bytes, elf.path()).ok()
}
