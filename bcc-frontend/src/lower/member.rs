//! What an address says of the member that is read there, as far as the verifier's walk through BTF goes.
//!
//! The verifier (`btf_struct_walk` in the kernel) follows a pointer to a struct, to members at constant
//! offsets. What a pointer to anything else points to, as characters, it takes for no memory at all; of
//! the members of a union it takes the first that lies there.

use crate::llvm::{Module, Opcode, Type, Value};
use bcc_core::mutation;

/// How the LLVM type of a C union is called.
const UNION: &str = "union.";

/// The place that an address names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// From the pointer that it starts with, `None` when it varies.
    offset: Option<i64>,
    /// It is a member of a struct rather than what a pointer points to.
    in_struct: bool,
    in_union: bool,
}

impl Member {
    pub(super) fn of(module: &Module<'_>, address: Value) -> Self {
        let mut member = Self { offset: Some(0), in_struct: false, in_union: false };
        let mut base = address;
        while base.opcode() == Some(Opcode::LLVMGetElementPtr) {
            let by = base.constant_offset(module);
            member.offset = member.offset.zip(by).and_then(|(a, b)| a.checked_add(b));
            member.step(base);
            base = base.operand(0);
        }
        member
    }

    /// Notes the types that one `getelementptr` leads through.
    fn step(&mut self, instruction: Value) {
        let mut ty = instruction.source_element_type();
        self.note(ty);
        for index in instruction.operands().into_iter().skip(2) {
            let inner = match ty.is_struct() {
                true => index.constant().and_then(|n| ty.member(u32::try_from(n).ok()?)),
                false => Some(ty.element()),
            };
            let Some(inner) = inner else { return };
            ty = inner;
            self.note(ty);
        }
    }

    fn note(&mut self, ty: Type) {
        self.in_struct |= ty.is_struct();
        self.in_union |=
            ty.is_struct() && ty.name().starts_with(UNION) && !mutation::off("lower:unions");
    }

    /// Whether the offset is not constant.
    pub(super) fn varies(self) -> bool {
        self.offset.is_none()
    }

    /// Whether the verifier knows what a pointer that lies there points to.
    pub(super) fn is_followed(self) -> bool {
        self.offset.is_some_and(|offset| offset >= 0) && !self.in_union
    }

    /// Whether a program may load a `ty` there. A pointer out of a union may be meant for a helper,
    /// which takes nothing but what was loaded.
    pub(super) fn is_readable(self, ty: Type) -> bool {
        let inside = self.offset.is_some_and(|offset| offset >= 0);
        inside && (ty.is_pointer() || self.in_struct && !self.in_union)
    }
}
