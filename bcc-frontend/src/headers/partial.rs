//! Debug information over precompiled headers: without the members of structs that are only pointed to.
//!
//! Code that has a pointer to one of the kernel's structs makes clang describe that struct, and all that
//! can be reached from it: half of the time of a compile, for types that the kernel knows itself. Left
//! out, they are declarations in the module's BTF; `shim/debug_types.cpp` says which. Where that is too
//! little all the same ([`lacks_types`]: a static variable in a function), the code is generated once
//! more, with everything.

use bcc_core::spec::ModuleSpec;
use bcc_sys::btf::{Btf, Modifier, Type, TypeId};

/// Types of precompiled headers are only referred to. (To clang that would be all of them.)
pub(super) const REFERENCES: [&str; 2] = ["-Xclang", "-dwarf-ext-refs"];

/// Undoes `REFERENCES`; false when `args` do not have it.
pub fn make_whole(args: &mut Vec<String>) -> bool {
    let at = args.windows(2).position(|pair| pair == REFERENCES);
    if let Some(at) = at {
        args.drain(at..at + 2);
    }
    at.is_some()
}

/// Whether a struct that is only declared is used by value, is a key or a leaf, or is behind a tag.
pub fn lacks_types(spec: &ModuleSpec) -> bool {
    let Ok(btf) = Btf::parse(spec.btf.clone()) else { return false };
    let types = || btf.own_ids().filter_map(|id| btf.get(id).ok());
    if !types().any(|ty| matches!(ty, Type::Fwd { .. })) {
        return false;
    }
    let by_value = |ty: Type<'_>| match ty {
        Type::Composite(composite) => composite.members().any(|m| is_declared(&btf, m.ty)),
        Type::Var { target, .. } => is_declared(&btf, target),
        Type::Array { elem, .. } => is_declared(&btf, elem),
        Type::DeclTag { .. } | Type::Modifier { modifier: Modifier::Tag, .. } => true,
        _ => false,
    };
    let sides = |map: &bcc_core::spec::MapSpec| [map.btf_key_id, map.btf_value_id];
    types().any(by_value)
        || spec.maps.iter().flat_map(sides).any(|id| is_declared(&btf, TypeId(id)))
}

fn is_declared(btf: &Btf, id: TypeId) -> bool {
    matches!(btf.resolve(id), Some((_, Type::Fwd { .. })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_is_taken_out_once_it_is_there() {
        let mut args = ["-g", "-Xclang", "-dwarf-ext-refs", "-O2"].map(str::to_owned).to_vec();
        assert!(make_whole(&mut args));
        assert_eq!(args, ["-g", "-O2"]);
        assert!(!make_whole(&mut args));
    }
}
