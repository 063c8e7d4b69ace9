//! Plain data that may be copied to and from bytes.

/// A type without padding for which any bytes are a valid value.
///
/// # Safety
/// Implementors promise both: every bit pattern is valid, and no byte of the type is padding.
pub unsafe trait Pod: Copy + 'static {
    /// The value's bytes.
    fn as_bytes(&self) -> &[u8] {
        let data = std::ptr::from_ref(self).cast::<u8>();
        // SAFETY: the implementor promises that all bytes are initialised (no padding); the slice
        // borrows `self` and has its size.
        unsafe { std::slice::from_raw_parts(data, size_of::<Self>()) }
    }

    /// The value of these bytes, or `None` when they are not exactly as many as the type has.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size_of::<Self>() {
            return None;
        }
        // SAFETY: the length was checked, the read is unaligned, and the implementor promises that any
        // bytes are a valid value.
        Some(unsafe { bytes.as_ptr().cast::<Self>().read_unaligned() })
    }
}

macro_rules! pod {
    ($($type:ty)*) => {
        $(
            // SAFETY: a number; no padding, every bit pattern valid.
            unsafe impl Pod for $type {}
        )*
    };
}

pod!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

// SAFETY: elements follow each other without gaps, and each is `Pod`.
unsafe impl<T: Pod, const N: usize> Pod for [T; N] {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip_and_other_lengths_are_none() {
        let value = [1u32, 0xdead_beef];
        assert_eq!(<[u32; 2]>::from_bytes(value.as_bytes()), Some(value));
        assert_eq!(u32::from_bytes(&[0; 3]), None);
    }
}
