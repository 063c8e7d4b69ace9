//! Tables of pointers: a load at a run-time index becomes a choice among the entries.
//!
//! Constant tables, such as names by number, because a map's memory cannot hold the address of another
//! one's ([`lower`]). Local ones of what programs access directly, because the verifier forgets what lay
//! at an offset that varies ([`split`]).

use super::provenance::Provenance;
use crate::llvm::{Builder, Context, Module, Opcode, Type, Value};
use bcc_core::mutation;
use std::collections::BTreeMap;

/// Entries that a choice may have.
const MAX_ENTRIES: usize = 256;

/// An address in a table: `offset` bytes after `base`, and so many times each index.
struct Address {
    base: Value,
    offset: i64,
    terms: Vec<(Value, i64)>,
}

/// Lowers every load from a constant table in `functions`.
pub(super) fn lower(context: &Context, module: &Module<'_>, functions: &[Value]) {
    if mutation::off("lower:pointers") {
        return;
    }
    let builder = Builder::new(context);
    for load in loads(functions) {
        if let Some(address) = Address::of(module, load.operand(0))
            && let Some(places) = constant_places(module, &address)
        {
            let entry =
                |at| scalar_at(module, address.table()?, load.ty(), u64::try_from(at).ok()?);
            builder.before(load);
            choose(&builder, load, &address, &places, entry);
        }
    }
}

/// Splits loads of pointers that `provenance` knows to lie in a local table and to be usable as they are;
/// whether there were any.
pub(super) fn split(
    context: &Context,
    module: &Module<'_>,
    functions: &[Value],
    provenance: &Provenance<'_>,
) -> bool {
    if mutation::off("lower:split") {
        return false;
    }
    let builder = Builder::new(context);
    let mut any = false;
    for load in loads(functions) {
        let address = load.operand(0);
        if provenance.loaded(load).is_usable()
            && let Some(address) = Address::of(module, address)
            && address.base.opcode() == Some(Opcode::LLVMAlloca)
            && let Some(size) = size_of(module, address.base.allocated())
            && let Some(last) = size_of(module, load.ty()).and_then(|len| size.checked_sub(len))
            && let Some(places) = address.places(last + 1)
        {
            builder.before(load);
            let (ty, align) = (load.ty(), module.align_of(load.ty()).clamp(1, 8));
            let entry = |at| {
                let place = builder.offset(address.base, u64::try_from(at).ok()?);
                Some(builder.load(ty, place, align))
            };
            any |= choose(&builder, load, &address, &places, entry);
        }
    }
    any
}

fn loads(functions: &[Value]) -> impl Iterator<Item = Value> {
    let instructions = functions.iter().flat_map(|function| function.instructions());
    instructions.filter(|i| i.opcode() == Some(Opcode::LLVMLoad))
}

/// Puts a choice among the entries at `places` for `load`; false when there is no entry at one of them.
fn choose(
    builder: &Builder<'_>,
    load: Value,
    address: &Address,
    places: &BTreeMap<i64, i64>,
    entry: impl Fn(i64) -> Option<Value>,
) -> bool {
    let Some(index) = address.index(builder) else { return false };
    let entries: Option<Vec<Value>> = places.values().map(|at| entry(*at)).collect();
    let Some((first, others)) = entries.as_deref().and_then(<[Value]>::split_first) else {
        return false;
    };
    let mut chosen = *first;
    for (number, entry) in places.keys().skip(1).zip(others) {
        let number = index.ty().constant(number.cast_unsigned());
        chosen = builder.select(builder.equal(index, number), *entry, chosen);
    }
    load.replace_with(chosen);
    load.erase();
    true
}

