//! Real headers, read once: what clang made of them is kept where compiled modules are.
//!
//! Text in front of the user's → key (the tree, every argument, the text, clang's version) → a file of
//! clang's own format, named by the key and by the checksum of its bytes. The directory is the caller's
//! own and closed to others (`bcc_core::compile::cache::directory`), a file appears there by a rename, and
//! one whose bytes are not those of its name is removed. What clang itself finds out of date (a header
//! that changed since) fails the parse; the compile is repeated without the file then, see [`discard`].

use crate::clang::version;
use crate::llvm;
use crate::source::ClangInput;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

/// Bytes that all files may take together; the one that was used longest ago goes first.
const LIMIT: u64 = 256 << 20;

const EXTENSION: &str = "pch";

/// The precompiled form of `input`, made if there is none; `identity` are files that differ when the
/// headers do. `None` when the text does not compile, or the directory cannot be used.
pub(super) fn open(directory: &Path, input: &ClangInput, identity: &[PathBuf]) -> Option<PathBuf> {
    is_private(&fs::symlink_metadata(directory).ok()?).then_some(())?;
    let key = key(input, identity);
    if let Some(found) = find(directory, &key) {
        return Some(found);
    }
    match make(directory, &key, input) {
        Ok(path) => {
            let _kept_for_the_next = prune(directory, LIMIT, &path);
            Some(path)
        }
        Err(error) => {
            log::debug!("real headers are not precompiled: {error}");
            None
        }
    }
}

/// Removes a file that clang did not take.
pub(super) fn discard(path: &Path) {
    let _gone = fs::remove_file(path);
}

fn is_private(meta: &fs::Metadata) -> bool {
    meta.uid() == geteuid().as_raw() && meta.permissions().mode() & 0o077 == 0
}

fn key(input: &ClangInput, identity: &[PathBuf]) -> String {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    field(version().as_bytes());
    input.args.iter().for_each(|arg| field(arg.as_bytes()));
    for file in &input.files {
        field(file.path.as_bytes());
        field(&file.text);
    }
    for path in identity {
        field(&fs::read(path).unwrap_or_default());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn find(directory: &Path, key: &str) -> Option<PathBuf> {
    let begins = format!("headers-{key}-");
    for entry in fs::read_dir(directory).ok()?.flatten() {
        let name = entry.file_name();
        let sum = name.to_str().and_then(|name| name.strip_prefix(&begins));
        let Some(sum) = sum.and_then(|rest| rest.strip_suffix(".pch")) else { continue };
        let path = entry.path();
        match sum_of(&path) {
            Ok(found) if found == sum => return Some(path),
            _ => {
                log::warn!("damaged precompiled headers {}", path.display());
                discard(&path);
            }
        }
    }
    None
}

/// The checksum of a file's bytes; an error for one that others may have written. Marks the file as used.
fn sum_of(path: &Path) -> io::Result<String> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || !is_private(&meta) {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    let sum = sum(&mut file)?;
    // Only the order of removal depends on it.
    let _read_only = file.set_modified(SystemTime::now());
    Ok(sum)
}

/// Tells damaged bytes from whole ones: four lanes of multiplications, for files of tens of megabytes
/// that each compile reads. Nobody else can write to the directory, so it need not withstand attacks.
fn sum(from: &mut impl Read) -> io::Result<String> {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut lanes = [1u64, 2, 3, 4];
    let (mut buffer, mut total) = (vec![0u8; 1 << 18], 0u64);
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match from.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        total += filled as u64;
        // What is behind the end counts as zeros; the length tells such files apart.
        buffer[filled..].fill(0);
        for block in buffer[..filled.next_multiple_of(32)].chunks_exact(32) {
            for (lane, word) in lanes.iter_mut().zip(block.chunks_exact(8)) {
                let word = word.try_into().map_or(0, u64::from_le_bytes);
                *lane = (*lane ^ word).wrapping_mul(PRIME).rotate_left(29);
            }
        }
        if filled < buffer.len() {
            break;
        }
    }
    let mixed = lanes.iter().fold(total, |sum, lane| (sum ^ lane).wrapping_mul(PRIME));
    Ok(format!("{:016x}", mixed ^ (mixed >> 31)))
}

fn make(directory: &Path, key: &str, input: &ClangInput) -> io::Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    // No name of another process's or thread's; what a killed one left is old and pruned.
    let temporary = directory.join(format!("headers-{key}.{}-{next}.tmp", std::process::id()));
    let made = llvm::precompile(input, &temporary)
        .map_err(io::Error::other)
        .and_then(|()| keep(directory, key, &temporary));
    if made.is_err() {
        discard(&temporary);
    }
    made
}

fn keep(directory: &Path, key: &str, temporary: &Path) -> io::Result<PathBuf> {
    fs::set_permissions(temporary, fs::Permissions::from_mode(0o600))?;
    let sum = sum(&mut File::open(temporary)?)?;
    let path = directory.join(format!("headers-{key}-{sum}.{EXTENSION}"));
    fs::rename(temporary, &path)?;
    Ok(path)
}

