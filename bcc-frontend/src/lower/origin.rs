//! Where a pointer (or an integer that may become one) comes from, and what memory holds.

use crate::llvm::Value;
use std::collections::{BTreeMap, HashMap};

/// A set of kinds of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    /// A context whose members are kernel or user pointers: registers, tracepoint arguments.
    pub(super) const RAW_CONTEXT: Self = Self(1);
    /// A context whose members the verifier knows.
    pub(super) const CONTEXT: Self = Self(2);
    /// Memory that programs access directly and whose contents are not followed: map values, packets.
    pub(super) const DIRECT: Self = Self(4);
    /// Kernel objects whose type the verifier knows.
    pub(super) const TRUSTED: Self = Self(8);
    /// Any other address: only a helper may read it.
    pub(super) const UNTRUSTED: Self = Self(16);
    /// A context of pointers to [`Self::BTF`].
    pub(super) const BTF_CONTEXT: Self = Self(32);
    /// Kernel objects that the verifier follows by their types in BTF, in a program that may have a
    /// helper read them as well.
    pub(super) const BTF: Self = Self(64);

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The memory that a value may point into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Origin {
    pub(super) kinds: Kinds,
    /// Locals and globals with the byte offset, `None` when it varies; sorted.
    pub(super) objects: Vec<(Value, Option<i64>)>,
}

impl From<Kinds> for Origin {
    fn from(kinds: Kinds) -> Self {
        Self { kinds, objects: Vec::new() }
    }
}

impl Origin {
    /// The start of a local or global variable.
    pub(super) fn object(value: Value) -> Self {
        Self { kinds: Kinds::NONE, objects: vec![(value, Some(0))] }
    }

    /// Whether nothing is known yet.
    pub(super) fn is_empty(&self) -> bool {
        self.kinds == Kinds::NONE && self.objects.is_empty()
    }

    /// Whether it may be an address that a program can use by itself.
    pub(super) fn is_usable(&self) -> bool {
        self.kinds.without(Kinds::UNTRUSTED) != Kinds::NONE || !self.objects.is_empty()
    }

    /// Whether reading there takes a helper.
    pub(super) fn needs_helper(&self) -> bool {
        self.kinds.has(Kinds::UNTRUSTED) || self.is_empty()
    }

    /// Adds `other`; true when something was new.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        let kinds = self.kinds.with(other.kinds);
        let mut changed = kinds != self.kinds;
        self.kinds = kinds;
        for &(object, offset) in &other.objects {
            match self.objects.binary_search_by_key(&object, |(o, _)| *o) {
                Ok(at) => {
                    let known = &mut self.objects[at].1;
                    if known.is_some() && *known != offset {
                        *known = None;
                        changed = true;
                    }
                }
                Err(at) => {
                    self.objects.insert(at, (object, offset));
                    changed = true;
                }
            }
        }
        changed
    }

    /// The same memory, `by` bytes further.
    pub(super) fn moved(&self, by: Option<i64>) -> Self {
        let mut moved = self.clone();
        for (_, offset) in &mut moved.objects {
            *offset = offset.zip(by).and_then(|(a, b)| a.checked_add(b));
        }
        moved
    }
}

/// What was stored in one local or global.
#[derive(Debug, Default, Clone)]
struct Contents {
    cells: BTreeMap<i64, Origin>,
    /// Stored at offsets that vary.
    anywhere: Origin,
    /// Copied in from elsewhere, where no cell says more.
    filler: Origin,
}

/// The contents of locals and globals.
#[derive(Debug, Default)]
pub(super) struct Memory {
    objects: HashMap<Value, Contents>,
}

impl Memory {
    /// Stores a value that comes from `origin` at `address`; true when something was new.
    pub(super) fn store(&mut self, address: &Origin, origin: &Origin) -> bool {
        let mut changed = false;
        for &(object, offset) in &address.objects {
            let contents = self.objects.entry(object).or_default();
            let cell = match offset {
                Some(offset) => contents.cells.entry(offset).or_default(),
                None => &mut contents.anywhere,
            };
            changed |= cell.join(origin);
        }
        changed
    }

    /// Notes that bytes from elsewhere came to `address`.
    pub(super) fn fill(&mut self, address: &Origin, kinds: Kinds) -> bool {
        let origin = Origin::from(kinds);
        address.objects.iter().fold(false, |changed, (object, _)| {
            self.objects.entry(*object).or_default().filler.join(&origin) || changed
        })
    }

    /// What a load from the objects of `address` may give.
    pub(super) fn load(&self, address: &Origin) -> Origin {
        let mut result = Origin::default();
        for (object, offset) in &address.objects {
            let Some(contents) = self.objects.get(object) else { continue };
            result.join(&contents.anywhere);
            match offset {
                Some(offset) => {
                    let cell = contents.cells.get(offset).filter(|cell| !cell.is_empty());
                    result.join(cell.unwrap_or(&contents.filler));
                }
                None => {
                    result.join(&contents.filler);
                    for cell in contents.cells.values() {
                        result.join(cell);
                    }
                }
            }
        }
        result
    }

    /// Copies `len` bytes (`None`: unknown) between objects.
    pub(super) fn copy(&mut self, to: &Origin, from: &Origin, len: Option<i64>) -> bool {
        let mut changed = false;
        for &(source, start) in &from.objects {
            let Some(contents) = self.objects.get(&source).cloned() else { continue };
            for &(target, place) in &to.objects {
                let into = self.objects.entry(target).or_default();
                changed |= into.anywhere.join(&contents.anywhere);
                changed |= into.filler.join(&contents.filler);
                for (&offset, cell) in &contents.cells {
                    let within = start.is_none_or(|start| {
                        offset >= start && len.is_none_or(|len| offset - start < len)
                    });
                    if !within {
                        continue;
                    }
                    let cell_at = place.zip(start).map(|(place, start)| place + (offset - start));
                    changed |= match cell_at {
                        Some(at) => into.cells.entry(at).or_default().join(cell),
                        None => into.anywhere.join(cell),
                    };
                }
            }
        }
        changed
    }
}
