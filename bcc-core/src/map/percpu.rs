//! The values of one element on all possible CPUs.

use super::{Bytes, Map, MapError};
use bcc_sys::Pod;

/// One value per possible CPU, each padded to a multiple of eight bytes as the kernel lays them out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerCpu {
    size: usize,
    bytes: Bytes,
}

impl PerCpu {
    /// Bytes from one CPU's value to the next one's.
    pub const fn stride(size: usize) -> usize {
        size.next_multiple_of(8)
    }

    /// Splits what a lookup returned; `size` is one CPU's, in bytes.
    pub fn new(size: usize, bytes: Bytes) -> Self {
        Self { size, bytes }
    }

    /// Lays out one value per CPU; each is cut or filled with zeros to `size` bytes.
    pub fn from_values<V: AsRef<[u8]>>(size: usize, values: &[V]) -> Self {
        let mut bytes = Vec::with_capacity(values.len() * Self::stride(size));
        for value in values {
            let value = value.as_ref();
            let end = bytes.len() + Self::stride(size);
            bytes.extend_from_slice(&value[..value.len().min(size)]);
            bytes.resize(end, 0);
        }
        Self { size, bytes }
    }

    /// Number of CPUs.
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(Self::stride(self.size)).unwrap_or(0)
    }

    /// Whether there is no value at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One CPU's value.
    pub fn get(&self, cpu: usize) -> Option<&[u8]> {
        let start = cpu.checked_mul(Self::stride(self.size))?;
        self.bytes.get(start..start.checked_add(self.size)?)
    }

    /// The values in order of CPUs.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        let size = self.size;
        self.bytes.chunks_exact(Self::stride(size).max(1)).map(move |chunk| &chunk[..size])
    }

    /// The values as `V`; those of another size are left out.
    pub fn typed<V: Pod>(&self) -> impl Iterator<Item = V> {
        self.values().filter_map(V::from_bytes)
    }

    /// As the kernel takes it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Map {
    /// The values of `key` on all CPUs, or `None`.
    ///
    /// # Errors
    /// [`MapError::Type`] when the map is not per CPU; see [`Map::lookup`].
    pub fn lookup_per_cpu(&self, key: &[u8]) -> Result<Option<PerCpu>, MapError> {
        self.expect_per_cpu()?;
        Ok(self.lookup(key)?.map(|bytes| PerCpu::new(self.value_size(), bytes)))
    }

    /// Writes the values of `key` on all CPUs; there must be one per possible CPU.
    ///
    /// # Errors
    /// [`MapError::Type`] when the map is not per CPU, [`MapError::Size`] for another number of values;
    /// see [`Map::update`].
    pub fn update_per_cpu(&self, key: &[u8], values: &PerCpu) -> Result<(), MapError> {
        self.expect_per_cpu()?;
        self.update(key, values.as_bytes(), 0)
    }

    pub(super) fn expect_per_cpu(&self) -> Result<(), MapError> {
        if self.map_type().is_per_cpu() {
            return Ok(());
        }
        Err(MapError::Type {
            map: self.name().to_owned(),
            map_type: self.map_type(),
            wanted: "per-CPU map",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn values_survive_the_layout(size in 1usize..40, cpus in 1usize..9, byte: u8) {
            let values: Vec<Vec<u8>> =
                (0..cpus).map(|cpu| vec![byte.wrapping_add(u8::try_from(cpu).unwrap()); size]).collect();
            let laid = PerCpu::from_values(size, &values);
            proptest::prop_assert_eq!(laid.as_bytes().len(), size.next_multiple_of(8) * cpus);
            proptest::prop_assert_eq!(laid.len(), cpus);
            let back: Vec<Vec<u8>> = laid.values().map(<[u8]>::to_vec).collect();
            proptest::prop_assert_eq!(back, values);
        }
    }

    #[test]
    fn of_64_cpus_each_has_a_padded_value() {
        let values: Vec<[u8; 12]> = (0..64).map(|cpu| [cpu; 12]).collect();
        let laid = PerCpu::from_values(12, &values);
        assert_eq!(laid.as_bytes().len(), 64 * 16);
        assert_eq!(laid.as_bytes()[63 * 16..], [&[63; 12][..], &[0; 4]].concat());
        assert_eq!(laid.get(63), Some(&[63; 12][..]));
    }

    #[test]
    fn a_cpu_beyond_the_last_is_none() {
        let laid = PerCpu::from_values(4, &[[1, 0, 0, 0], [2, 0, 0, 0]]);
        assert_eq!(laid.get(1), Some(&[2, 0, 0, 0][..]));
        assert_eq!(laid.get(2), None);
        assert_eq!(laid.typed::<u32>().sum::<u32>(), 3);
    }
}
