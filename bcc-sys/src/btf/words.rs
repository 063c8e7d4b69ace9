//! A table of 32-bit words, owned or inside of a cached file.

use super::wire::u32_at;
use std::sync::Arc;

/// Read-only words.
#[derive(Debug, Clone)]
pub(super) enum Words {
    Owned(Arc<[u32]>),
    InFile { bytes: Arc<Vec<u8>>, start: usize, len: usize },
}

impl Words {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Owned(words) => words.len(),
            Self::InFile { len, .. } => *len,
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<u32> {
        match self {
            Self::Owned(words) => words.get(index).copied(),
            Self::InFile { bytes, start, len } => {
                (index < *len).then(|| u32_at(bytes, start + index * 4))?
            }
        }
    }

    /// Appends the words to a file's bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Owned(words) => words.iter().for_each(|w| out.extend(w.to_ne_bytes())),
            Self::InFile { bytes, start, len } => {
                out.extend_from_slice(&bytes[*start..*start + *len * 4]);
            }
        }
    }
}

impl From<Vec<u32>> for Words {
    fn from(words: Vec<u32>) -> Self {
        Self::Owned(words.into())
    }
}
