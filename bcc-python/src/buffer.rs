//! Memory of Python objects as byte slices.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;

/// An object's memory, held in place for as long as this lives.
pub(crate) struct Bytes<'py> {
    // Exporters may point into the struct itself, so it does not move.
    view: Box<ffi::Py_buffer>,
    _py: Python<'py>,
}

impl<'py> Bytes<'py> {
    /// Takes hold of the memory of `object`, to read: bytes, a ctypes object or array, …
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        Self::get_buffer(object, ffi::PyBUF_SIMPLE)
    }

    /// As [`Self::of`], to write.
    pub(crate) fn writable(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        Self::get_buffer(object, ffi::PyBUF_WRITABLE)
    }

    fn get_buffer(object: &Bound<'py, PyAny>, flags: std::ffi::c_int) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        #[expect(unsafe_code, reason = "pyo3's own buffers refuse objects without dimensions")]
        // SAFETY: `object` is a live object, `view` is ours and stays where it is until `drop`.
        let status = unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *view, flags) };
        if status == 0 {
            return Ok(Self { view, _py: object.py() });
        }
        let error = PyErr::fetch(object.py());
        if error.is_instance_of::<PyTypeError>(object.py()) {
            let text = format!("a ctypes object is needed, not {}", object.get_type());
            return Err(PyTypeError::new_err(text));
        }
        Err(error)
    }

    fn len(&self) -> usize {
        usize::try_from(self.view.len).unwrap_or(0)
    }

    /// The bytes, to read.
    pub(crate) fn get(&self) -> &[u8] {
        if self.len() == 0 {
            return &[];
        }
        #[expect(unsafe_code, reason = "the buffer protocol hands out a pointer and a length")]
        // SAFETY: a simple buffer is one piece of `len` bytes, which the exporter keeps in place while
        // we hold it; the interpreter lock keeps other threads from writing.
        unsafe {
            std::slice::from_raw_parts(self.view.buf.cast::<u8>(), self.len())
        }
    }

    /// The bytes of a [`Self::writable`] buffer.
    pub(crate) fn get_mut(&mut self) -> PyResult<&mut [u8]> {
        if self.view.readonly != 0 {
            return Err(PyTypeError::new_err("the object cannot be written to"));
        }
        if self.len() == 0 {
            return Ok(&mut []);
        }
        #[expect(unsafe_code, reason = "the buffer protocol hands out a pointer and a length")]
        // SAFETY: as in `get`; `&mut self` and the interpreter lock make this the only access, since
        // no caller reads from another buffer of the same object meanwhile.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(self.view.buf.cast::<u8>(), self.len()) };
        Ok(bytes)
    }
}

impl Drop for Bytes<'_> {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the counterpart of PyObject_GetBuffer")]
        // SAFETY: filled by a PyObject_GetBuffer that succeeded, released once, with the interpreter
        // attached as `_py` shows.
        unsafe {
            ffi::PyBuffer_Release(&raw mut *self.view);
        }
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
