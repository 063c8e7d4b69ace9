//! `t[key]`, `t[key] = leaf` and `del t[key]` of a table whose elements are ctypes objects.
//!
//! They are slots of the class below, which Python's table classes inherit: what is left beside the
//! system call is making the leaf.

use crate::cdata::Class;
use crate::error;
use crate::map::Map;
use pyo3::exceptions::{PyAttributeError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

/// The native base of `bcc.table.TableBase`.
#[pyclass(subclass, module = "bcc._native")]
#[derive(Debug, Default)]
pub(crate) struct Table {
    map: Option<Py<Map>>,
    key: Option<Class>,
    leaf: Option<Class>,
}

impl Table {
    fn map(&self) -> PyResult<&Map> {
        self.map.as_ref().map(Py::get).ok_or_else(|| unset("_map"))
    }
}

fn unset(name: &str) -> PyErr {
    PyAttributeError::new_err(format!("the table has no {name} yet"))
}

/// The object's memory when it is of `class` and has `size` bytes.
fn plain<'a>(class: Option<&Class>, object: &'a Bound<'_, PyAny>, size: usize) -> Option<&'a [u8]> {
    class?.bytes(object).filter(|bytes| bytes.len() == size)
}

#[pymethods]
impl Table {
    /// Takes what its subclasses take; they fill it.
    #[new]
    #[pyo3(signature = (*_arguments, **_named))]
    fn new(_arguments: &Bound<'_, PyTuple>, _named: Option<&Bound<'_, PyDict>>) -> Self {
        Self::default()
    }

    /// The map behind it.
    #[getter(_map)]
    fn get_map(&self, py: Python<'_>) -> PyResult<Py<Map>> {
        self.map.as_ref().map(|map| map.clone_ref(py)).ok_or_else(|| unset("_map"))
    }

    #[setter(_map)]
    fn set_map(&mut self, map: Py<Map>) {
        self.map = Some(map);
    }

    /// The keys' class.
    #[getter(Key)]
    fn get_key(&self, py: Python<'_>) -> PyResult<Py<PyType>> {
        self.key.as_ref().map(|key| key.class(py)).ok_or_else(|| unset("Key"))
    }

    #[setter(Key)]
    fn set_key(&mut self, class: &Bound<'_, PyType>) -> PyResult<()> {
        self.key = Some(Class::of(class)?);
        Ok(())
    }

    /// The leaves' class.
    #[getter(Leaf)]
    fn get_leaf(&self, py: Python<'_>) -> PyResult<Py<PyType>> {
        self.leaf.as_ref().map(|leaf| leaf.class(py)).ok_or_else(|| unset("Leaf"))
    }

    #[setter(Leaf)]
    fn set_leaf(&mut self, class: &Bound<'_, PyType>) -> PyResult<()> {
        self.leaf = Some(Class::of(class)?);
        Ok(())
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let map = self.map()?;
        let mut leaf = self.leaf.as_ref().ok_or_else(|| unset("Leaf"))?.make(py)?;
        let known = plain(self.key.as_ref(), key, map.core.key_size());
        let memory = self.leaf.as_ref().and_then(|class| class.bytes_mut(&mut leaf));
        let found = match (known, memory) {
            (Some(key), Some(value)) if value.len() == map.core.value_len() => map
                .core
                .raw()
                .lookup(key, value, 0)
                .map_err(|e| error::map_failed("Could not look up", e))?,
            _ => map.lookup(key, &leaf)?,
        };
        if found { Ok(leaf) } else { Err(PyKeyError::new_err(())) }
    }

    fn __setitem__(&self, key: &Bound<'_, PyAny>, leaf: &Bound<'_, PyAny>) -> PyResult<()> {
        let map = self.map()?;
        let known = plain(self.key.as_ref(), key, map.core.key_size());
        let value = plain(self.leaf.as_ref(), leaf, map.core.value_len());
        let (Some(key), Some(value)) = (known, value) else { return map.update(key, leaf, 0) };
        let written = map.core.raw().update(key, value, 0);
        written.map_err(|e| error::map_failed("Could not update table", e))
    }

    fn __delitem__(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        let map = self.map()?;
        let deleted = match plain(self.key.as_ref(), key, map.core.key_size()) {
            Some(key) => {
                map.core.raw().delete(key).map_err(|e| error::map_failed("Could not delete", e))?
            }
            None => map.delete(key)?,
        };
        if deleted { Ok(()) } else { Err(PyKeyError::new_err(())) }
    }
}
