//! Maps for `bcc.table`: ctypes objects in, bytes and arrays out.

use crate::buffer::{Bytes, sized};
use crate::error::{self, MapError};
use crate::map_batch::{Flat, Rows, batches};
use crate::types;
use bcc_core::map::{Map as CoreMap, text};
use bcc_core::spec::TypeDesc;
use bcc_sys::bpf::MapFd;
use bcc_sys::{SysError, bpf};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes};
use std::borrow::Cow;
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// One map of a module.
#[pyclass(frozen, module = "bcc._native")]
#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) core: CoreMap,
    pub(crate) id: usize,
}

impl Map {
    pub(crate) fn new(core: CoreMap, id: usize) -> Self {
        Self { core, id }
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.core.as_fd().as_raw_fd()
    }

    fn key<'a>(&self, bytes: &'a Bytes<'_>) -> PyResult<Cow<'a, [u8]>> {
        self.fit("key", bytes.get(), self.core.key_size())
    }

    fn leaf<'a>(&self, bytes: &'a Bytes<'_>) -> PyResult<Cow<'a, [u8]>> {
        self.fit("leaf", bytes.get(), self.core.value_len())
    }

    fn fit<'a>(&self, what: &str, bytes: &'a [u8], wanted: usize) -> PyResult<Cow<'a, [u8]>> {
        sized(bytes, wanted).ok_or_else(|| {
            let (name, got) = (self.core.name(), bytes.len());
            MapError::new_err(format!("the {what} of {name} is {wanted} bytes, not {got}"))
        })
    }

    /// Reads a value through `read` into the memory of `out`.
    fn read_into(
        &self,
        what: &str,
        out: &Bound<'_, PyAny>,
        read: impl FnOnce(&mut [u8]) -> Result<bool, SysError>,
    ) -> PyResult<bool> {
        let mut out = Bytes::writable(out)?;
        let out = out.get_mut()?;
        let wanted = self.core.value_len();
        if out.len() == wanted {
            return read(out).map_err(|e| error::map_failed(what, e));
        }
        let mut value = vec![0; wanted];
        let found = read(&mut value).map_err(|e| error::map_failed(what, e))?;
        for (to, from) in out.iter_mut().zip(value) {
            *to = from;
        }
        Ok(found)
    }
}

fn print<'py>(py: Python<'py>, ty: &TypeDesc, bytes: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let text = text::print(ty, bytes).map_err(|e| error::map_error(&e))?;
    Ok(PyBytes::new(py, text.as_bytes()))
}

fn scan<'py>(py: Python<'py>, ty: &TypeDesc, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = text::scan(ty, &String::from_utf8_lossy(text)).map_err(|e| error::map_error(&e))?;
    Ok(PyBytes::new(py, &bytes))
}

#[pymethods]
impl Map {
    /// Position among the module's tables.
    #[getter]
    fn id(&self) -> usize {
        self.id
    }

    #[getter]
    fn fd(&self) -> RawFd {
        self.raw_fd()
    }

