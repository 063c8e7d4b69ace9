//! Compiled modules on disk, checked before use.
//!
//! request → key → entry {compiler, what it read, spec, checksum}. An entry whose inputs changed, that
//! another compiler made, or that is damaged is a miss. Root loads what is in here into the kernel: a
//! directory that others can write to is not used.

mod key;

use super::{CompileError, CompileOutput, CompileRequest, Compiler, Inputs};
use crate::spec::ModuleSpec;
use key::{digest, key};
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

/// Bytes that entries may take together; the oldest go first.
const LIMIT: u64 = 64 << 20;

/// Length of the checksum in front of an entry.
const CHECKSUM: usize = 32;

/// Compiles `request`, or takes the module from the cache when nothing it depends on has changed.
///
/// # Errors
/// Those of [`Compiler::compile`]. A cache that cannot be used is no error.
pub fn compile(
    request: &CompileRequest,
    compiler: &dyn Compiler,
) -> Result<ModuleSpec, CompileError> {
    let cache = Cache::open();
    let id = compiler.id();
    if let Some(spec) = cache.as_ref().and_then(|cache| cache.get(request, id.as_deref().ok())) {
        return Ok(spec);
    }
    let output = compiler.compile(request)?;
    if let (Some(cache), Ok(id)) = (&cache, &id)
        && let Err(e) = cache.put(request, id, &output)
    {
        log::warn!("failed to write to the compile cache {}: {e}", cache.directory.display());
    }
    Ok(output.spec)
}

/// The cache directory, created if need be: `$BCC_CACHE_DIR`, `/var/cache/bcc` for root,
/// `$XDG_CACHE_HOME/bcc` or `~/.cache/bcc` else. `None` when `BCC_CACHE=0`, or when it is not a
/// directory of the caller's own that nobody else can enter.
pub fn directory() -> Option<PathBuf> {
    if std::env::var_os("BCC_CACHE").is_some_and(|value| value == "0") {
        return None;
    }
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let directory = set("BCC_CACHE_DIR").or_else(|| {
        if geteuid().is_root() {
            return Some("/var/cache/bcc".into());
        }
        let home = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
        home.map(|home| home.join("bcc"))
    })?;
    safe(&directory).then_some(directory)
}

fn safe(directory: &Path) -> bool {
    if let Err(e) = DirBuilder::new().recursive(true).mode(0o700).create(directory) {
        log::debug!("no compile cache: {}: {e}", directory.display());
        return false;
    }
    let ours = fs::symlink_metadata(directory).is_ok_and(|meta| {
        meta.is_dir() && meta.uid() == geteuid().as_raw() && meta.mode() & 0o077 == 0
    });
    if !ours {
        log::warn!("compile cache {} is not private to its owner: not used", directory.display());
    }
    ours
}

/// An open cache directory.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    compiler: Vec<u8>,
    inputs: Inputs,
    digest: [u8; 32],
    spec: ModuleSpec,
}

impl Cache {
    /// The cache in [`directory`].
    pub fn open() -> Option<Self> {
        directory().map(|directory| Self { directory })
    }

    /// The module compiled earlier from the same request, if all it read is unchanged. `compiler` is
    /// the identity of the compiler at hand; without one, any compiler's entry will do.
    pub fn get(&self, request: &CompileRequest, compiler: Option<&[u8]>) -> Option<ModuleSpec> {
        let path = self.path(request)?;
        let (mut file, bytes) = read(&path).ok()?;
        let (checksum, body) = bytes.split_at_checked(CHECKSUM)?;
        if Sha256::digest(body).as_slice() != checksum {
            log::warn!("damaged compile cache entry {}", path.display());
            return None;
        }
        let entry: Entry = postcard::from_bytes(body).ok()?;
        let same_compiler = compiler.is_none_or(|id| entry.compiler == id);
        if !same_compiler || digest(&entry.inputs, &request.target)? != entry.digest {
            return None;
        }
        // The time of last use decides what goes first. A read-only cache keeps its order.
        drop(file.set_modified(SystemTime::now()));
        file.flush().ok()?;
        Some(entry.spec)
    }

    /// Keeps `output` for the next time.
    ///
    /// # Errors
    /// When the entry cannot be written; nothing is left behind then.
    pub fn put(
        &self,
        request: &CompileRequest,
        compiler: &[u8],
        output: &CompileOutput,
    ) -> io::Result<()> {
        let (Some(path), true) = (self.path(request), output.cacheable) else { return Ok(()) };
        let Some(digest) = digest(&output.inputs, &request.target) else { return Ok(()) };
        let entry = Entry {
            compiler: compiler.to_vec(),
            inputs: output.inputs.clone(),
            digest,
            spec: output.spec.clone(),
        };
        let body = postcard::to_stdvec(&entry).map_err(io::Error::other)?;
        let checksum = Sha256::digest(&body);
        write(&path, &[&checksum, &body])?;
        self.prune()
    }

    /// Where the entry of `request` is. `None` when the kernel cannot be told from another.
    fn path(&self, request: &CompileRequest) -> Option<PathBuf> {
        if request.target.build_id.is_empty() {
            return None;
        }
        let mut name = hex(&key(request));
        name.push_str(".module");
        Some(self.directory.join(name))
    }

