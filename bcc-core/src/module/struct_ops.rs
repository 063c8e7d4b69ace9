//! Programs in place of a kernel struct's functions.

use super::Module;
use crate::Error;
use crate::link::{AttachError, AttachKind, Link, Problem, struct_ops};
use crate::program::LoadError;
use crate::program::kind::{Hook, Named, named};
use crate::program::struct_ops::StructOps;
use crate::program::target::KernelFunctions;
use std::os::fd::{AsFd, AsRawFd};

/// The number of the member that a program stands in for, and the type id of its struct.
pub(super) fn member_of(
    functions: &dyn KernelFunctions,
    program: &str,
    named: &Named<'_>,
) -> Result<(u32, u32), LoadError> {
    let missing = || LoadError::Target {
        program: program.to_owned(),
        target: format!("struct {} with a function {}", named.module, named.target),
        module: "vmlinux".to_owned(),
    };
    let ops = functions.struct_ops(named.module)?.ok_or_else(missing)?;
    let (number, member) = ops.member(named.target).ok_or_else(missing)?;
    if !member.is_function {
        return Err(missing());
    }
    Ok((number, ops.type_id))
}

impl Module {
    /// Registers the programs of `BPF_STRUCT_OPS(name, …)` with the kernel, and `values` for members that
    /// hold data, as bytes in memory order (shorter ones are filled up with zeros).
    ///
    /// # Errors
    /// [`Error::Load`] of the first program that fails, [`Error::Attach`] for members that are not there
    /// and for what the kernel refuses.
    ///
    /// # Kernel support
    /// 5.6. Before 6.4 what is registered stays when the process is killed.
    pub fn attach_struct_ops(&self, name: &str, values: &[(&str, &[u8])]) -> Result<Link, Error> {
        let fail = |problem: Problem| AttachError {
            kind: AttachKind::StructOps,
            target: name.to_owned(),
            problem,
            hint: None,
            detaching: false,
        };
        let ops = self.options.functions.struct_ops(name)?;
        let ops = ops.ok_or_else(|| fail(Problem::NotFound))?;
        let btf = self.btf().ok_or_else(|| fail(Problem::Unsupported))?;
        let mut value = vec![0; ops.value_size];
        for (member, bytes) in values {
            put(&ops, &mut value, member, bytes, false).map_err(fail)?;
        }
        let mut programs = Vec::new();
        for spec in &self.spec.programs {
            let member = named(&spec.name)
                .filter(|named| named.kind.hook == Hook::StructOps && named.module == name);
            let Some(member) = member else { continue };
            let program = self.load_program(&spec.name, None, None)?;
            let fd = u64::try_from(program.as_fd().as_raw_fd()).unwrap_or(0);
            put(&ops, &mut value, member.target, &fd.to_ne_bytes(), true).map_err(fail)?;
            programs.push(program);
        }
        Ok(struct_ops::attach(btf, name, ops.value_type_id, &value)?)
    }
}

/// Puts the bytes of a member into the value of the map.
fn put(
    ops: &StructOps,
    value: &mut [u8],
    name: &str,
    bytes: &[u8],
    is_function: bool,
) -> Result<(), Problem> {
    let found = ops.member(name).filter(|(_, member)| member.is_function == is_function);
    let (_, member) = found.ok_or(Problem::Invalid("the struct has no such member"))?;
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let start = ops.data_offset + member.offset;
    let place = value.get_mut(start..start + member.size).filter(|place| end <= place.len());
    let place = place.ok_or(Problem::Invalid("the value is larger than the member"))?;
    place[..end].copy_from_slice(&bytes[..end]);
    Ok(())
}
