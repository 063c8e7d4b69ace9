//! One program from the object: its entry, the functions it calls behind it, and what the loader patches.

use super::btf::{FunctionInfo, Order};
use super::object::{Object, R_BPF_64_32, R_BPF_64_64, Relocation as ObjectRelocation, Section};
use bcc_core::mutation;
use bcc_core::spec::{ProgramSpec, Relocation, RelocationKind};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes per instruction.
const INSN: usize = 8;
/// `src_reg` of an `ld_imm64` that loads the address of a function.
const PSEUDO_FUNC: u8 = 4;

/// What a program is linked from.
pub(super) struct Linker<'a> {
    pub(super) object: &'a Object,
    pub(super) order: Order,
    pub(super) infos: &'a BTreeMap<String, FunctionInfo>,
    pub(super) kernel_functions: &'a [String],
}

/// A program and what it needs besides.
pub(super) struct Linked {
    pub(super) program: ProgramSpec,
    /// Sections of global variables that it refers to.
    pub(super) data: BTreeSet<usize>,
    /// Type ids of its functions and their lines, by instruction index.
    pub(super) infos: Vec<(u32, FunctionInfo)>,
}

/// Why a program can't be linked; the rest of the sentence "function `f` ...".
pub(super) type LinkError = String;

impl Linker<'_> {
    /// Links the function in section `section`.
    ///
    /// # Errors
    /// What the program refers to that no loader could provide.
    pub(super) fn link(&self, name: &str, section: usize) -> Result<Linked, LinkError> {
        let mut functions = vec![(section, 0_usize)];
        let mut insns = self.code(section)?.data.clone();
        let mut done = 0;
        let mut relocations = Vec::new();
        let mut data = BTreeSet::new();
        let mut calls = Vec::new();
        while let Some(&(function, start)) = functions.get(done) {
            done += 1;
            for relocation in &self.code(function)?.relocations {
                let at = start + relocation.offset;
                if insns.len() < at + INSN {
                    return Err("has a relocation outside its code".to_owned());
                }
                match self.resolve(relocation, &insns[at..])? {
                    Target::Kernel(kind) => relocations.push((at, kind)),
                    Target::Data { section, offset } => {
                        data.insert(section);
                        let map = self.object.sections[section].name.clone();
                        relocations.push((at, RelocationKind::MapValue { map, offset }));
                    }
                    Target::Function(callee) => {
                        if !functions.iter().any(|(f, _)| *f == callee) {
                            functions.push((callee, insns.len()));
                            insns.extend(&self.code(callee)?.data);
                        }
                        calls.push((at, callee));
                    }
                }
            }
        }
        let starts: BTreeMap<usize, usize> = functions.iter().copied().collect();
        for (at, callee) in calls {
            self.point_at(&mut insns, at, starts[&callee]);
        }
        relocations.sort_by_key(|(at, _)| *at);
        let program = ProgramSpec {
            name: name.to_owned(),
            insns,
            relocations: relocations
                .into_iter()
                .map(|(at, kind)| Relocation { insn: index(at), kind })
                .collect(),
            ..ProgramSpec::default()
        };
        let info = |section: usize| self.infos.get(&self.object.sections[section].name).cloned();
        let infos = functions
            .into_iter()
            .map(|(section, start)| (index(start), info(section).unwrap_or_default()))
            .collect();
        Ok(Linked { program, data, infos })
    }

    fn code(&self, section: usize) -> Result<&Section, LinkError> {
        self.object.sections.get(section).ok_or_else(|| "has no code".to_owned())
    }

    fn resolve(&self, relocation: &ObjectRelocation, insn: &[u8]) -> Result<Target, LinkError> {
        let symbol = self
            .object
            .symbols
            .get(relocation.symbol)
            .ok_or_else(|| "refers to a symbol that does not exist".to_owned())?;
        let Some((section, target)) = self.object.section_of(relocation.symbol) else {
            return match relocation.kind {
                R_BPF_64_32 if self.kernel_functions.contains(&symbol.name) => {
                    Ok(Target::Kernel(RelocationKind::Kfunc(symbol.name.clone())))
                }
                R_BPF_64_32 => Err(format!(
                    "calls `{}`: BPF has no library, so its size must be small and constant",
                    symbol.name
                )),
                _ => Err(format!("refers to `{}`, which is not defined", symbol.name)),
            };
        };
        if target.executable && !mutation::off("emit:subprograms") {
            return Ok(Target::Function(section));
        }
        if relocation.kind != R_BPF_64_64 {
            return Err(format!("calls `{}`, which is not a function", symbol.name));
        }
        let addend = self.order.u32(insn, 4).unwrap_or(0) as usize;
        if target.name.starts_with("maps/") {
            let name = if symbol.name.is_empty() {
                self.map_at(section, addend)
            } else {
                (addend == 0).then(|| symbol.name.clone())
            };
            let name = name.ok_or_else(|| {
                format!("reads or writes a member of the table `{}` itself", symbol.name)
            })?;
            return Ok(Target::Kernel(RelocationKind::Map(name)));
        }
        let offset = index32(symbol.value.wrapping_add(addend));
        Ok(Target::Data { section, offset })
    }

    fn map_at(&self, section: usize, value: usize) -> Option<String> {
        let here = |s: &&super::object::Symbol| s.section == Some(section) && s.value == value;
        let symbol = self.object.symbols.iter().filter(|s| !s.name.is_empty()).find(here)?;
        Some(symbol.name.clone())
    }

    /// Makes the call or address at byte `at` refer to the function that starts at byte `start`.
    fn point_at(&self, insns: &mut [u8], at: usize, start: usize) {
        let distance = index(start).wrapping_sub(index(at)).wrapping_sub(1);
        insns[at + 4..at + INSN].copy_from_slice(&self.order.bytes(distance));
        if insns[at] == LD_IMM64 && !mutation::off("emit:callbacks") {
            let registers = insns[at + 1];
            insns[at + 1] = if self.order.big {
                (registers & 0xf0) | PSEUDO_FUNC
            } else {
                (registers & 0x0f) | (PSEUDO_FUNC << 4)
            };
            insns[at + INSN + 4..at + 2 * INSN].fill(0);
        }
    }
}

enum Target {
    Kernel(RelocationKind),
    Data { section: usize, offset: u32 },
    Function(usize),
}

const LD_IMM64: u8 = 0x18;

fn index(byte: usize) -> u32 {
    index32(byte / INSN)
}

fn index32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
