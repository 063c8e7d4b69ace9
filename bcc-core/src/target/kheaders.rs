//! The kernel's own archive of its headers (`CONFIG_IKHEADERS`), unpacked where only the caller can write.
//!
//! Unpacking into a directory that others can create first let them choose what root compiles
//! (CVE-2024-2314): here it must be new, or the caller's own and closed to others.

use super::{Target, TargetError, package};
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

/// Bytes of a tar header and of its units.
const BLOCK: usize = 512;

impl Target {
    /// The directory with the headers of [`Target::kheaders`], unpacked on the first call.
    ///
    /// # Errors
    /// [`TargetError::Io`] when there is no archive, no private place for its files, or it is damaged.
    pub fn unpacked_kheaders(&self) -> Result<PathBuf, TargetError> {
        let nothing = || io::Error::new(io::ErrorKind::NotFound, "this Target has none");
        let private =
            || io::Error::new(io::ErrorKind::PermissionDenied, "no private cache directory");
        let Some(archive) = &self.kheaders else {
            return Err(TargetError::io("unpack", Path::new("kheaders.tar.xz"))(nothing()));
        };
        let failed = TargetError::io("unpack", archive);
        let cache = self.index_cache.clone().or_else(crate::compile::cache::directory);
        let Some(cache) = cache else { return Err(failed(private())) };
        let id: String = self.build_id.iter().map(|byte| format!("{byte:02x}")).collect();
        // The release is for people; the build-id tells builds apart.
        let name = format!("kheaders-{}-{id}", self.release.replace('/', "_"));
        let directory = cache.join(name);
        unpack_once(archive, &directory).map_err(failed)?;
        Ok(directory)
    }
}

