//! Maps that live at a path of a bpffs.

use super::MapError;
use bcc_sys::bpf::MapFd;
use bcc_sys::bpf::object::{obj_get, obj_pin};
use nix::errno::Errno;
use nix::sys::statfs::{FsType, statfs};
use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Magic number of a bpffs.
const BPF_FS_MAGIC: FsType = FsType(0xcafe_4a11);

fn failed(map: &str, path: &Path, why: impl ToString) -> MapError {
    MapError::Pin { map: map.to_owned(), path: path.to_owned(), why: why.to_string() }
}

fn c_path(map: &str, path: &Path) -> Result<CString, MapError> {
    CString::new(path.as_os_str().as_bytes()).map_err(|error| failed(map, path, error))
}

/// Opens the map pinned at `path`; `None` when there is nothing.
///
/// # Errors
/// [`MapError::Pin`] when something is there that cannot be opened or is no map.
pub fn open(map: &str, path: &Path) -> Result<Option<MapFd>, MapError> {
    let fd = match obj_get(&c_path(map, path)?, 0) {
        Ok(fd) => fd,
        Err(error) if error.errno == Errno::ENOENT => return Ok(None),
        Err(error) => return Err(failed(map, path, error)),
    };
    MapFd::new(fd).map(Some).map_err(|error| failed(map, path, error))
}

/// Whether `path`, or the nearest directory above it that exists, is on a bpffs.
///
/// # Errors
/// When the file system cannot be asked.
pub fn is_on_bpffs(path: &Path) -> Result<bool, Errno> {
    let existing = path.ancestors().find(|place| place.exists()).unwrap_or(path);
    Ok(statfs(existing)?.filesystem_type() == BPF_FS_MAGIC)
}

/// Makes the directory of `path`, for its owner only, and checks that it is on a bpffs.
///
/// # Errors
/// [`MapError::Pin`].
pub fn make_parent(map: &str, path: &Path) -> Result<(), MapError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.ok_or_else(|| failed(map, path, "the path has no directory"))?;
    if !is_on_bpffs(parent).map_err(|errno| failed(map, path, errno.desc()))? {
        return Err(failed(map, path, format!("{} is not on a bpffs", parent.display())));
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(parent)
        .map_err(|error| failed(map, path, error))
}

/// Pins an open map; whoever pinned one there meanwhile wins and this fails.
///
/// # Errors
/// [`MapError::Pin`].
pub fn pin(map: &str, fd: &MapFd, path: &Path) -> Result<(), MapError> {
    obj_pin(fd.as_fd(), &c_path(map, path)?).map_err(|error| failed(map, path, error))
}
