//! Files that others have put there: what a traced process maps, names or leaves may have become anything.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The longest file that is read as a whole.
const MOST: u64 = 1 << 28;

/// Opens a regular file for reading. Anything else is refused: a FIFO would wait for a writer, a device
/// might never end.
///
/// # Errors
/// What `open(2)` says; `InvalidInput` for what is no regular file.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
}

/// The bytes of a regular file, at most the first 256 MiB.
///
/// # Errors
/// See [`open`]; what `read(2)` says.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::elf::ElfFile;
    use nix::sys::stat::Mode;

    #[test]
    fn what_would_wait_or_never_end_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        for path in [fifo.as_path(), Path::new("/dev/zero"), directory.path()] {
            assert_eq!(read(path).unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert!(ElfFile::open(path).is_err());
            assert!(ElfFile::open(&path.join("!/member.so")).is_err());
        }
    }

    #[test]
    fn a_long_file_of_nothing_is_cut() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(MOST + 4096).unwrap();
        assert_eq!(read(file.path()).unwrap().len() as u64, MOST);
    }
}
