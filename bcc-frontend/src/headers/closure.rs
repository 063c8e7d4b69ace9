//! The kernel types that a text needs, as C: by-value types whole, pointees only when a member of
//! theirs is named.
//!
//! [`Mentions`] + [`Types`] → text that compiles in front of everything else.

use super::mentions::Mentions;
use super::types::{Canonical, Ref, Types};
use bcc_sys::btf::{Composite, Type, TypeId};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// Structs up to this many bytes are written whole, so that layouts which users' tables copy stay complete.
const SMALL: u32 = 128;

/// Contexts, whose members are reached by ways that the text does not spell.
const ALWAYS_WHOLE: &[&str] = &[
    "pt_regs",
    "user_pt_regs",
    "user_regs_struct",
    "bpf_raw_tracepoint_args",
    "__sk_buff",
    "xdp_md",
    "bpf_perf_event_data",
    "bpf_sock_ops",
    "bpf_sock_addr",
    "bpf_sock",
    "sk_msg_md",
];

/// One closure in the making.
pub(super) struct Closure<'a> {
    pub(super) types: &'a Types,
    names: &'a Mentions,
    /// Names that a first parse missed: the user's "definitions" of these are not real.
    missing: &'a [String],
    /// Written whole because something uses them by value.
    pub(super) whole: HashSet<Ref>,
    pub(super) aligns: RefCell<HashMap<(Ref, bool), u32>>,
    pub(super) canonical: RefCell<Canonical>,
    pub(super) out: String,
    pub(super) state: HashMap<Ref, bool>,
    pub(super) typedefs: HashSet<String>,
    pub(super) forwards: HashSet<String>,
    pub(super) enumerators: HashSet<String>,
    /// Definitions that a named member asked for while another was being written.
    pub(super) pending: Vec<Ref>,
    /// Padding members written so far.
    pub(super) pads: u32,
}

impl std::fmt::Debug for Closure<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Closure").field("out", &self.out.len()).finish_non_exhaustive()
    }
}

/// Writes the closure of `names`.
pub(super) fn write(types: &Types, names: &Mentions, missing: &[String]) -> String {
    let mut closure = Closure {
        types,
        names,
        missing,
        whole: HashSet::new(),
        aligns: RefCell::default(),
        canonical: RefCell::default(),
        out: String::with_capacity(32 << 10),
        state: HashMap::new(),
        typedefs: HashSet::new(),
        forwards: HashSet::new(),
        enumerators: HashSet::new(),
        pending: Vec::new(),
        pads: 0,
    };
    closure.run();
    closure.out
}

impl Closure<'_> {
    fn run(&mut self) {
        let names = self.names;
        let own = |tag: &&String| !self.defines_tag(tag);
        let tags: Vec<(Ref, bool)> = names
            .tag_order
            .iter()
            .filter(own)
            .filter(|tag| !names.enums.contains(*tag))
            .filter_map(|tag| Some((self.types.tagged(tag)?, names.tags[tag])))
            .collect();
        let enums: Vec<Ref> = names
            .tag_order
            .iter()
            .filter(own)
            .filter(|tag| names.enums.contains(*tag) || names.missed.contains(*tag))
            .filter_map(|tag| self.types.enum_tagged(tag))
            .collect();
        let ordinary: Vec<&str> =
            self.names.ordinary.iter().map(String::as_str).filter(|n| !self.defines(n)).collect();
        let typedefs: Vec<Ref> = ordinary.iter().filter_map(|n| self.types.typedef(n)).collect();
        for (at, by_value) in &tags {
            if *by_value {
                self.mark_whole(*at);
            }
        }
        for at in &typedefs {
            self.mark_whole(*at);
        }
        for name in &ordinary {
            if let Some(at) = self.types.enumerator(name) {
                self.write_enum(at);
            }
        }
        for at in enums {
            self.write_enum(at);
        }
        for at in typedefs {
            self.write_typedef(at);
            self.write_by_value(at);
        }
        for (at, _) in tags {
            self.write_composite(at);
        }
        while let Some(at) = self.pending.pop() {
            self.write_composite(at);
        }
    }

    /// Whether the text defines this ordinary name itself.
    pub(super) fn defines(&self, name: &str) -> bool {
        self.names.defines(name) && !self.is_missing(name)
    }

    /// Whether the text defines this tag itself.
    pub(super) fn defines_tag(&self, name: &str) -> bool {
        self.names.defined_tags.contains(name) && !self.is_missing(name)
    }

    fn is_missing(&self, name: &str) -> bool {
        self.missing.iter().any(|missing| missing == name)
    }

    /// Whether the text may name this member.
    pub(super) fn has_word(&self, name: &str) -> bool {
        self.names.words.contains(name)
    }

    pub(super) fn mentions_enum(&self, name: &str) -> bool {
        self.names.enums.contains(name)
    }

    /// Whether a named struct is written with all its members.
    pub(super) fn is_whole(&self, at: Ref, composite: &Composite<'_>) -> bool {
        composite.size <= SMALL
            || self.whole.contains(&at)
            || ALWAYS_WHOLE.contains(&composite.name)
    }

    /// Marks a struct whole, with all that it contains by value.
    fn mark_whole(&mut self, at: Ref) {
        let types = self.types;
        let mut queue = vec![at];
        while let Some(at) = queue.pop() {
            match types.resolve(at) {
                (at, Type::Array { elem, .. }) => queue.push(types.at(at.space, elem)),
                (at, Type::Composite(composite)) if self.whole.insert(at) => {
                    queue.extend(composite.members().map(|m| types.at(at.space, m.ty)));
                }
                _ => {}
            }
        }
    }

    /// Notes that `member`, a pointer that the text names, is followed to a member it names as well.
    pub(super) fn follow(&mut self, space: u8, pointee: TypeId) {
        let types = self.types;
        let (mut at, mut ty) = types.resolve(types.at(space, pointee));
        for _ in 0..4 {
            match ty {
                Type::Ptr(next) | Type::Array { elem: next, .. } => {
                    (at, ty) = types.resolve(types.at(at.space, next));
                }
                Type::Fwd { name, .. } => match types.tagged(name) {
                    Some(defined) => (at, ty) = (defined, types.get(defined)),
                    None => return,
                },
                Type::Composite(composite) => {
                    let known = self.state.contains_key(&at) || composite.name.is_empty();
                    if !known
                        && !self.defines_tag(composite.name)
                        && types.any_member(at, |name| self.has_word(name))
                    {
                        self.pending.push(at);
                    }
                    return;
                }
                _ => return,
            }
        }
    }
}
