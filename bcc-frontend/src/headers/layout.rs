//! How a struct of BTF is laid out when C's own rules are applied to the members that are kept.

use super::closure::Closure;
use super::types::Ref;
use bcc_sys::btf::{Composite, Member, Type};

/// Members to write, and what is needed for C to place them where BTF says.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    /// Members in order.
    pub(super) members: Vec<Member<'a>>,
    /// Needs the packed attribute.
    pub(super) packed: bool,
    /// Alignment of the written struct in bytes.
    pub(super) align: u32,
}

impl<'a> Closure<'a> {
    /// Lays out a struct or union; `whole` keeps every member, else only those that may be used.
    pub(super) fn layout(&self, at: Ref, composite: &Composite<'a>, whole: bool) -> Layout<'a> {
        let members: Vec<Member<'a>> =
            composite.members().filter(|member| whole || self.is_wanted(at, member)).collect();
        let (mut align, mut misplaced) = (1, false);
        for member in &members {
            let natural = self.align_of(self.types.at(at.space, member.ty), whole);
            align = align.max(natural);
            misplaced |= match member.bit_width {
                None => !member.bit_offset.is_multiple_of(natural * 8),
                Some(width) => {
                    let unit = self.types.size_of(self.types.at(at.space, member.ty)).max(1) * 8;
                    width > 0 && member.bit_offset / unit != (member.bit_offset + width - 1) / unit
                }
            };
        }
        let packed = misplaced || !composite.size.is_multiple_of(align);
        Layout { members, packed, align: if packed { 1 } else { align } }
    }

    fn is_wanted(&self, at: Ref, member: &Member<'_>) -> bool {
        if member.name.is_empty() {
            return self
                .types
                .any_member(self.types.at(at.space, member.ty), |name| self.has_word(name));
        }
        self.has_word(member.name)
    }

    /// Alignment in bytes of a type as it is written.
    pub(super) fn align_of(&self, at: Ref, whole: bool) -> u32 {
        let (at, ty) = self.types.resolve(at);
        match ty {
            Type::Int(int) => int.size.clamp(1, 16),
            Type::Float { size, .. } => size.clamp(1, 16),
            Type::Enum(e) => e.size.clamp(1, 8),
            Type::Ptr(_) => 8,
            Type::Array { elem, .. } => self.align_of(self.types.at(at.space, elem), whole),
            Type::Composite(composite) => {
                let inner =
                    if composite.name.is_empty() { whole } else { self.is_whole(at, &composite) };
                if let Some(known) = self.aligns.borrow().get(&(at, inner)) {
                    return *known;
                }
                let align = self.layout(at, &composite, inner).align;
                self.aligns.borrow_mut().insert((at, inner), align);
                align
            }
            _ => 1,
        }
    }
}
