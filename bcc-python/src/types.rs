//! C types as the hashable values that `bcc.ctype` makes classes of.

use bcc_core::spec::{EventLayout, Field, StructKind, TypeDesc};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// A type: a spelling, `("[]", element, length)`, or `(kind, name, fields, size)`.
pub(crate) fn to_python<'py>(py: Python<'py>, ty: &TypeDesc) -> PyResult<Bound<'py, PyAny>> {
    match ty {
        TypeDesc::Builtin { name, .. } => Ok(PyString::new(py, name).into_any()),
        TypeDesc::Pointer => Ok(PyString::new(py, "unsigned long long").into_any()),
        TypeDesc::Array { elem, len } => {
            Ok(("[]", to_python(py, elem)?, *len).into_pyobject(py)?.into_any())
        }
        TypeDesc::Struct { name, fields, kind, size, .. } => {
            let (kind, padded) = match kind {
                StructKind::Packed => ("struct_packed", true),
                StructKind::Natural => ("struct", false),
                StructKind::Union => ("union", false),
            };
            let fields = members(py, fields, if padded { Some(*size) } else { None })?;
            Ok((kind, name, fields, *size).into_pyobject(py)?.into_any())
        }
    }
}

/// Members; with the struct's size, also the padding between and behind them.
fn members<'py>(
    py: Python<'py>,
    fields: &[Field],
    size: Option<u32>,
) -> PyResult<Bound<'py, PyTuple>> {
    let mut out = Vec::with_capacity(fields.len());
    let mut end = 0;
    for (index, field) in fields.iter().enumerate() {
        let start = field.bit_offset / 8;
        if size.is_some() && start > end {
            out.push(padding(py, &format!("__pad_{index}"), start - end)?);
        }
        let ty = to_python(py, &field.ty)?;
        out.push((&field.name, ty, field.bit_width).into_pyobject(py)?);
        end = start + field.ty.size();
    }
    if let Some(rest) = size.and_then(|size| size.checked_sub(end)).filter(|&rest| rest > 0) {
        out.push(padding(py, "__pad_end", rest)?);
    }
    PyTuple::new(py, out)
}

fn padding<'py>(py: Python<'py>, name: &str, len: u32) -> PyResult<Bound<'py, PyTuple>> {
    (name, ("[]", "char", len), py.None()).into_pyobject(py)
}

/// A submitted struct: its fields as `name#type`, and its exact type or None.
pub(crate) fn event<'py>(
    py: Python<'py>,
    layout: &EventLayout,
) -> PyResult<(Vec<String>, Bound<'py, PyAny>)> {
    let exact = match &layout.ty {
        Some(ty @ TypeDesc::Struct { .. }) => to_python(py, ty)?,
        _ => py.None().into_bound(py),
    };
    Ok((layout.fields.clone(), exact))
}
