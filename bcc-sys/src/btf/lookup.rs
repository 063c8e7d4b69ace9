//! Questions about structs that more than one stage asks.

use super::reader::Btf;
use super::types::{Composite, Member, Type, TypeId};

/// Anonymous members nest a few deep in kernels; damaged bytes may nest without end.
const DEPTH: u32 = 16;

/// No struct has as many members, those of anonymous ones included.
const MEMBERS: u32 = 1 << 16;

/// The member `name` of a struct or union, with its offset in bits from the outermost one; looks
/// into anonymous members.
pub fn member<'a>(btf: &'a Btf, id: TypeId, name: &str) -> Option<Member<'a>> {
    find(btf, id, &mut |member| member.name == name, DEPTH, &mut { MEMBERS })
}

/// Whether a member's name, also inside of anonymous ones, satisfies `wanted`.
pub fn any_member(btf: &Btf, id: TypeId, mut wanted: impl FnMut(&str) -> bool) -> bool {
    find(btf, id, &mut |member| wanted(member.name), DEPTH, &mut { MEMBERS }).is_some()
}

fn find<'a>(
    btf: &'a Btf,
    id: TypeId,
    wanted: &mut dyn FnMut(&Member<'a>) -> bool,
    depth: u32,
    left: &mut u32,
) -> Option<Member<'a>> {
    let composite = composite(btf, id)?;
    for mut member in composite.members() {
        *left = left.checked_sub(1)?;
        if !member.name.is_empty() {
            if wanted(&member) {
                return Some(member);
            }
        } else if depth > 0
            && let Some(inner) = find(btf, member.ty, wanted, depth - 1, left)
        {
            let outer = member.bit_offset;
            member = inner;
            member.bit_offset = member.bit_offset.saturating_add(outer);
            return Some(member);
        }
    }
    None
}

/// The struct or union below typedefs and modifiers.
pub fn composite(btf: &Btf, id: TypeId) -> Option<Composite<'_>> {
    match btf.resolve(id)?.1 {
        Type::Composite(composite) => Some(composite),
        _ => None,
    }
}

/// Bytes of a value of this type; `None` for what has no size.
pub fn size_of(btf: &Btf, id: TypeId) -> Option<u32> {
    let (mut id, mut times) = (id, 1u32);
    for _ in 0..16 {
        match btf.resolve(id)?.1 {
            Type::Array { elem, len } => {
                times = times.checked_mul(len)?;
                id = elem;
            }
            Type::Int(int) => return times.checked_mul(int.size),
            Type::Float { size, .. } => return times.checked_mul(size),
            Type::Composite(c) => return times.checked_mul(c.size),
            Type::Enum(e) => return times.checked_mul(e.size),
            Type::Ptr(_) => return times.checked_mul(8),
            _ => return None,
        }
    }
    None
}
