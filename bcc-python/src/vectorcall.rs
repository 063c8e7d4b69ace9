//! Calls of a callback with three arguments, without a tuple around them.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyInt;

// In the stable ABI since 3.12; 3.11, the oldest that we run under, has it under this name as well.
#[expect(unsafe_code, reason = "pyo3 leaves it out for an ABI of 3.11")]
// The signature is the one of CPython's headers, the same in both.
unsafe extern "C" {
    fn PyObject_Vectorcall(
        callable: *mut ffi::PyObject,
        arguments: *const *mut ffi::PyObject,
        count: usize,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject;
}

/// `function(first, second, third)`.
pub(crate) fn call<'py>(
    function: &Bound<'py, PyAny>,
    first: &Bound<'py, PyAny>,
    second: &Bound<'py, PyAny>,
    third: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // The callee may use the place in front of the arguments, as the highest bit tells it.
    let mut arguments = [std::ptr::null_mut(), first.as_ptr(), second.as_ptr(), third.as_ptr()];
    let count = 3 | 1 << (usize::BITS - 1);
    let start = arguments[1..].as_mut_ptr();
    #[expect(unsafe_code, reason = "see above")]
    // SAFETY: four live objects, and a place before the arguments that may be written.
    let result =
        unsafe { PyObject_Vectorcall(function.as_ptr(), start, count, std::ptr::null_mut()) };
    #[expect(unsafe_code, reason = "a call of C gives a new reference")]
    // SAFETY: it is one, or NULL with an exception set.
    let result = unsafe { Bound::from_owned_ptr_or_err(function.py(), result) };
    result
}

/// The last size as a Python object: most events of a buffer have one size.
#[derive(Default)]
pub(crate) struct Sizes<'py>(Option<(usize, Bound<'py, PyInt>)>);

impl<'py> Sizes<'py> {
    pub(crate) fn of(&mut self, py: Python<'py>, size: usize) -> PyResult<Bound<'py, PyInt>> {
        match &self.0 {
            Some((last, object)) if *last == size => Ok(object.clone()),
            _ => {
                let object = size.into_pyobject(py)?;
                self.0 = Some((size, object.clone()));
                Ok(object)
            }
        }
    }
}
