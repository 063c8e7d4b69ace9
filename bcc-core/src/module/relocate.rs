//! Puts what only the running kernel knows into instructions: map descriptors, kernel functions.

use crate::map::Map;
use crate::program::LoadError;
use crate::program::target::{KernelFunction, KernelFunctions};
use crate::spec::{ProgramSpec, RelocationKind};
use bcc_sys::bpf::insn::{Insn, pseudo};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Patched instructions, and the module BTFs that kfunc calls in them name by index (from 1).
#[derive(Debug, Default)]
pub(super) struct Relocated {
    pub(super) insns: Vec<u8>,
    pub(super) modules: Vec<OwnedFd>,
}

/// Modules whose kfuncs are looked for once vmlinux does not have a function.
type Modules<'a> = &'a [String];

/// Patches all places of `program`.
///
/// # Errors
/// [`LoadError::Relocation`] for places that do not exist or refer to no map of the module,
/// [`LoadError::Target`] for a kernel function that the kernel does not have.
pub(super) fn relocate(
    program: &ProgramSpec,
    maps: &[Map],
    functions: &dyn KernelFunctions,
    modules: Modules<'_>,
) -> Result<Relocated, LoadError> {
    let mut out = Relocated { insns: program.insns.clone(), modules: Vec::new() };
    let mut named: Vec<String> = Vec::new();
    for relocation in &program.relocations {
        let fail = |what: String| LoadError::Relocation {
            program: program.name.clone(),
            insn: relocation.insn,
            what,
        };
        let at = relocation.insn as usize * Insn::SIZE;
        let fd = |name: &str| {
            let map = maps.iter().find(|map| map.name() == name);
            map.map(|map| map.as_fd().as_raw_fd())
                .ok_or_else(|| fail(format!("map {name}, which the module does not have")))
        };
        match &relocation.kind {
            RelocationKind::Map(name) => {
                let wide = wide_at(&mut out.insns, at).ok_or_else(|| fail("no ld_imm64".into()))?;
                put(wide, (pseudo::MAP_FD, fd(name)?, 0));
            }
            RelocationKind::MapValue { map, offset } => {
                let wide = wide_at(&mut out.insns, at).ok_or_else(|| fail("no ld_imm64".into()))?;
                let offset = offset.cast_signed();
                put(wide, (pseudo::MAP_VALUE, fd(map)?, offset));
            }
            RelocationKind::Kfunc(name) => {
                let found = kfunc(functions, program, name, modules)?;
                let index = match found.module {
                    None => 0,
                    Some((module, btf)) => match named.iter().position(|known| *known == module) {
                        Some(at) => at + 1,
                        None => {
                            named.push(module);
                            out.modules.push(btf);
                            named.len()
                        }
                    },
                };
                let slot = out.insns.get_mut(at..at + Insn::SIZE);
                let slot = slot.ok_or_else(|| fail("no instruction".into()))?;
                let off = i16::try_from(index).map_err(|_many| fail("too many modules".into()))?;
                let imm = found.btf_id.cast_signed();
                slot.copy_from_slice(
                    &Insn::new(Insn::CALL, 0, pseudo::KFUNC_CALL, off, imm).to_bytes(),
                );
            }
        }
    }
    Ok(out)
}

/// Both halves of the `ld_imm64` at byte `at`.
fn wide_at(insns: &mut [u8], at: usize) -> Option<&mut [u8; 16]> {
    let wide = insns.get_mut(at..)?.first_chunk_mut::<16>()?;
    (wide[0] == Insn::LD_IMM64).then_some(wide)
}

/// Source register, immediates of the two halves.
fn put(wide: &mut [u8; 16], (src, low, high): (u8, i32, i32)) {
    wide[1] = (wide[1] & 0xf) | (src << 4);
    wide[4..8].copy_from_slice(&low.to_ne_bytes());
    wide[12..16].copy_from_slice(&high.to_ne_bytes());
}

struct Kfunc {
    btf_id: u32,
    module: Option<(String, OwnedFd)>,
}

fn kfunc(
    functions: &dyn KernelFunctions,
    program: &ProgramSpec,
    name: &str,
    modules: Modules<'_>,
) -> Result<Kfunc, LoadError> {
    let vmlinux = crate::program::target::find(functions, &program.name, "vmlinux", name);
    let error = match vmlinux {
        Ok(KernelFunction { btf_id, .. }) => return Ok(Kfunc { btf_id, module: None }),
        Err(error @ LoadError::Target { .. }) => error,
        Err(error) => return Err(error),
    };
    for module in modules {
        let found = crate::program::target::find(functions, &program.name, module, name);
        if let Ok(KernelFunction { btf_id, module: Some(btf) }) = found {
            return Ok(Kfunc { btf_id, module: Some((module.clone(), btf)) });
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Relocation;

    struct Fixed;
    impl KernelFunctions for Fixed {
        fn type_id(&self, module: &str, name: &str) -> Result<Option<u32>, LoadError> {
            Ok((module == "vmlinux" && name == "bpf_rcu_read_lock").then_some(77))
        }
    }

    fn program(insns: &[Insn], insn: u32, kind: RelocationKind) -> ProgramSpec {
        ProgramSpec {
            name: "f".into(),
            insns: bcc_sys::bpf::insn::to_bytes(insns),
            relocations: vec![Relocation { insn, kind }],
            ..Default::default()
        }
    }

    #[test]
    fn kernel_functions_are_called_by_btf_id() {
        let call = program(&[Insn::call(0)], 0, RelocationKind::Kfunc("bpf_rcu_read_lock".into()));
        let insns = relocate(&call, &[], &Fixed, &[]).unwrap().insns;
        let call = bcc_sys::bpf::insn::from_bytes(&insns)[0];
        assert_eq!((call.src(), call.imm, call.off), (pseudo::KFUNC_CALL, 77, 0));
    }

    #[test]
    fn places_outside_of_the_program_are_errors() {
        for (insns, insn) in [(vec![Insn::exit()], 0), (vec![Insn::exit()], 9), (vec![], u32::MAX)]
        {
            let kind = RelocationKind::Map("t".into());
            let error = relocate(&program(&insns, insn, kind), &[], &Fixed, &[]).unwrap_err();
            assert!(matches!(error, LoadError::Relocation { .. }), "{error}");
        }
    }
}
