//! Instructions as text.

use bcc_core::disasm;
use bcc_core::program::helpers;
use bcc_sys::bpf::insn;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// One line per instruction.
#[pyfunction]
pub(crate) fn disassemble(insns: &[u8]) -> Vec<String> {
    disasm::lines(insns)
}

/// The line of instruction number `index`, given its 8 bytes and the next instruction's; and whether it
/// takes both.
#[pyfunction]
pub(crate) fn disassemble_instruction(index: usize, bytes: &[u8]) -> PyResult<(String, usize)> {
    let insns = insn::from_bytes(bytes);
    let first = insns.first().ok_or_else(|| PyValueError::new_err("an instruction has 8 bytes"))?;
    let wide = first.code == insn::Insn::LD_IMM64;
    Ok((disasm::instruction(index, *first, insns.get(1).copied()), usize::from(wide)))
}

/// Names of helpers, by id.
#[pyfunction]
pub(crate) fn helper_names() -> Vec<&'static str> {
    (0..).map_while(helpers::name).collect()
}
