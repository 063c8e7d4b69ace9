//! Libraries that are mapped out of a ZIP archive: `archive!/member`, stored uncompressed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Between the archive's path and the member's name.
pub(super) const MARK: &str = "!/";

/// Everything of an archive that is read in one piece.
const MOST: u64 = 1 << 26;

/// A member that is stored as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Path within the archive.
    pub name: String,
    /// Where its first byte is in the archive.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

/// The archive and the member of `archive!/member`.
pub fn split(path: &Path) -> Option<(PathBuf, &str)> {
    let (archive, member) = path.to_str()?.split_once(MARK)?;
    Some((archive.into(), member))
}

/// Whether a file starts like an archive.
pub fn is_archive(file: &File) -> bool {
    let mut magic = [0; 4];
    file.read_exact_at(&mut magic, 0).is_ok() && magic == *b"PK\x03\x04"
}

fn word16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn word32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn part(file: &File, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    let size = usize::try_from(len).ok().filter(|_| len <= MOST);
    let mut bytes = vec![0; size.ok_or(io::ErrorKind::InvalidData)?];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

/// The stored members of an archive; compressed ones can't be mapped and are left out.
///
/// # Errors
/// When the archive cannot be read. What is no archive has no members.
pub fn members(file: &File) -> io::Result<Vec<Member>> {
    let len = file.metadata()?.len();
    // The directory's end is the last thing but for a comment of at most 64 KiB.
    let tail = len.min(22 + 0xffff);
    let tail = part(file, len - tail, tail)?;
    let Some(end) = tail.windows(4).rposition(|word| word == b"PK\x05\x06") else {
        return Ok(Vec::new());
    };
    let end = &tail[end..];
    let (Some(size), Some(start)) = (word32(end, 12), word32(end, 16)) else {
        return Ok(Vec::new());
    };
    if u64::from(start) + u64::from(size) > len {
        return Ok(Vec::new());
    }
    let directory = part(file, start.into(), size.into())?;
    let mut found = Vec::new();
    let mut rest = directory.as_slice();
    while let Some((entry, after)) = Entry::parse(rest) {
        rest = after;
        if let Some(offset) = entry.data_offset(file)
            && offset.checked_add(entry.len.into()).is_some_and(|end| end <= len)
        {
            found.push(Member { name: entry.name, offset, len: entry.len.into() });
        }
    }
    Ok(found)
}

/// A line of the directory.
struct Entry {
    name: String,
    is_stored: bool,
    len: u32,
    header: u32,
}

impl Entry {
    fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        if !bytes.starts_with(b"PK\x01\x02") {
            return None;
        }
        let length = |at| word16(bytes, at).map(usize::from);
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let entry = Self {
            name: String::from_utf8_lossy(bytes.get(46..46 + name)?).into_owned(),
            is_stored: word16(bytes, 10)? == 0 && word32(bytes, 20)? == word32(bytes, 24)?,
            len: word32(bytes, 24)?,
            header: word32(bytes, 42)?,
        };
        Some((entry, bytes.get(46 + name + extra + comment..)?))
    }

    /// Behind the member's own header, whose length is its own.
    fn data_offset(&self, file: &File) -> Option<u64> {
        if !self.is_stored {
            return None;
        }
        let header = part(file, self.header.into(), 30).ok()?;
        if !header.starts_with(b"PK\x03\x04") {
            return None;
        }
        let names = u64::from(word16(&header, 26)?) + u64::from(word16(&header, 28)?);
        Some(u64::from(self.header) + 30 + names)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    /// One stored member `a/b.so` with contents `hello`, as `zip -0` writes it.
    pub(in super::super) fn archive() -> Vec<u8> {
        let mut bytes = b"PK\x03\x04\x0a\0\0\0\0\0".to_vec();
        bytes.extend([0; 8]);
        bytes.extend(5u32.to_le_bytes());
        bytes.extend(5u32.to_le_bytes());
        bytes.extend([6, 0, 3, 0]);
        bytes.extend(b"a/b.so\0\0\0hello");
        let start = bytes.len();
        bytes.extend(b"PK\x01\x02\x14\0\x0a\0\0\0\0\0");
        bytes.extend([0; 8]);
        bytes.extend(5u32.to_le_bytes());
        bytes.extend(5u32.to_le_bytes());
        bytes.extend([6, 0]);
        bytes.extend([0; 16]);
        bytes.extend(b"a/b.so");
        let size = bytes.len() - start;
        bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        bytes.extend(u32::try_from(size).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(start).unwrap().to_le_bytes());
        bytes.extend([0; 2]);
        bytes
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn stored_member_is_found_where_its_bytes_are() {
        let bytes = archive();
        let members = members(&file(&bytes)).unwrap();
        let [member] = members.as_slice() else { panic!("{members:?}") };
        assert_eq!((member.name.as_str(), member.len), ("a/b.so", 5));
        let at = usize::try_from(member.offset).unwrap();
        assert_eq!(&bytes[at..at + 5], b"hello");
        assert!(is_archive(&file(&bytes)) && !is_archive(&file(b"x")));
        assert_eq!(split(Path::new("/a.apk!/a/b.so")), Some(("/a.apk".into(), "a/b.so")));
    }

    proptest! {
        #[test]
        fn damaged_archives_never_panic(at in 0usize..200, byte: u8, len in 0usize..200) {
            let mut bytes = archive();
            bytes.truncate(len);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _any = members(&file(&bytes));
        }
    }
}