/// Removes the oldest files, and such as a killed process left, until all others fit; never `but`.
fn prune(directory: &Path, limit: u64, but: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)?.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let ours = name.to_str().is_some_and(|name| {
            name.starts_with("headers-") && (name.ends_with(".pch") || name.contains(".tmp"))
        });
        let Some(meta) = entry.metadata().ok().filter(|_| ours && path != but) else { continue };
        files.push((meta.modified()?, meta.len(), path));
    }
    files.sort();
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    total += fs::metadata(but).map_or(0, |meta| meta.len());
    for (_, size, path) in files {
        if total <= limit {
            break;
        }
        fs::remove_file(path)?;
        total -= size;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    const MAIN: &str = "/virtual/include/bcc/kernel.h";

    fn input(text: &str) -> ClangInput {
        let args = ["-x", "c", "-target", "x86_64-unknown-linux-gnu"].map(str::to_owned).into();
        let files = vec![SourceFile { path: MAIN.to_owned(), text: text.into() }];
        ClangInput { main: MAIN.to_owned(), files, args }
    }

    fn private() -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        let closed = fs::Permissions::from_mode(0o700);
        fs::set_permissions(directory.path(), closed).expect("closed");
        directory
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("listed").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_second_call_finds_what_the_first_made() {
        let directory = private();
        let made = open(directory.path(), &input("struct s { int x; };\n"), &[]).expect("made");
        let meta = fs::metadata(&made).expect("there");
        assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        let again = open(directory.path(), &input("struct s { int x; };\n"), &[]).expect("found");
        assert_eq!((again, names(directory.path()).len()), (made.clone(), 1));
        assert_eq!(fs::metadata(&made).expect("there").ino(), meta.ino(), "made again");
        let other = open(directory.path(), &input("struct s { int y; };\n"), &[]).expect("made");
        assert_ne!(other, made);
    }

    #[test]
    fn the_key_knows_the_tree_and_every_argument() {
        let directory = private();
        let file = directory.path().join("autoconf.h");
        fs::write(&file, "1").expect("written");
        let one = key(&input(""), std::slice::from_ref(&file));
        fs::write(&file, "2").expect("written");
        assert_ne!(one, key(&input(""), std::slice::from_ref(&file)));
        let mut other = input("");
        other.args.push("-DX".to_owned());
        assert_ne!(key(&input(""), &[]), key(&other, &[]));
    }

    #[test]
    fn damaged_bytes_are_a_miss_and_made_again() {
        let directory = private();
        let made = open(directory.path(), &input("int a;\n"), &[]).expect("made");
        let mut bytes = fs::read(&made).expect("read");
        for damage in [bytes.len() / 2, bytes.len() - 1, 0] {
            bytes[damage] ^= 0x10;
            fs::write(&made, &bytes).expect("written");
            let again = open(directory.path(), &input("int a;\n"), &[]).expect("made again");
            assert_ne!(fs::read(&again).expect("read"), bytes);
        }
        fs::write(&made, b"").expect("cut off");
        assert!(open(directory.path(), &input("int a;\n"), &[]).is_some());
    }

    #[test]
    fn what_others_can_write_is_not_used() {
        let directory = private();
        let made = open(directory.path(), &input("int a;\n"), &[]).expect("made");
        fs::set_permissions(&made, fs::Permissions::from_mode(0o666)).expect("opened");
        assert!(sum_of(&made).is_err());
        let moved = directory.path().join("elsewhere");
        fs::rename(&made, &moved).expect("moved");
        fs::set_permissions(&moved, fs::Permissions::from_mode(0o600)).expect("closed");
        std::os::unix::fs::symlink(&moved, &made).expect("linked");
        assert!(sum_of(&made).is_err());
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("opened");
        assert_eq!(open(directory.path(), &input("int a;\n"), &[]), None);
    }

    #[test]
    fn a_text_that_does_not_compile_leaves_nothing() {
        let directory = private();
        assert_eq!(open(directory.path(), &input("struct nothing x;\n#error no\n"), &[]), None);
        assert_eq!(names(directory.path()), [""; 0]);
    }

    #[test]
    fn racing_processes_all_get_a_whole_file() {
        let directory = private();
        let compile = || open(directory.path(), &input("struct raced { long a; };\n"), &[]);
        let found: Vec<Option<PathBuf>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(compile)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        for path in found {
            let path = path.expect("made");
            let sum = sum_of(&path).expect("whole");
            assert!(path.to_string_lossy().ends_with(&format!("-{sum}.pch")));
        }
        assert!(names(directory.path()).iter().all(|name| name.ends_with(".pch")));
    }

    #[test]
    fn the_oldest_go_first() {
        let directory = private();
        let path = |n: u64| directory.path().join(format!("headers-{n}-0.pch"));
        for n in 0..4u64 {
            let file = File::create(path(n)).expect("created");
            file.set_len(100).expect("grown");
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 - n);
            file.set_modified(time).expect("dated");
        }
        prune(directory.path(), 250, &path(3)).expect("pruned");
        let left: Vec<bool> = (0..4).map(|n| path(n).exists()).collect();
        assert_eq!(left, [true, false, false, true]);
    }
}
