//! Instances of ctypes classes, made and reached without a Python call for each.
//!
//! An instance begins with a pointer to its memory. Where in the instance it stands is private to
//! `ctypes`; so it is looked for once, in two instances whose addresses `ctypes.addressof` tells, and
//! where that fails everything goes through calls and the buffer protocol.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyTuple, PyType};
use pyo3::{ffi, intern};
use std::ffi::c_void;

/// A class whose instances this module makes and reads.
#[derive(Debug)]
pub(crate) struct Class {
    class: Py<PyType>,
    /// Bytes per instance.
    size: usize,
    layout: Option<&'static Layout>,
    /// How `ctypes` itself makes an instance, of a class that adds nothing to that.
    new: Option<ffi::newfunc>,
}

/// What all classes have in common.
#[derive(Debug)]
struct Layout {
    /// Bytes from the start of an instance to the pointer to its memory.
    pointer_at: usize,
    new: *mut c_void,
    /// What `__init__` is of classes that add nothing: of scalars, structs, unions, arrays.
    inits: [*mut c_void; 4],
    no_arguments: Py<PyTuple>,
}

#[expect(unsafe_code, reason = "the slots are addresses of functions")]
// SAFETY: they are compared and called, never written through.
unsafe impl Send for Layout {}
#[expect(unsafe_code, reason = "the slots are addresses of functions")]
// SAFETY: as above.
unsafe impl Sync for Layout {}

fn layout(py: Python<'_>) -> PyResult<Option<&'static Layout>> {
    static LAYOUT: PyOnceLock<Option<Layout>> = PyOnceLock::new();
    LAYOUT.get_or_try_init(py, || Layout::find(py)).map(Option::as_ref)
}

fn slot(class: &Bound<'_, PyAny>, which: std::ffi::c_int) -> PyResult<*mut c_void> {
    let class = class.cast::<PyType>()?;
    #[expect(unsafe_code, reason = "slots are not wrapped")]
    // SAFETY: a live type; since 3.10 any may be asked.
    let slot = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), which) };
    Ok(slot)
}

impl Layout {
    fn find(py: Python<'_>) -> PyResult<Option<Self>> {
        let ctypes = py.import("ctypes")?;
        let long = ctypes.getattr("c_ulonglong")?;
        let own = Self::offsets(&ctypes, &long.call0()?)?;
        let buffer = PyByteArray::new(py, &[0; 8]);
        let lent = Self::offsets(&ctypes, &long.call_method1("from_buffer", (buffer,))?)?;
        let ([pointer_at], true) = (own.as_slice(), own == lent) else { return Ok(None) };
        let init = |name| slot(&ctypes.getattr(name)?, ffi::Py_tp_init);
        Ok(Some(Self {
            pointer_at: *pointer_at,
            new: slot(&long, ffi::Py_tp_new)?,
            inits: [init("c_ulonglong")?, init("Structure")?, init("Union")?, init("Array")?],
            no_arguments: PyTuple::empty(py).unbind(),
        }))
    }

    /// Where in an instance the address of its memory stands.
    fn offsets(ctypes: &Bound<'_, PyAny>, instance: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
        let address: usize = ctypes.call_method1("addressof", (instance,))?.extract()?;
        let size: usize = instance.get_type().getattr("__basicsize__")?.extract()?;
        let word = size_of::<usize>();
        let words = size_of::<ffi::PyObject>().div_ceil(word)..size / word;
        let found = words.filter(|&index| word_at(instance, index * word) == address);
        Ok(found.map(|index| index * word).collect())
    }
}

/// The word at byte `offset` of an object.
fn word_at(object: &Bound<'_, PyAny>, offset: usize) -> usize {
    let at = object.as_ptr().cast::<u8>().wrapping_add(offset);
    #[expect(unsafe_code, reason = "ctypes' own calls cost more than what they lead to")]
    // SAFETY: callers stay within the object's basic size, at a multiple of the word's.
    let word = unsafe { at.cast::<usize>().read() };
    word
}

impl Class {
    /// A ctypes class; the instances of any other have no memory that is known here.
    pub(crate) fn of(class: &Bound<'_, PyType>) -> PyResult<Self> {
        let py = class.py();
        let size = py.import(intern!(py, "ctypes"))?.call_method1(intern!(py, "sizeof"), (class,));
        let mut made = Self { class: class.clone().unbind(), size: 0, layout: None, new: None };
        let Ok(size) = size else { return Ok(made) };
        made.size = size.extract()?;
        let Some(layout) = layout(py)? else { return Ok(made) };
        made.layout = Some(layout);
        let new = slot(class, ffi::Py_tp_new)?;
        let init = slot(class, ffi::Py_tp_init)?;
        if new == layout.new && layout.inits.contains(&init) {
            #[expect(unsafe_code, reason = "a slot is an address without a type")]
            // SAFETY: what Python keeps as tp_new is of this type.
            let new = unsafe { std::mem::transmute::<*mut c_void, ffi::newfunc>(new) };
            made.new = Some(new);
        }
        Ok(made)
    }

