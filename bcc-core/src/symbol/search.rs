//! Binary search in sorted columns that are larger than the processor's caches.

use std::hash::{BuildHasher, Hasher};

/// Entries per step.
const STEP: usize = 8;

/// The first address of every [`STEP`] entries: small enough to stay in the cache.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps(Vec<u64>);

impl Steps {
    /// Of addresses in rising order.
    pub(crate) fn new(addresses: impl Iterator<Item = u64>) -> Self {
        Self(addresses.step_by(STEP).collect())
    }

    /// How many of the `len` entries are not above `address`; `at` gives an entry's address.
    pub(crate) fn up_to(&self, address: u64, len: usize, at: impl Fn(usize) -> u64) -> usize {
        let step = self.0.partition_point(|&first| first <= address);
        let Some(step) = step.checked_sub(1) else { return 0 };
        let (mut low, mut high) = (step * STEP, ((step + 1) * STEP).min(len));
        while low < high {
            let middle = low.midpoint(high);
            if at(middle) <= address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// For keys that are small numbers of our own, which nobody can choose to collide.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

impl BuildHasher for Spread {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn count_is_that_of_a_plain_search(mut all: Vec<u16>, asked: u16) {
            all.sort_unstable();
            let steps = Steps::new(all.iter().map(|&a| u64::from(a)));
            let count = steps.up_to(asked.into(), all.len(), |index| all[index].into());
            assert_eq!(count, all.partition_point(|&a| a <= asked));
        }
    }
}
