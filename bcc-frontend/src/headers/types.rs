//! The Target's types as one space: the kernel's own and those of the modules that a text needs.

use bcc_sys::btf::{Composite, Found, Index, Type, TypeId, lookup};
use std::collections::HashMap;

/// A type in one of the spaces; ids of the kernel's own types are the same in all and have space 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ref {
    pub(super) space: u8,
    pub(super) id: TypeId,
}

/// vmlinux first, then modules.
#[derive(Debug)]
pub(super) struct Types {
    spaces: Vec<Index>,
}

impl Types {
    pub(super) fn new(vmlinux: Index) -> Self {
        Self { spaces: vec![vmlinux] }
    }

    /// Adds a module's types; at most 255 modules.
    pub(super) fn add(&mut self, module: Index) {
        if self.spaces.len() < usize::from(u8::MAX) {
            self.spaces.push(module);
        }
    }

    pub(super) fn vmlinux(&self) -> &Index {
        &self.spaces[0]
    }

    /// A type id that was read in `space`.
    pub(super) fn at(&self, space: u8, id: TypeId) -> Ref {
        let shared = id.0 < self.spaces[0].btf().end();
        Ref { space: if shared { 0 } else { space }, id }
    }

    /// Decodes; damaged types are `void`.
    pub(super) fn get(&self, at: Ref) -> Type<'_> {
        self.spaces[usize::from(at.space)].btf().get(at.id).unwrap_or(Type::Void)
    }

    /// Below typedefs and modifiers.
    pub(super) fn resolve(&self, at: Ref) -> (Ref, Type<'_>) {
        match self.spaces[usize::from(at.space)].btf().resolve(at.id) {
            Some((id, ty)) => (self.at(at.space, id), ty),
            None => (at, Type::Void),
        }
    }

    pub(super) fn size_of(&self, at: Ref) -> u32 {
        lookup::size_of(self.spaces[usize::from(at.space)].btf(), at.id).unwrap_or(0)
    }

    pub(super) fn any_member(&self, at: Ref, wanted: impl FnMut(&str) -> bool) -> bool {
        lookup::any_member(self.spaces[usize::from(at.space)].btf(), at.id, wanted)
    }

    /// The struct or union that a tag stands for: the kernel's first definition, else a module's.
    pub(super) fn tagged(&self, name: &str) -> Option<Ref> {
        self.first(name, |ty| matches!(ty, Type::Composite(_)))
    }

    pub(super) fn enum_tagged(&self, name: &str) -> Option<Ref> {
        self.first(name, |ty| matches!(ty, Type::Enum(_)))
    }

    pub(super) fn typedef(&self, name: &str) -> Option<Ref> {
        self.first(name, |ty| matches!(ty, Type::Typedef { .. }))
    }

    pub(super) fn enumerator(&self, name: &str) -> Option<Ref> {
        self.find(name).find_map(|(space, found)| match found {
            Found::Enumerator(id) => Some(self.at(space, id)),
            Found::Type(_) => None,
        })
    }

    /// Whether the kernel has a function of this name that BTF tells of.
    pub(super) fn has_function(&self, name: &str) -> bool {
        self.find(name).any(|(space, found)| match found {
            Found::Type(id) => matches!(self.get(self.at(space, id)), Type::Func { .. }),
            Found::Enumerator(_) => false,
        })
    }

    fn first(&self, name: &str, wanted: impl Fn(&Type<'_>) -> bool) -> Option<Ref> {
        self.find(name).find_map(|(space, found)| match found {
            Found::Type(id) => {
                let at = self.at(space, id);
                wanted(&self.get(at)).then_some(at)
            }
            Found::Enumerator(_) => None,
        })
    }

    fn find<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (u8, Found)> + 'a {
        let spaces = (0..=u8::MAX).zip(&self.spaces);
        spaces.flat_map(move |(space, index)| index.find(name).map(move |found| (space, found)))
    }

    pub(super) fn has_member(&self, tag: &str, member: &str) -> bool {
        self.tagged(tag).is_some_and(|at| self.any_member(at, |name| name == member))
    }

    /// Bytes of a member of a struct, for constants that BTF has only as an array's length.
    pub(super) fn member_size(&self, tag: &str, member: &str) -> Option<u32> {
        let at = self.tagged(tag)?;
        let btf = self.spaces[usize::from(at.space)].btf();
        lookup::size_of(btf, lookup::member(btf, at.id, member)?.ty)
    }

    /// Names that begin with one of `prefixes`, for those that a text pastes together.
    pub(super) fn with_prefix(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut names = Vec::new();
        for space in &self.spaces {
            for id in space.btf().own_ids() {
                match space.btf().get(id) {
                    Ok(Type::Enum(values)) => names.extend(
                        values.values().map(|(n, _)| n).filter(|n| wanted(n)).map(str::to_owned),
                    ),
                    Ok(Type::Typedef { name, .. } | Type::Composite(Composite { name, .. }))
                        if wanted(name) =>
                    {
                        names.push(name.to_owned());
                    }
                    _ => {}
                }
            }
        }
        names
    }
}

/// Decides once per tag which definition has the plain name.
#[derive(Debug, Default)]
pub(super) struct Canonical(HashMap<String, Option<Ref>>);

impl Canonical {
    pub(super) fn is(&mut self, types: &Types, name: &str, at: Ref) -> bool {
        if let Some(known) = self.0.get(name) {
            return *known == Some(at);
        }
        let found = types.tagged(name);
        self.0.insert(name.to_owned(), found);
        found == Some(at)
    }
}
