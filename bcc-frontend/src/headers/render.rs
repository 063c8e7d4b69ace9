//! Types of BTF as C declarations that clang lays out as the kernel's compiler did.

use super::closure::Closure;
use super::place::Place;
use super::spell::{
    constant, float_name, identifier, identifier_or_empty, int_name, int_of_size, keyword, line,
    spaced,
};
use super::types::Ref;
use bcc_sys::btf::{Composite, Enum, FuncProto, Member, Modifier, Type, TypeId};

/// Deeper declarators than any kernel has come from damaged bytes.
const DEPTH: u32 = 64;

impl<'a> Closure<'a> {
    /// Writes what values of this type need to be complete.
    pub(super) fn write_by_value(&mut self, at: Ref) {
        match self.types.resolve(at) {
            (at, Type::Array { elem, .. }) => self.write_by_value(self.types.at(at.space, elem)),
            (at, Type::Composite(composite)) if !composite.name.is_empty() => {
                self.write_composite(at);
            }
            _ => {}
        }
    }

    /// Writes a named struct or union once.
    pub(super) fn write_composite(&mut self, at: Ref) {
        let Type::Composite(composite) = self.types.get(at) else { return };
        if composite.name.is_empty() || self.state.insert(at, false).is_some() {
            return;
        }
        let whole = self.is_whole(at, &composite);
        let body = self.body(at, &composite, whole, 0);
        let keyword = keyword(composite.union);
        let tag = self.tag(at, composite.name);
        line(&mut self.out, format_args!("{keyword} {tag} {body};\n"));
        self.state.insert(at, true);
    }

    /// The tag for values: a private one where the text, or another definition, has the plain one.
    fn tag(&self, at: Ref, name: &str) -> String {
        let plain = self.canonical.borrow_mut().is(self.types, name, at)
            && !self.defines_tag(name)
            && !self.mentions_enum(name);
        let clean = identifier(name);
        if plain { clean } else { format!("{clean}___{}_{}", at.space, at.id.0) }
    }

    fn body(&mut self, at: Ref, composite: &Composite<'a>, whole: bool, depth: u32) -> String {
        let layout = self.layout(at, composite, whole);
        let (members, packed) = (layout.members, layout.packed);
        let mut body = String::from("{\n");
        let mut place = Place { bit: 0, packed, pads: self.pads };
        let mut end = 0;
        for member in &members {
            let ty = self.types.at(at.space, member.ty);
            if !composite.union {
                let unit = self.types.size_of(ty).max(1) * 8;
                let align = self.align_of(ty, whole) * 8;
                place.reach(
                    &mut body,
                    member,
                    if member.bit_width.is_some() { unit } else { align },
                );
            }
            self.pads = place.pads;
            let text = self.member(ty, member, whole, depth);
            place.pads = self.pads;
            match member.bit_width {
                Some(width) => line(&mut body, format_args!("\t{text} : {width};\n")),
                None => line(&mut body, format_args!("\t{text};\n")),
            }
            let bits = member.bit_width.unwrap_or_else(|| self.types.size_of(ty).saturating_mul(8));
            place.bit = member.bit_offset.saturating_add(bits);
            end = end.max(bits.div_ceil(8));
        }
        let align = layout.align.max(1);
        if composite.union {
            if end.next_multiple_of(align) < composite.size {
                line(
                    &mut body,
                    format_args!("\tchar __bcc_pad{}[{}];\n", place.pads, composite.size),
                );
                place.pads += 1;
            }
        } else if place.bit.div_ceil(8).next_multiple_of(align) < composite.size {
            place.pad(&mut body, composite.size.saturating_mul(8));
        }
        self.pads = place.pads;
        body.push_str(if packed { "} __attribute__((packed))" } else { "}" });
        body
    }

