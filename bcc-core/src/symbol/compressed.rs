//! Compressed parts of ELF files.

use std::io::{self, Read};

/// How a part is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Zlib,
    Zstd,
    Xz,
}

impl Packing {
    /// Of an `ELFCOMPRESS_*` number.
    pub(super) fn of_section(kind: u32) -> Option<Self> {
        match kind {
            1 => Some(Self::Zlib),
            2 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Unpacks, to `most` bytes at most: the file says how many there are, and may lie.
pub(super) fn unpack(packing: Packing, packed: &[u8], most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match packing {
        Packing::Zlib => {
            flate2::read::ZlibDecoder::new(packed).take(most).read_to_end(&mut bytes)?
        }
        Packing::Zstd => ruzstd::decoding::StreamingDecoder::new(packed)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?
            .take(most)
            .read_to_end(&mut bytes)?,
        // In KiB: 64 MiB is what `xz -9` wants.
        Packing::Xz => lzma_rust2::XzReader::new_mem_limit(packed, true, 1 << 17)
            .take(most)
            .read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nonsense_never_panics(mut bytes: Vec<u8>) {
            for (packing, magic) in [
                (Packing::Zlib, &[0x78, 0x9c][..]),
                (Packing::Zstd, &[0x28, 0xb5, 0x2f, 0xfd]),
                (Packing::Xz, &[0xfd, b'7', b'z', b'X', b'Z', 0, 0, 1]),
            ] {
                let _any = unpack(packing, &bytes, 1 << 16);
                let cut = magic.len().min(bytes.len());
                bytes[..cut].copy_from_slice(&magic[..cut]);
                let _any = unpack(packing, &bytes, 1 << 16);
            }
        }
    }
}
