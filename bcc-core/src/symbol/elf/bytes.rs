//! Where an ELF file's bytes come from.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Where the bytes are.
#[derive(Debug)]
pub(super) enum Source {
    /// From this offset of a file on.
    File(File, u64),
    Bytes(Vec<u8>),
}

impl Source {
    /// Reads until `buffer` is full or the end.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Bytes(bytes) => {
                let rest = usize::try_from(offset).ok().and_then(|at| bytes.get(at..));
                let rest = rest.unwrap_or_default();
                let len = rest.len().min(buffer.len());
                buffer[..len].copy_from_slice(&rest[..len]);
                Ok(len)
            }
            Self::File(file, start) => {
                let offset = offset.checked_add(*start).ok_or(io::ErrorKind::InvalidInput)?;
                let mut done = 0;
                while done < buffer.len() {
                    match file.read_at(&mut buffer[done..], offset + done as u64) {
                        Ok(0) => break,
                        Ok(len) => done += len,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(done)
            }
        }
    }
}