    #[getter]
    fn name<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.core.name().as_bytes())
    }

    /// `BPF_MAP_TYPE_*`.
    #[getter]
    fn r#type(&self) -> u32 {
        self.core.map_type().0
    }

    #[getter]
    fn flags(&self) -> u32 {
        self.core.spec().flags
    }

    #[getter]
    fn max_entries(&self) -> u32 {
        self.core.max_entries()
    }

    #[getter]
    fn key_size(&self) -> usize {
        self.core.key_size()
    }

    #[getter]
    fn value_size(&self) -> usize {
        self.core.value_size()
    }

    /// Values per element of a per-CPU map.
    #[getter]
    fn possible_cpus(&self) -> PyResult<usize> {
        bpf::map::possible_cpus().map_err(|e| error::map_failed("Could not count CPUs", e))
    }

    /// Records that found no room in this ring buffer; None for other tables.
    #[getter]
    fn losses(&self) -> PyResult<Option<u64>> {
        self.core.losses().map_err(|e| error::map_error(&e))
    }

    /// The key's C type, for `bcc.ctype`.
    #[getter]
    fn key_type<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        types::to_python(py, &self.core.spec().key)
    }

    /// The leaf's C type, for `bcc.ctype`.
    #[getter]
    fn leaf_type<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        types::to_python(py, &self.core.spec().leaf)
    }

    /// Copies the leaf of `key` into `leaf`; False when there is none.
    pub(crate) fn lookup(&self, key: &Bound<'_, PyAny>, leaf: &Bound<'_, PyAny>) -> PyResult<bool> {
        let key = Bytes::of(key)?;
        let key = self.key(&key)?;
        self.read_into("Could not look up", leaf, |value| self.core.raw().lookup(&key, value, 0))
    }

    /// Writes an element.
    pub(crate) fn update(
        &self,
        key: &Bound<'_, PyAny>,
        leaf: &Bound<'_, PyAny>,
        flags: u64,
    ) -> PyResult<()> {
        let (key, leaf) = (Bytes::of(key)?, Bytes::of(leaf)?);
        let (key, leaf) = (self.key(&key)?, self.leaf(&leaf)?);
        self.core
            .raw()
            .update(&key, &leaf, flags)
            .map_err(|e| error::map_failed("Could not update table", e))
    }

    /// Writes the descriptor of the file at `path` as an element.
    fn update_from_path(&self, key: &Bound<'_, PyAny>, path: &str) -> PyResult<()> {
        let file = std::fs::File::open(path)?;
        let key = Bytes::of(key)?;
        let leaf = file.as_raw_fd().to_ne_bytes();
        self.core
            .raw()
            .update(&self.key(&key)?, &leaf, 0)
            .map_err(|e| error::map_failed("Could not update table", e))
    }

    /// Removes an element; False when there was none.
    pub(crate) fn delete(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let key = Bytes::of(key)?;
        self.core
            .raw()
            .delete(&self.key(&key)?)
            .map_err(|e| error::map_failed("Could not delete", e))
    }

    /// Copies the key after `key` (the first for None) into `out`; False at the end.
    fn next_key(&self, key: Option<&Bound<'_, PyAny>>, out: &Bound<'_, PyAny>) -> PyResult<bool> {
        let key = key.map(Bytes::of).transpose()?;
        let key = key.as_ref().map(|key| self.key(key)).transpose()?;
        let mut next = vec![0; self.core.key_size()];
        let found = self
            .core
            .raw()
            .next_key(key.as_deref(), &mut next)
            .map_err(|e| error::map_failed("Could not get the next key", e))?;
        let mut out = Bytes::writable(out)?;
        for (to, from) in out.get_mut()?.iter_mut().zip(next) {
            *to = from;
        }
        Ok(found)
    }

    /// All keys, for a walk that stands deletions.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyByteArray>, usize)> {
        let mut flat = Flat::default();
        for key in self.core.keys() {
            flat.push(&key.map_err(|e| error::map_error(&e))?, &[]);
        }
        Ok((PyByteArray::new(py, &flat.keys), flat.count))
    }

    /// Number of elements.
    fn count(&self) -> PyResult<usize> {
        self.all().map(|flat| flat.count)
    }

    /// All elements.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Rows<'py>> {
        self.all().map(|flat| flat.into_py(py))
    }

    /// Removes all elements.
    fn clear(&self) -> PyResult<()> {
        let clears = !self.core.map_type().is_array() && batches(self.core.map_type());
        if clears && self.batch(MapFd::lookup_and_delete_batch, "", true)?.is_some() {
            return Ok(());
        }
        self.core.clear().map_err(|e| error::map_error(&e))
    }

    /// Writes a zero leaf to every key there is.
    fn zero(&self) -> PyResult<()> {
        self.core.zero().map_err(|e| error::map_error(&e))
    }

    /// All elements by batch calls.
    fn lookup_batch<'py>(&self, py: Python<'py>) -> PyResult<Rows<'py>> {
        let flat = self.batch(MapFd::lookup_batch, "BPF_MAP_LOOKUP_BATCH", false)?;
        Ok(flat.unwrap_or_default().into_py(py))
    }

    /// All elements by batch calls, taken out.
    fn lookup_and_delete_batch<'py>(&self, py: Python<'py>) -> PyResult<Rows<'py>> {
        let call = "BPF_MAP_LOOKUP_AND_DELETE_BATCH";
        let flat = self.batch(MapFd::lookup_and_delete_batch, call, false)?;
        Ok(flat.unwrap_or_default().into_py(py))
    }

    /// Removes the first `count` keys of an array of keys.
    fn delete_batch(&self, keys: &Bound<'_, PyAny>, count: usize) -> PyResult<()> {
        let keys = Bytes::of(keys)?;
        let keys = self.array("key", keys.get(), count, self.core.key_size())?;
        self.core
            .raw()
            .delete_batch(keys)
            .map(drop)
            .map_err(|e| error::map_failed("BPF_MAP_DELETE_BATCH has failed", e))
    }

    /// Writes `count` elements.
    fn update_batch(
        &self,
        keys: &Bound<'_, PyAny>,
        leaves: &Bound<'_, PyAny>,
        count: usize,
    ) -> PyResult<()> {
        let (keys, leaves) = (Bytes::of(keys)?, Bytes::of(leaves)?);
        let keys = self.array("key", keys.get(), count, self.core.key_size())?;
        let leaves = self.array("leaf", leaves.get(), count, self.core.value_len())?;
        self.core
            .raw()
            .update_batch(keys, leaves, 0)
            .map(drop)
            .map_err(|e| error::map_failed("BPF_MAP_UPDATE_BATCH has failed", e))
    }

    /// A key as text.
    fn key_text<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let key = Bytes::of(key)?;
        print(py, &self.core.spec().key, &self.key(&key)?)
    }

    /// A leaf as text.
    fn leaf_text<'py>(
        &self,
        py: Python<'py>,
        leaf: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let leaf = Bytes::of(leaf)?;
        let one = &self.core.spec().leaf;
        print(py, one, &self.fit("leaf", leaf.get(), one.size() as usize)?)
    }

    /// The bytes of a key from text.
    fn key_parse<'py>(&self, py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        scan(py, &self.core.spec().key, text)
    }

    /// The bytes of a leaf from text.
    fn leaf_parse<'py>(&self, py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        scan(py, &self.core.spec().leaf, text)
    }

    /// Adds to a queue or stack.
    fn push(&self, leaf: &Bound<'_, PyAny>, flags: u64) -> PyResult<()> {
        let leaf = Bytes::of(leaf)?;
        self.core
            .raw()
            .update(&[], &self.leaf(&leaf)?, flags)
            .map_err(|e| error::map_failed("Could not push to table", e))
    }

    /// Takes from a queue or stack; False when it is empty.
    fn pop(&self, leaf: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.read_into("Could not pop", leaf, |value| {
            self.core.raw().lookup_and_delete(&[], value, 0)
        })
    }

    /// Looks at the next of a queue or stack; False when it is empty.
    fn peek(&self, leaf: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.read_into("Could not peek", leaf, |value| self.core.raw().lookup(&[], value, 0))
    }
}

impl Map {
    fn array<'a>(
        &self,
        what: &str,
        bytes: &'a [u8],
        count: usize,
        each: usize,
    ) -> PyResult<&'a [u8]> {
        count.checked_mul(each).and_then(|len| bytes.get(..len)).ok_or_else(|| {
            let name = self.core.name();
            MapError::new_err(format!(
                "{count} {what}s of {name} are {each} bytes each, not {} in all",
                bytes.len()
            ))
        })
    }
}