/// Whether `path` is a directory, no link, of the caller's own and closed to all others.
fn is_private(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(meta) => {
            let ours = meta.uid() == geteuid().as_raw() && meta.mode() & 0o077 == 0;
            if meta.is_dir() && ours {
                return Ok(true);
            }
            let why = format!("{} is not private to its owner", path.display());
            Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn unpack_once(archive: &Path, directory: &Path) -> io::Result<()> {
    if is_private(directory)? {
        return Ok(());
    }
    let parent = directory.parent().unwrap_or(Path::new("/"));
    if !is_private(parent)? {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the cache directory is gone"));
    }
    let bytes = fs::read(archive)?;
    let tar = package::unpack(bytes, archive).map_err(io::Error::other)?;
    let temporary = directory.with_extension(format!("new-{}", std::process::id()));
    let _absent = fs::remove_dir_all(&temporary);
    DirBuilder::new().mode(0o700).create(&temporary)?;
    let done = extract(&tar, &temporary).and_then(|()| fs::rename(&temporary, directory));
    if let Err(error) = done {
        let _gone = fs::remove_dir_all(&temporary);
        // Another process may have been first.
        return if is_private(directory)? { Ok(()) } else { Err(error) };
    }
    Ok(())
}

/// Writes the directories and plain files of a tar archive below `root`; other kinds are left out.
fn extract(tar: &[u8], root: &Path) -> io::Result<()> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the archive is damaged");
    let (mut at, mut long_name, mut entries) = (0usize, None::<Vec<u8>>, 0u32);
    while let Some(header) = tar.get(at..at + BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let size = octal(&header[124..136]).ok_or_else(damaged)?;
        let start = at + BLOCK;
        let end = start.checked_add(size).ok_or_else(damaged)?;
        let data = tar.get(start..end).ok_or_else(damaged)?;
        at = start + size.next_multiple_of(BLOCK);
        let kind = header[156];
        if kind == b'L' {
            long_name = Some(until_nul(data).to_vec());
            continue;
        }
        let name = long_name.take().unwrap_or_else(|| short_name(header));
        let path = below(root, &name).ok_or_else(damaged)?;
        match kind {
            b'5' => directories(&path)?,
            b'0' | 0 => {
                directories(path.parent().unwrap_or(root))?;
                let mut options = OpenOptions::new();
                options.write(true).create_new(true).mode(0o600).custom_flags(libc_nofollow());
                options.open(&path)?.write_all(data)?;
            }
            _ => continue,
        }
        entries += 1;
    }
    if entries == 0 { Err(damaged()) } else { Ok(()) }
}

fn libc_nofollow() -> i32 {
    nix::fcntl::OFlag::O_NOFOLLOW.bits()
}

fn directories(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn octal(field: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(until_nul(field)).ok()?.trim();
    usize::from_str_radix(text, 8).ok()
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or(field)
}

fn short_name(header: &[u8]) -> Vec<u8> {
    let (name, prefix) = (until_nul(&header[..100]), until_nul(&header[345..500]));
    let is_posix = &header[257..262] == b"ustar" && header[262] == 0 && !prefix.is_empty();
    if is_posix { [prefix, b"/", name].concat() } else { name.to_vec() }
}

/// The path of an entry; `None` for one that would leave `root`.
fn below(root: &Path, name: &[u8]) -> Option<PathBuf> {
    let name = Path::new(std::str::from_utf8(name).ok()?);
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    name.components().all(inside).then(|| root.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    struct Place {
        directory: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700))
                .expect("closed");
            fs::create_dir(directory.path().join("cache")).expect("created");
            let closed = fs::Permissions::from_mode(0o700);
            fs::set_permissions(directory.path().join("cache"), closed).expect("closed");
            Self { directory }
        }

        fn target(&self, archive: &str) -> Target {
            Target {
                release: "9.9-test".to_owned(),
                kheaders: Some(self.directory.path().join(archive)),
                index_cache: Some(self.directory.path().join("cache")),
                ..Target::default()
            }
        }

        fn tar(&self, name: &str, args: &[&str]) {
            let mut command = Command::new("tar");
            command.current_dir(self.directory.path()).arg("-cJf").arg(name).args(args);
            assert!(command.status().expect("tar is there").success());
        }
    }

    #[test]
    fn an_archive_is_unpacked_once_and_closed_to_others() {
        let place = Place::new();
        let root = place.directory.path();
        let deep = "include/linux/".to_owned() + &"long/".repeat(30);
        fs::create_dir_all(root.join(&deep)).expect("created");
        fs::write(root.join(&deep).join("a.h"), "int a;").expect("written");
        fs::write(root.join("include/linux/kconfig.h"), "int k;").expect("written");
        place.tar("k.tar.xz", &["./include"]);
        let target = place.target("k.tar.xz");
        let unpacked = target.unpacked_kheaders().expect("unpacked");
        assert_eq!(fs::read(unpacked.join(&deep).join("a.h")).expect("read"), b"int a;");
        assert_eq!(fs::read(unpacked.join("include/linux/kconfig.h")).expect("read"), b"int k;");
        assert_eq!(fs::metadata(&unpacked).expect("there").mode() & 0o777, 0o700);
        fs::remove_file(root.join("k.tar.xz")).expect("removed");
        assert_eq!(target.unpacked_kheaders().expect("still there"), unpacked);
    }

    #[test]
    fn a_directory_of_others_or_a_link_is_refused() {
        let place = Place::new();
        let root = place.directory.path();
        fs::write(root.join("a.h"), "").expect("written");
        place.tar("k.tar.xz", &["./a.h"]);
        let target = place.target("k.tar.xz");
        let planted = root.join("cache/kheaders-9.9-test-");
        symlink("/etc", &planted).expect("linked");
        assert!(target.unpacked_kheaders().is_err());
        fs::remove_file(&planted).expect("removed");
        fs::create_dir(&planted).expect("created");
        fs::set_permissions(&planted, fs::Permissions::from_mode(0o777)).expect("opened");
        assert!(target.unpacked_kheaders().is_err());
        fs::remove_dir(&planted).expect("removed");
        fs::set_permissions(root.join("cache"), fs::Permissions::from_mode(0o777)).expect("opened");
        assert!(target.unpacked_kheaders().is_err());
    }

    #[test]
    fn entries_that_leave_the_directory_are_refused() {
        let place = Place::new();
        let root = place.directory.path();
        fs::write(root.join("evil.h"), "").expect("written");
        let absolute = format!("s,^,{}/,", root.join("outside").display());
        for transform in ["s,^,../../,", "s,^,include/../../../,", &absolute] {
            place.tar("k.tar.xz", &["--transform", transform, "-P", "evil.h"]);
            assert!(place.target("k.tar.xz").unpacked_kheaders().is_err(), "{transform}");
            assert_eq!(fs::read_dir(root.join("cache")).expect("listed").count(), 0);
            assert!(!root.join("outside").exists());
        }
    }

    #[test]
    fn links_of_an_archive_are_not_made_and_not_followed() {
        let place = Place::new();
        let root = place.directory.path();
        fs::create_dir(root.join("outside")).expect("created");
        fs::write(root.join("secret"), "s").expect("written");
        symlink(root.join("outside"), root.join("include")).expect("linked");
        fs::write(root.join("evil.h"), "int evil;").expect("written");
        fs::hard_link(root.join("secret"), root.join("hard.h")).expect("linked");
        // A link to a directory outside, a file below that link, and a link to a file.
        let words = ["include", "--transform", "s,^evil.h,include/evil.h,", "evil.h"];
        place.tar("k.tar.xz", &[&words[..], &["secret", "hard.h"]].concat());
        let unpacked = place.target("k.tar.xz").unpacked_kheaders().expect("unpacked");
        assert_eq!(fs::read_dir(root.join("outside")).expect("listed").count(), 0);
        let include = fs::symlink_metadata(unpacked.join("include")).expect("made");
        assert!(include.is_dir());
        assert_eq!(fs::read(unpacked.join("include/evil.h")).expect("read"), b"int evil;");
        assert!(!unpacked.join("hard.h").exists());
    }

    #[test]
    fn permissions_of_an_archive_do_not_count() {
        let place = Place::new();
        let root = place.directory.path();
        fs::create_dir(root.join("open")).expect("created");
        fs::write(root.join("open/a.h"), "").expect("written");
        let mode = |path: &str, mode| {
            fs::set_permissions(root.join(path), PermissionsExt::from_mode(mode))
        };
        mode("open/a.h", 0o6777).and_then(|()| mode("open", 0o1777)).expect("opened");
        place.tar("k.tar.xz", &["--owner=12345", "open"]);
        let unpacked = place.target("k.tar.xz").unpacked_kheaders().expect("unpacked");
        let of = |path: &str| fs::metadata(unpacked.join(path)).expect("there");
        assert_eq!(of("open").mode() & 0o7777, 0o700);
        assert_eq!(of("open/a.h").mode() & 0o7777, 0o600);
        assert_eq!(of("open/a.h").uid(), geteuid().as_raw());
    }

    #[test]
    fn what_is_cut_off_or_twice_there_leaves_nothing() {
        let place = Place::new();
        let root = place.directory.path();
        fs::write(root.join("a.h"), "int a;".repeat(10_000)).expect("written");
        place.tar("twice.tar.xz", &["--hard-dereference", "a.h", "./a.h"]);
        place.tar("k.tar.xz", &["a.h"]);
        let whole = fs::read(root.join("k.tar.xz")).expect("read");
        fs::write(root.join("cut.tar.xz"), &whole[..whole.len() / 2]).expect("written");
        fs::write(root.join("empty.tar.xz"), "").expect("written");
        for archive in ["twice.tar.xz", "cut.tar.xz", "empty.tar.xz"] {
            assert!(place.target(archive).unpacked_kheaders().is_err(), "{archive}");
            assert_eq!(fs::read_dir(root.join("cache")).expect("listed").count(), 0, "{archive}");
        }
    }
}
