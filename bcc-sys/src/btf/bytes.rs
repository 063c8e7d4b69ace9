//! Bytes of a BTF file: mapped where the kernel allows it, read otherwise.

use std::fs::File;
use std::io::Read;
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::path::Path;

/// Read-only bytes, owned or mapped.
#[derive(Debug)]
pub struct Bytes(Inner);

#[derive(Debug)]
enum Inner {
    Owned(Vec<u8>),
    Mapped(Mapping),
}

#[derive(Debug)]
struct Mapping {
    start: *mut libc::c_void,
    len: usize,
}

// SAFETY: the mapping is private and read-only, and it is unmapped once, by its only owner's drop.
unsafe impl Send for Mapping {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for Mapping {}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `start` and `len` are what mmap gave in `map`, and nobody else unmaps them.
        unsafe { libc::munmap(self.start, self.len) };
    }
}

impl Bytes {
    /// The contents of `path`: mapped when it is one of the kernel's own BTF files and the kernel
    /// allows that (since 6.16), else read. Files on disk are read, as they may be cut under a map.
    ///
    /// # Errors
    /// The system's, when the file can be neither mapped nor read.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let len = usize::try_from(file.metadata()?.len()).unwrap_or(0);
        if path.starts_with("/sys/kernel/btf")
            && len > 0
            && let Some(mapping) = map(&file, len)
        {
            return Ok(Self(Inner::Mapped(mapping)));
        }
        let mut bytes = Vec::with_capacity(len + 1);
        file.read_to_end(&mut bytes)?;
        Ok(Self(Inner::Owned(bytes)))
    }
}

fn map(file: &File, len: usize) -> Option<Mapping> {
    let (prot, flags) = (libc::PROT_READ, libc::MAP_PRIVATE);
    // SAFETY: a new private read-only mapping at an address of the kernel's choice; the result is checked.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, file.as_raw_fd(), 0) };
    (start != libc::MAP_FAILED).then_some(Mapping { start, len })
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Inner::Owned(bytes))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Owned(bytes) => bytes,
            // SAFETY: `start..start + len` stays mapped and unchanged (the kernel's own BTF) as long
            // as `self`, which the returned slice borrows.
            Inner::Mapped(m) => unsafe { std::slice::from_raw_parts(m.start.cast::<u8>(), m.len) },
        }
    }
}
