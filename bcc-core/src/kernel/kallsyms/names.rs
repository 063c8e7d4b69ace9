//! Names to positions: open addressing, so that one pass over the names makes it.

/// Marks a free slot.
const FREE: u32 = u32::MAX;

/// Positions of names by their hashes; equal names in the order they came.
#[derive(Debug, Clone)]
pub(super) struct NameIndex {
    /// Half of them free at least, a power of two.
    slots: Vec<u32>,
}

impl NameIndex {
    pub(super) fn new<'a>(names: impl ExactSizeIterator<Item = &'a [u8]>) -> Self {
        let size = (names.len() * 2).next_power_of_two().max(2);
        let mut index = Self { slots: vec![FREE; size] };
        for (position, name) in (0..FREE).zip(names) {
            let mut at = index.home(name);
            while index.slots[at] != FREE {
                at = index.next(at);
            }
            index.slots[at] = position;
        }
        index
    }

    /// Positions that may hold `name`: all that do, in order, and perhaps others.
    pub(super) fn candidates<'a>(&'a self, name: &[u8]) -> impl Iterator<Item = u32> + use<'a> {
        let mut at = self.home(name);
        std::iter::from_fn(move || {
            let position = self.slots[at];
            at = self.next(at);
            (position != FREE).then_some(position)
        })
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// Multiplies in eight bytes at a time; the upper bits are the well mixed ones.
    fn home(&self, name: &[u8]) -> usize {
        const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut hash = name.len() as u64;
        let (words, rest) = name.as_chunks::<8>();
        for word in words {
            hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME).rotate_left(29);
        }
        for &byte in rest {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME).rotate_left(29);
        }
        let mixed = (hash ^ (hash >> 32)).wrapping_mul(PRIME) >> 32;
        usize::try_from(mixed).unwrap_or(0) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_equal_ones_in_order() {
        let names: Vec<String> = (0..5000).map(|n| format!("function_{}", n / 2)).collect();
        let index = NameIndex::new(names.iter().map(String::as_bytes));
        for (at, name) in names.iter().enumerate() {
            let found: Vec<usize> = (index.candidates(name.as_bytes()))
                .map(|position| position as usize)
                .filter(|&position| names[position] == *name)
                .collect();
            assert_eq!(found, [at & !1, at | 1]);
        }
        assert_eq!(NameIndex::new(std::iter::empty()).candidates(b"x").count(), 0);
    }
}