    fn prune(&self) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(&self.directory)?
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "module"))
            .filter_map(|entry| {
                let meta = entry.metadata().ok()?;
                Some((meta.modified().ok()?, meta.len(), entry.path()))
            })
            .collect();
        let mut total: u64 = entries.iter().map(|entry| entry.1).sum();
        entries.sort();
        for (_, size, path) in entries {
            if total <= LIMIT {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file of the cache, and its bytes.
pub(crate) fn read(path: &Path) -> io::Result<(File, Vec<u8>)> {
    let mut file =
        OpenOptions::new().read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((file, bytes))
}

/// Writes a file as a whole or not at all.
pub(crate) fn write(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{next}.tmp", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(&temporary)
        .and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // What is left of a failed write; the first error is the one to tell.
        drop(fs::remove_file(&temporary));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn request() -> CompileRequest {
        let mut request = CompileRequest { text: b"int x;".to_vec(), ..CompileRequest::default() };
        request.file = super::super::MAIN_FILE.to_owned();
        request.target.build_id = vec![1, 2, 3];
        request
    }

    fn cache() -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache { directory: directory.path().to_owned() };
        (directory, cache)
    }

    fn output() -> CompileOutput {
        let mut output = CompileOutput { cacheable: true, ..CompileOutput::default() };
        output.spec.license = "GPL".to_owned();
        output
    }

    #[test]
    fn what_was_put_is_got() {
        let (_guard, cache) = cache();
        cache.put(&request(), b"cc", &output()).unwrap();
        assert_eq!(cache.get(&request(), Some(b"cc")), Some(output().spec));
        assert_eq!(cache.get(&request(), None), Some(output().spec));
    }

    #[test]
    fn another_compiler_text_flag_or_kernel_misses() {
        let (_guard, cache) = cache();
        cache.put(&request(), b"cc", &output()).unwrap();
        assert!(cache.get(&request(), Some(b"other")).is_none());
        let change = |f: &dyn Fn(&mut CompileRequest)| {
            let mut request = request();
            f(&mut request);
            cache.get(&request, Some(b"cc"))
        };
        assert!(change(&|r| r.text.push(b' ')).is_none());
        assert!(change(&|r| r.cflags.push("-DX".into())).is_none());
        assert!(change(&|r| r.by_helper = true).is_none());
        assert!(change(&|r| r.target.build_id[0] = 9).is_none());
        assert!(change(&|r| r.target.release.push('1')).is_none());
        assert!(change(&|r| r.cwd = "/elsewhere".into()).is_some());
    }

    #[test]
    fn another_number_of_cpus_misses_only_when_they_were_counted() {
        for counted in [false, true] {
            let (_guard, cache) = cache();
            let (few, mut many) = (request(), request());
            many.target.online_cpus = 64;
            many.target.possible_cpus = 64;
            let mut output = output();
            output.inputs.cpus = counted;
            cache.put(&few, b"cc", &output).unwrap();
            assert!(cache.get(&few, None).is_some());
            assert_eq!(cache.get(&many, None).is_none(), counted);
        }
    }

    #[test]
    fn a_changed_or_new_user_file_misses() {
        let (guard, cache) = cache();
        let header = guard.path().join("x.h");
        let absent = guard.path().join("y.h");
        fs::write(&header, "1").unwrap();
        let mut output = output();
        output.inputs.files = vec![header.clone()];
        output.inputs.absent = vec![absent.clone()];
        cache.put(&request(), b"cc", &output).unwrap();
        assert!(cache.get(&request(), Some(b"cc")).is_some());
        fs::write(&absent, "").unwrap();
        assert!(cache.get(&request(), Some(b"cc")).is_none());
        fs::remove_file(&absent).unwrap();
        fs::write(&header, "2").unwrap();
        assert!(cache.get(&request(), Some(b"cc")).is_none());
    }

    #[test]
    fn a_damaged_entry_is_a_miss() {
        let (_guard, cache) = cache();
        cache.put(&request(), b"cc", &output()).unwrap();
        let path = cache.path(&request()).unwrap();
        let good = fs::read(&path).unwrap();
        for cut in [0, 10, 31, 33, good.len() - 1] {
            fs::write(&path, &good[..cut]).unwrap();
            assert!(cache.get(&request(), None).is_none());
        }
        let mut bad = good;
        *bad.last_mut().unwrap() ^= 1;
        fs::write(&path, bad).unwrap();
        assert!(cache.get(&request(), None).is_none());
    }

    #[test]
    fn a_directory_others_can_enter_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cache");
        assert!(safe(&path));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!safe(&path));
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        assert!(!safe(&link));
    }

    #[test]
    fn the_oldest_entries_go_when_the_cache_is_full() {
        let (_guard, cache) = cache();
        let old = cache.directory.join("old.module");
        let file = File::create(&old).unwrap();
        file.set_len(LIMIT).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        cache.put(&request(), b"cc", &output()).unwrap();
        assert!(!old.exists());
        assert!(cache.get(&request(), None).is_some());
    }
}
