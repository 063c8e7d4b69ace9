//! Files by short names: libraries through a process's maps and `ld.so.cache`, programs through PATH.

use crate::regular;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The path of library `name`: `c`, `c.so.6`, `pthread`, without the leading `lib`.
///
/// With a process, its own mappings are asked first, then the cache below its root. A name with a slash is a path already.
pub fn find_library(name: &str, pid: Option<i32>) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    if name.contains('/') {
        return Some(PathBuf::from(name));
    }
    if let Some(pid) = pid.filter(|&pid| pid > 0) {
        let maps = std::fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
        let maps = String::from_utf8_lossy(&maps);
        // In a container the libraries are its own.
        let cache = format!("/proc/{pid}/root/etc/ld.so.cache");
        let own = || regular::read(Path::new(&cache)).ok();
        let found = in_maps(&maps, name).or_else(|| in_cache(&own()?, name));
        if found.is_some() {
            return found;
        }
    }
    let cache = std::fs::read("/etc/ld.so.cache").ok()?;
    in_cache(&cache, name)
}

/// The executable `name` of PATH; a name with a slash is a path already.
pub fn find_executable(name: &str) -> Option<PathBuf> {
    let is_executable = |path: &Path| {
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| is_executable(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|p| is_executable(p))
}

/// Whether a file name is that of library `name`: `libNAME.so…` or `libNAME-2.31.so`.
fn is_library(file: &[u8], name: &str) -> bool {
    let Some(rest) = file.strip_prefix(b"lib") else { return false };
    let Some(rest) = rest.strip_prefix(name.as_bytes()) else { return false };
    if name.contains(".so") {
        // `c.so` and `c.so.6` are the start of a whole name.
        return rest.is_empty() || rest.starts_with(b".");
    }
    if rest.starts_with(b".so") {
        return true;
    }
    // Before glibc 2.34 the files had the version in front of the suffix.
    let version = rest.strip_prefix(b"-").and_then(|rest| {
        let end = rest.windows(3).position(|window| window == b".so")?;
        Some(&rest[..end])
    });
    version.is_some_and(|v| v.iter().all(|b| b.is_ascii_digit() || *b == b'.'))
}

/// The path of library `name` among the lines of a `/proc/PID/maps`.
pub fn in_maps(maps: &str, name: &str) -> Option<PathBuf> {
    maps.lines()
        .filter_map(super::process::maps::parse_mapping)
        .filter(|mapping| mapping.executable)
        .map(|mapping| mapping.path)
        .find(|path| path.rsplit('/').next().is_some_and(|f| is_library(f.as_bytes(), name)))
        .map(PathBuf::from)
}

const OLD_MAGIC: &[u8] = b"ld.so-1.7.0\0";
const NEW_MAGIC: &[u8] = b"glibc-ld.so.cache1.1";

/// Flags of an entry for this machine's 64-bit libraries.
fn is_native(flags: u32) -> bool {
    const ELF_LIBC6: u32 = 3;
    let arch = flags & 0xff00;
    let native = match std::env::consts::ARCH {
        "x86_64" => 0x0300,
        "aarch64" => 0x0a00,
        "s390x" => 0x0400,
        "powerpc64" => 0x0500,
        "riscv64" => 0x1000,
        _ => arch,
    };
    flags & 0xff == ELF_LIBC6 && arch == native
}

/// Looks `name` up in the bytes of an `ld.so.cache`.
fn in_cache(cache: &[u8], name: &str) -> Option<PathBuf> {
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_ne_bytes(cache.get(at..at.checked_add(4)?)?.try_into().ok()?))
    };
    // An old-format table may stand in front of the new one.
    let start = if cache.starts_with(NEW_MAGIC) {
        0
    } else if cache.starts_with(OLD_MAGIC) {
        let count = word(12)? as usize;
        count.checked_mul(12)?.checked_add(16)?.checked_next_multiple_of(8)?
    } else {
        return None;
    };
    if !cache.get(start..)?.starts_with(NEW_MAGIC) {
        return None;
    }
    let count = word(start + 20)? as usize;
    let text = |offset: u32| -> Option<&[u8]> {
        let rest = cache.get(start.checked_add(offset as usize)?..)?;
        rest.split(|&byte| byte == 0).next()
    };
    (0..count).find_map(|index| {
        let at = (start + 48).checked_add(index.checked_mul(24)?)?;
        let (flags, key, value) = (word(at)?, word(at + 4)?, word(at + 8)?);
        let matches = is_native(flags) && is_library(text(key)?, name);
        matches.then(|| text(value)).flatten().map(|path| OsStr::from_bytes(path).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_names_match_whole_library_names_only() {
        for name in ["c", "c.so", "c.so.6"] {
            assert!(is_library(b"libc.so.6", name), "{name}");
        }
        assert!(is_library(b"libpthread-2.31.so", "pthread"));
        for name in ["", "ca", "c.so.7", "pthread"] {
            assert!(!is_library(b"libc.so.6", name), "{name}");
        }
        assert!(!is_library(b"libcap.so.2", "c"));
        assert!(!is_library(b"libc-client.so.2", "c"));
    }

    #[test]
    fn c_library_is_found_in_the_cache_and_in_this_process() {
        let cached = find_library("c", None).unwrap();
        let mapped = find_library("c", Some(std::process::id().cast_signed())).unwrap();
        assert_eq!(cached.canonicalize().unwrap(), mapped.canonicalize().unwrap());
        assert_eq!(find_library("no_such_library", None), None);
        assert_eq!(find_library("/a/b", None), Some("/a/b".into()));
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find_executable("sh").unwrap().ends_with("sh"));
        assert_eq!(find_executable("no-such-program-here"), None);
        assert_eq!(find_executable("/etc/passwd"), None);
    }

    proptest! {
        #[test]
        fn damaged_caches_never_panic(at in 0usize..4096, value: u8, len in 0usize..8192) {
            let mut bytes = std::fs::read("/etc/ld.so.cache").unwrap();
            bytes.truncate(len);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            in_cache(&bytes, "c");
        }
    }
}