    fn member(&mut self, ty: Ref, member: &Member<'_>, whole: bool, depth: u32) -> String {
        let name = identifier_or_empty(member.name);
        let is_named = member.name.is_empty() || self.has_word(member.name);
        if let Type::Ptr(pointee) = self.types.resolve(ty).1 {
            if !is_named {
                return format!("void *{name}");
            }
            self.follow(ty.space, pointee);
        }
        if let Type::Array { elem, .. } = self.types.resolve(ty).1
            && is_named
        {
            self.follow(ty.space, elem);
        }
        self.declare(ty, "", name, Context { whole, prototype: false, depth })
    }

    /// One declaration of `inner` with the type `at`; writes first what it needs.
    fn declare(&mut self, at: Ref, qualifiers: &str, inner: String, context: Context) -> String {
        if context.depth > DEPTH {
            return format!("int {inner}");
        }
        let deeper = Context { depth: context.depth + 1, ..context };
        let base = |name: &str| spaced(qualifiers, name, &inner);
        match self.types.get(at) {
            Type::Void => base("void"),
            Type::Int(int) => base(int_name(&int)),
            Type::Float { name, size } => base(float_name(name, size)),
            Type::Modifier { modifier, target } => {
                let mut all = qualifiers.to_owned();
                match modifier {
                    Modifier::Const if !all.contains("const") => all.push_str("const "),
                    Modifier::Volatile if !all.contains("volatile") => all.push_str("volatile "),
                    _ => {}
                }
                self.declare(self.types.at(at.space, target), &all, inner, deeper)
            }
            Type::Ptr(target) => {
                self.pointer(self.types.at(at.space, target), qualifiers, inner, deeper)
            }
            Type::Array { elem, len } => {
                let elem = self.types.at(at.space, elem);
                self.declare(elem, qualifiers, format!("{inner}[{len}]"), deeper)
            }
            Type::Typedef { name, target } => {
                let name = name.to_owned();
                if self.defines(&name) || name.starts_with("__builtin_") {
                    return self.declare(
                        self.types.at(at.space, target),
                        qualifiers,
                        inner,
                        deeper,
                    );
                }
                self.write_typedef(at);
                self.write_by_value(at);
                spaced(qualifiers, &name, &inner)
            }
            Type::Enum(e) => self.enum_name(at, &e, qualifiers, &inner),
            Type::Fwd { name, union } => {
                spaced(qualifiers, &format!("{} {}", keyword(union), identifier(name)), &inner)
            }
            Type::Composite(composite) => {
                let keyword = keyword(composite.union);
                if composite.name.is_empty() {
                    let body = self.body(at, &composite, context.whole, deeper.depth);
                    return spaced(qualifiers, &format!("{keyword} {body}"), &inner);
                }
                self.write_composite(at);
                let tag = self.tag(at, composite.name);
                spaced(qualifiers, &format!("{keyword} {tag}"), &inner)
            }
            Type::FuncProto(proto) => self.prototype(at.space, &proto, &inner, deeper),
            _ => base("int"),
        }
    }

    fn pointer(
        &mut self,
        target: Ref,
        qualifiers: &str,
        inner: String,
        context: Context,
    ) -> String {
        let inner = match qualifiers {
            "" => format!("*{inner}"),
            _ => format!("* {qualifiers}{inner}"),
        };
        // Modifiers of the pointee are kept; a named struct behind them needs no definition.
        let (mut at, mut quals) = (target, String::new());
        for _ in 0..8 {
            let Type::Modifier { modifier, target } = self.types.get(at) else { break };
            match modifier {
                Modifier::Const => quals.push_str("const "),
                Modifier::Volatile => quals.push_str("volatile "),
                Modifier::Restrict | Modifier::Tag => {}
            }
            at = self.types.at(at.space, target);
        }
        match self.types.get(at) {
            Type::Composite(Composite { name, union, .. }) | Type::Fwd { name, union }
                if !name.is_empty() =>
            {
                let text = format!("{} {}", keyword(union), identifier(name));
                if context.prototype && self.forwards.insert(text.clone()) {
                    line(&mut self.out, format_args!("{text};\n"));
                }
                spaced(&quals, &text, &inner)
            }
            Type::Array { .. } | Type::FuncProto(_) => {
                self.declare(at, &quals, format!("({inner})"), context)
            }
            Type::Typedef { name, .. }
                if !self.defines(name) && !name.starts_with("__builtin_") =>
            {
                let name = name.to_owned();
                self.write_typedef(at);
                spaced(&quals, &name, &inner)
            }
            _ => self.declare(at, &quals, inner, context),
        }
    }

