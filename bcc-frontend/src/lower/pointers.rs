//! Constant tables of pointers, such as names by number: a load at a run-time index becomes a choice
//! among the constants, because a map's memory cannot hold the address of another one's.

use crate::llvm::{Builder, Context, Module, Opcode, Type, Value};
use bcc_core::mutation;

/// Entries that a choice may have.
const MAX_ENTRIES: i64 = 256;

/// An address in a table: `offset + index * stride` bytes.
#[derive(Default)]
struct Address {
    offset: i64,
    index: Option<(Value, i64)>,
}

/// Lowers every such load in `functions`.
pub(super) fn lower(context: &Context, module: &Module<'_>, functions: &[Value]) {
    if mutation::off("lower:pointers") {
        return;
    }
    let builder = Builder::new(context);
    for load in functions.iter().flat_map(|function| function.instructions()) {
        if load.opcode() == Some(Opcode::LLVMLoad)
            && let Some((index, entries)) = entries(module, load.operand(0), load.ty())
            && let Some((&(_, first), others)) = entries.split_first()
        {
            builder.before(load);
            let mut chosen = first;
            for &(number, entry) in others {
                let number = index.ty().constant(number.cast_unsigned());
                chosen = builder.select(builder.equal(index, number), entry, chosen);
            }
            load.replace_with(chosen);
            load.erase();
        }
    }
}

/// The index into the table of pointers at `address`, and what a load of type `wanted` gives for each of
/// its values. Numbers beside the pointers are chosen too, so that the table need not be in memory.
fn entries(
    module: &Module<'_>,
    address: Value,
    wanted: Type,
) -> Option<(Value, Vec<(i64, Value)>)> {
    let mut place = Address::default();
    let mut base = address;
    while base.opcode() == Some(Opcode::LLVMGetElementPtr) {
        add(module, base, &mut place)?;
        base = base.operand(0);
    }
    let table = (base.is_global() && base.is_constant_global()).then(|| base.initializer())??;
    if !has_pointers(table.ty()) {
        return None;
    }
    let (index, stride) = place.index.filter(|(_, stride)| *stride > 0)?;
    let size = i64::try_from(module.size_of(table.ty())).ok()?;
    // The constant part may lie before the table, as in `names[i - 1]`.
    let first = place.offset.checked_neg()?.max(0).checked_add(stride - 1)? / stride;
    let mut entries = Vec::new();
    for number in first.. {
        let at = place.offset.checked_add(number.checked_mul(stride)?)?;
        if at >= size {
            break;
        }
        if number - first >= MAX_ENTRIES {
            return None;
        }
        entries.push((number, scalar_at(module, table, wanted, u64::try_from(at).ok()?)?));
    }
    Some((index, entries))
}

/// Adds what a `getelementptr` moves by; nothing when it has a second index that is not constant.
fn add(module: &Module<'_>, instruction: Value, place: &mut Address) -> Option<()> {
    let mut ty = instruction.source_element_type();
    for (position, index) in instruction.operands().into_iter().skip(1).enumerate() {
        if position > 0 {
            if ty.is_struct() {
                let member = u32::try_from(index.constant()?).ok()?;
                place.offset += i64::try_from(module.offset_of(ty, member)).ok()?;
                ty = ty.member(member)?;
                continue;
            }
            ty = ty.element();
        }
        let stride = i64::try_from(module.size_of(ty)).ok()?;
        match index.constant() {
            Some(number) => {
                place.offset = place.offset.checked_add(number.checked_mul(stride)?)?;
            }
            None if place.index.is_none() => place.index = Some((index, stride)),
            None => return None,
        }
    }
    Some(())
}

/// Whether values of this type hold pointers.
fn has_pointers(ty: Type) -> bool {
    if ty.is_struct() {
        return (0..).map_while(|member| ty.member(member)).any(has_pointers);
    }
    ty.is_pointer() || ty.is_array() && has_pointers(ty.element())
}

/// The scalar of type `wanted` at byte `offset` of a constant.
fn scalar_at(module: &Module<'_>, constant: Value, wanted: Type, offset: u64) -> Option<Value> {
    let ty = constant.ty();
    if ty.is_struct() {
        let starts = |member: &u32| module.offset_of(ty, *member) <= offset;
        let member = (0..).take_while(|m| ty.member(*m).is_some()).filter(starts).last()?;
        let rest = offset - module.offset_of(ty, member);
        return scalar_at(module, constant.aggregate_element(member)?, wanted, rest);
    }
    if ty.is_array() {
        let size = module.size_of(ty.element());
        let index = u32::try_from(offset.checked_div(size)?).ok()?;
        return scalar_at(module, constant.aggregate_element(index)?, wanted, offset % size);
    }
    (offset == 0 && ty == wanted).then_some(constant)
}