impl Address {
    /// Takes an address apart; nothing when it has no index that varies.
    fn of(module: &Module<'_>, address: Value) -> Option<Self> {
        let mut place = Self { base: address, offset: 0, terms: Vec::new() };
        while place.base.opcode() == Some(Opcode::LLVMGetElementPtr) {
            place.add(module, place.base)?;
            place.base = place.base.operand(0);
        }
        let has_terms = !place.terms.is_empty() && place.terms.iter().all(|(_, by)| *by > 0);
        has_terms.then_some(place)
    }

    /// Adds what a `getelementptr` moves by.
    fn add(&mut self, module: &Module<'_>, instruction: Value) -> Option<()> {
        let mut ty = instruction.source_element_type();
        for (position, index) in instruction.operands().into_iter().skip(1).enumerate() {
            if position > 0 {
                if ty.is_struct() {
                    let member = u32::try_from(index.constant()?).ok()?;
                    self.offset += i64::try_from(module.offset_of(ty, member)).ok()?;
                    ty = ty.member(member)?;
                    continue;
                }
                ty = ty.element();
            }
            let stride = size_of(module, ty)?;
            match index.constant() {
                Some(number) => {
                    self.offset = self.offset.checked_add(number.checked_mul(stride)?)?;
                }
                None => self.terms.push((index, stride)),
            }
        }
        Some(())
    }

    /// The greatest number of bytes that all indexes move by multiples of.
    fn step(&self) -> i64 {
        self.terms.iter().fold(0, |step, (_, stride)| gcd(step, *stride))
    }

    /// The one number that the indexes amount to, in steps.
    fn index(&self, builder: &Builder<'_>) -> Option<Value> {
        let (first, others) = self.terms.split_first()?;
        let scaled = |(index, stride): &(Value, i64)| match stride / self.step() {
            1 => *index,
            times => builder.multiply(*index, index.ty().constant(times.cast_unsigned())),
        };
        let same = others.iter().all(|(index, _)| index.ty() == first.0.ty());
        same.then(|| others.iter().map(scaled).fold(scaled(first), |a, b| builder.add(a, b)))
    }

    /// The places within `size` bytes that the indexes can lead to, by the number that
    /// [`Self::index`] has there; nothing when they are too many.
    fn places(&self, size: i64) -> Option<BTreeMap<i64, i64>> {
        let mut moves = vec![0_i64];
        for (_, stride) in &self.terms {
            // The constant part may lie before the table, as in `names[i - 1]`.
            let room = size.checked_sub(self.offset.min(0))?;
            let count = usize::try_from(room / stride + 1).ok()?;
            if moves.len().checked_mul(count)? > MAX_ENTRIES * MAX_ENTRIES {
                return None;
            }
            let by = || (0..).map(|n| n * stride).take(count);
            moves = moves.iter().flat_map(|start| by().map(move |by| start + by)).collect();
        }
        let inside = moves.into_iter().filter(|by| (0..size).contains(&(self.offset + by)));
        let places: BTreeMap<i64, i64> =
            inside.map(|by| (by / self.step(), self.offset + by)).collect();
        (places.len() <= MAX_ENTRIES).then_some(places)
    }

    /// What the constant table holds that this is an address in.
    fn table(&self) -> Option<Value> {
        let constant = self.base.is_global() && self.base.is_constant_global();
        constant.then(|| self.base.initializer()).flatten()
    }
}

/// The places in a constant table of pointers. Numbers beside the pointers are chosen too, so that the
/// table need not be in memory.
fn constant_places(module: &Module<'_>, address: &Address) -> Option<BTreeMap<i64, i64>> {
    let table = address.table()?.ty();
    has_pointers(table).then(|| address.places(size_of(module, table)?)).flatten()
}

fn size_of(module: &Module<'_>, ty: Type) -> Option<i64> {
    i64::try_from(module.size_of(ty)).ok()
}

fn gcd(a: i64, b: i64) -> i64 {
    if a == 0 { b } else { gcd(b % a, a) }
}

/// Whether values of this type hold pointers.
pub(crate) fn has_pointers(ty: Type) -> bool {
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