    fn prototype(
        &mut self,
        space: u8,
        proto: &FuncProto<'_>,
        inner: &str,
        context: Context,
    ) -> String {
        let context = Context { prototype: true, ..context };
        let params: Vec<TypeId> = proto.params().map(|(_, ty)| ty).collect();
        let result = proto.result;
        let mut texts = Vec::with_capacity(params.len());
        for ty in params {
            texts.push(match ty.0 {
                0 => "...".to_owned(),
                _ => self.declare(self.types.at(space, ty), "", String::new(), context),
            });
        }
        let list = if texts.is_empty() { "void".to_owned() } else { texts.join(", ") };
        let result = self.types.at(space, result);
        self.declare(result, "", format!("{inner}({list})"), context)
    }

    /// Writes a typedef once; a struct that it names is only declared.
    pub(super) fn write_typedef(&mut self, at: Ref) {
        let Type::Typedef { name, target } = self.types.get(at) else { return };
        if name.starts_with("__builtin_") || !self.typedefs.insert(name.to_owned()) {
            return;
        }
        let name = name.to_owned();
        let target = self.types.at(at.space, target);
        let text = match self.types.get(target) {
            Type::Composite(composite) if !composite.name.is_empty() => {
                let tag = self.tag(target, composite.name);
                format!("{} {tag} {name}", keyword(composite.union))
            }
            _ => {
                let context = Context { whole: true, prototype: false, depth: 0 };
                self.declare(target, "", name, context)
            }
        };
        line(&mut self.out, format_args!("typedef {text};\n"));
    }

    fn enum_name(&mut self, at: Ref, e: &Enum<'_>, qualifiers: &str, inner: &str) -> String {
        let canonical = self.types.enum_tagged(e.name) == Some(at);
        if !e.name.is_empty()
            && canonical
            && self.mentions_enum(e.name)
            && !self.defines_tag(e.name)
        {
            let name = format!("enum {}", e.name);
            self.write_enum(at);
            return spaced(qualifiers, &name, inner);
        }
        let negative = e.values().any(|(_, value)| value < 0);
        spaced(qualifiers, int_of_size(e.size, negative), inner)
    }

    /// Writes an enum once, without the enumerators that the text or another enum defines.
    pub(super) fn write_enum(&mut self, at: Ref) {
        let Type::Enum(e) = self.types.get(at) else { return };
        if self.state.insert(at, true).is_some() {
            return;
        }
        let plain = !e.name.is_empty()
            && !self.defines_tag(e.name)
            && self.types.enum_tagged(e.name) == Some(at);
        let mut text = if plain { format!("enum {} {{", e.name) } else { "enum {".to_owned() };
        let mut count = 0;
        for (name, value) in e.values() {
            if self.defines(name) || !self.enumerators.insert(name.to_owned()) {
                continue;
            }
            line(&mut text, format_args!("{name} = {},", constant(value)));
            count += 1;
        }
        if count == 0 {
            line(&mut text, format_args!("__bcc_enum_{}_{} = 0", at.space, at.id.0));
        }
        let mode = match e.size {
            1 => " __attribute__((mode(byte)))",
            2 => " __attribute__((mode(HI)))",
            8 => " __attribute__((mode(DI)))",
            _ => "",
        };
        line(&mut self.out, format_args!("{text}}}{mode};\n"));
    }
}

/// What surrounds a declaration.
#[derive(Debug, Clone, Copy)]
struct Context {
    /// Anonymous structs inside are written with all members.
    whole: bool,
    /// Inside of a prototype, where a new tag would be local to it.
    prototype: bool,
    depth: u32,
}
