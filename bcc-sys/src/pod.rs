//! Plain data that may be copied to and from bytes, and structs of it.

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

    /// The value at the start of `bytes`, or `None` when they are too few: what comes through a perf buffer
    /// is up to seven bytes longer than what was sent.
    fn from_prefix(bytes: &[u8]) -> Option<Self> {
        Self::from_bytes(bytes.get(..size_of::<Self>())?)
    }
}

/// Declares structs that C declares alike: keys and values of maps, events, what a program has as its data.
///
/// They are laid out as in C, [`Copy`] and [`Pod`]. Each field is `Pod` itself, and there is no padding, whose
/// bytes would have no value: where C leaves some, there has to be a field (`pad: u32`). Anything else does
/// not compile.
///
/// ```
/// bcc_sys::pod_struct! {
///     /// `struct key { u32 pid; char comm[16]; }`
///     #[derive(Debug, PartialEq)]
///     pub struct Key {
///         pub pid: u32,
///         pub comm: [u8; 16],
///     }
/// }
/// use bcc_sys::Pod;
///
/// let key = Key { pid: 1, comm: *b"a program's name" };
/// assert_eq!(Key::from_bytes(key.as_bytes()), Some(key));
/// ```
///
/// ```compile_fail,E0080
/// bcc_sys::pod_struct! {
///     struct Padded { pid: u32, time_ns: u64 }
/// }
/// ```
///
/// ```compile_fail,E0277
/// bcc_sys::pod_struct! {
///     struct NotOfBytes { is_root: bool }
/// }
/// ```
#[macro_export]
macro_rules! pod_struct {
    ($(
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)?
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type),*
        }

        const _: () = {
            const fn is_pod<T: $crate::Pod>() {}
            $(is_pod::<$type>();)*
            assert!(
                size_of::<$name>() == 0 $(+ size_of::<$type>())*,
                "the struct has padding: give it a field"
            );
        };

        // SAFETY: asserted above: all fields are `Pod`, and there is nothing between or behind them.
        unsafe impl $crate::Pod for $name {}
    )* };
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
        assert_eq!((u16::from_prefix(&[1, 1, 9]), u16::from_prefix(&[1])), (Some(0x0101), None));
    }
}
