//! Memory of Python objects as byte slices.

use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;

/// An object's memory, held in place for as long as this lives.
pub(crate) struct Bytes(PyUntypedBuffer);

impl Bytes {
    /// Takes hold of the memory of `object`: bytes, a ctypes object or array, …
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffer = PyUntypedBuffer::get(object).map_err(|error| {
            if error.is_instance_of::<PyTypeError>(object.py()) {
                PyTypeError::new_err(format!(
                    "a ctypes object is needed, not {}",
                    object.get_type()
                ))
            } else {
                error
            }
        })?;
        if !buffer.is_c_contiguous() {
            return Err(PyBufferError::new_err("the object's memory is not in one piece"));
        }
        Ok(Self(buffer))
    }

    /// The bytes, to read.
    pub(crate) fn get(&self) -> &[u8] {
        if self.0.len_bytes() == 0 {
            return &[];
        }
        #[expect(unsafe_code, reason = "the buffer protocol hands out a pointer and a length")]
        // SAFETY: the exporter keeps the memory in place while we hold the buffer, and the interpreter
        // lock, which every caller of this crate's functions holds, keeps other threads from writing.
        unsafe {
            std::slice::from_raw_parts(self.0.buf_ptr().cast::<u8>(), self.0.len_bytes())
        }
    }

    /// The bytes, to write.
    pub(crate) fn get_mut(&mut self) -> PyResult<&mut [u8]> {
        if self.0.readonly() {
            return Err(PyTypeError::new_err("the object cannot be written to"));
        }
        if self.0.len_bytes() == 0 {
            return Ok(&mut []);
        }
        #[expect(unsafe_code, reason = "the buffer protocol hands out a pointer and a length")]
        // SAFETY: as in `get`; `&mut self` and the interpreter lock make this the only access, since
        // no caller holds two buffers of one object.
        let bytes = unsafe {
            std::slice::from_raw_parts_mut(self.0.buf_ptr().cast::<u8>(), self.0.len_bytes())
        };
        Ok(bytes)
    }
}

/// The bytes of an object that stands for a value of `wanted` bytes. Scalars of another width are cut
/// or extended by zeros: `ct.c_int(5)` serves as a `u64` key.
pub(crate) fn sized(bytes: &[u8], wanted: usize) -> Option<std::borrow::Cow<'_, [u8]>> {
    const SCALAR: usize = 16;
    if bytes.len() == wanted {
        return Some(bytes.into());
    }
    if bytes.len() > SCALAR || wanted > SCALAR {
        return None;
    }
    if bytes.len() > wanted {
        let (head, tail) = bytes.split_at(wanted);
        return tail.iter().all(|&byte| byte == 0).then(|| head.into());
    }
    let mut long = bytes.to_vec();
    long.resize(wanted, 0);
    Some(long.into())
}