    /// The class itself.
    pub(crate) fn class(&self, py: Python<'_>) -> Py<PyType> {
        self.class.clone_ref(py)
    }

    /// An instance of zeros.
    pub(crate) fn make<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (Some(new), Some(layout)) = (self.new, self.layout) else {
            return self.class.bind(py).call0();
        };
        let class = self.class.bind(py).as_type_ptr();
        let none = layout.no_arguments.as_ptr();
        #[expect(unsafe_code, reason = "what a call of the class comes to")]
        // SAFETY: the class's own tp_new, given the class and an empty tuple.
        let made = unsafe { new(class, none, std::ptr::null_mut()) };
        #[expect(unsafe_code, reason = "a slot returns a bare pointer")]
        // SAFETY: a new reference, or NULL with an exception set.
        let made = unsafe { Bound::from_owned_ptr_or_err(py, made) };
        made
    }

    /// Where the memory of an instance starts; `None` for an object of any other class.
    fn memory(&self, object: &Bound<'_, PyAny>) -> Option<*mut u8> {
        let ours = object.get_type_ptr() == self.class.as_ptr().cast();
        let layout = self.layout.filter(|_| ours && self.size > 0)?;
        Some(std::ptr::with_exposed_provenance_mut(word_at(object, layout.pointer_at)))
    }

    /// The bytes of an instance, for use at once: before anything of Python's runs.
    pub(crate) fn bytes<'a>(&self, object: &'a Bound<'_, PyAny>) -> Option<&'a [u8]> {
        let memory = self.memory(object)?;
        #[expect(unsafe_code, reason = "see the module's head")]
        // SAFETY: ctypes keeps at least `size` bytes there as long as the object lives, and the
        // interpreter lock keeps other threads from writing or moving them meanwhile.
        let bytes = unsafe { std::slice::from_raw_parts(memory, self.size) };
        Some(bytes)
    }

    /// As [`Self::bytes`], to write: of an instance that nobody else has yet.
    pub(crate) fn bytes_mut<'a>(&self, object: &'a mut Bound<'_, PyAny>) -> Option<&'a mut [u8]> {
        let memory = self.memory(object)?;
        #[expect(unsafe_code, reason = "see the module's head")]
        // SAFETY: as in `bytes`; only the caller has the object.
        let bytes = unsafe { std::slice::from_raw_parts_mut(memory, self.size) };
        Some(bytes)
    }
}

/// Takes an object out of the garbage collector's lists: with 100,000 new objects in them, its walks
/// cost more than making those. Nothing leads from a scalar, or a pair of them, to another object.
fn untrack<T>(object: &Bound<'_, T>) {
    #[expect(unsafe_code, reason = "not wrapped")]
    // SAFETY: a live object that takes part in collection; it may be untracked already.
    unsafe {
        ffi::PyObject_GC_UnTrack(object.as_ptr().cast());
    }
}

/// An instance of the scalar class for each value in `data`.
fn instances<'py>(
    class: &Bound<'py, PyType>,
    data: &Bound<'py, PyByteArray>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let py = class.py();
    let made = Class::of(class)?;
    let each = made.size.max(1);
    // Copied: making objects may run any code.
    let values = data.to_vec();
    let mut objects = Vec::with_capacity(values.len() / each);
    for value in values.chunks_exact(each) {
        let mut object = made.make(py)?;
        match made.bytes_mut(&mut object) {
            Some(bytes) => {
                bytes.copy_from_slice(value);
                if made.new.is_some() {
                    untrack(&object);
                }
            }
            None => object = class.call_method1("from_buffer_copy", (PyBytes::new(py, value),))?,
        }
        objects.push(object);
    }
    Ok(objects)
}

/// An instance of the scalar class `class` for each value in `data`.
#[pyfunction]
pub(crate) fn scalars<'py>(
    class: &Bound<'py, PyType>,
    data: &Bound<'py, PyByteArray>,
) -> PyResult<Bound<'py, PyList>> {
    PyList::new(class.py(), instances(class, data)?)
}

/// Pairs of instances of two scalar classes.
#[pyfunction]
pub(crate) fn scalar_pairs<'py>(
    key_class: &Bound<'py, PyType>,
    keys: &Bound<'py, PyByteArray>,
    leaf_class: &Bound<'py, PyType>,
    leaves: &Bound<'py, PyByteArray>,
) -> PyResult<Bound<'py, PyList>> {
    let py = key_class.py();
    let both = instances(key_class, keys)?.into_iter().zip(instances(leaf_class, leaves)?);
    let mut pairs = Vec::with_capacity(both.len());
    for (key, leaf) in both {
        let pair = PyTuple::new(py, [key, leaf])?;
        untrack(&pair);
        pairs.push(pair);
    }
    PyList::new(py, pairs)
}
