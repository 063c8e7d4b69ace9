//! Which names a text uses, and which it defines itself.

use super::lex::{Kind, Token, tokens};
use std::collections::{HashMap, HashSet};

/// Names of one or several texts. A superset: branches that the preprocessor drops count as well.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    /// Every identifier: what may be a member's name.
    pub(super) words: HashSet<String>,
    /// Identifiers that may be typedefs, enumerators, macros or functions, in order of appearance.
    pub(super) ordinary: Vec<String>,
    /// Tags behind `struct`, `union`, `enum`; true when some use is by value.
    pub(super) tags: HashMap<String, bool>,
    /// Order of first appearance of `tags`.
    pub(super) tag_order: Vec<String>,
    /// Those of `tags` that stand behind `enum`.
    pub(super) enums: HashSet<String>,
    /// Left operands of `##`: names that begin so may be pasted together.
    pub(super) prefixes: HashSet<String>,
    /// Functions, variables, enumerators and tables that the text defines.
    pub(super) defined: HashSet<String>,
    /// Macros that it defines.
    pub(super) macros: HashSet<String>,
    /// Identifiers in the bodies of its macros.
    pub(super) bodies: HashMap<String, Vec<String>>,
    /// Typedefs that it defines.
    pub(super) typedefs: HashSet<String>,
    /// Tags whose bodies the text has.
    pub(super) defined_tags: HashSet<String>,
    /// Names declared anywhere, members and locals included.
    pub(super) declared: HashSet<String>,
    /// Operands of `#include`, delimiters included.
    pub(super) includes: Vec<String>,
    /// `(category, event)` of tracepoint probes.
    pub(super) tracepoints: Vec<(String, String)>,
    /// Names that a first parse missed; whether they are tags of structs or of enums is not known.
    pub(super) missed: HashSet<String>,
    seen: HashSet<String>,
}

const KEYWORDS: &[&str] = &[
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "_Bool",
    "typeof",
    "__typeof__",
    "__attribute__",
    "asm",
    "__asm__",
];

/// Words after which an identifier is an expression, not a declarator.
const BEFORE_EXPRESSION: &[&str] = &["return", "case", "goto", "else", "sizeof", "do", "typeof"];

impl Mentions {
    /// Adds what `text` mentions and defines.
    pub(super) fn scan(&mut self, text: &[u8]) {
        let tokens = tokens(text);
        Scanner { names: self, tokens: &tokens, braces: 0, parens: 0 }.run();
    }

    /// Adds an identifier as if the text had mentioned it in every way. A definition of it that was
    /// seen is in a branch that the preprocessor drops, and does not count.
    pub(super) fn add(&mut self, name: &str) {
        for set in [&mut self.defined, &mut self.macros, &mut self.typedefs, &mut self.defined_tags]
        {
            set.remove(name);
        }
        self.words.insert(name.to_owned());
        self.mention(name);
        self.tag(name, false);
        self.missed.insert(name.to_owned());
        if let Some(rest) = name.strip_prefix("tracepoint__") {
            self.tracepoint_tag(rest);
        }
    }

    /// Whether the text defines this ordinary name in any way.
    pub(super) fn defines(&self, name: &str) -> bool {
        [&self.defined, &self.macros, &self.typedefs].iter().any(|set| set.contains(name))
    }

    /// Adds an identifier that may be a typedef, an enumerator, a macro or a function.
    pub(super) fn mention(&mut self, name: &str) {
        if !KEYWORDS.contains(&name) && self.seen.insert(name.to_owned()) {
            self.ordinary.push(name.to_owned());
        }
    }

    /// Adds a tag.
    pub(super) fn tag(&mut self, name: &str, by_value: bool) {
        match self.tags.get_mut(name) {
            Some(known) => *known |= by_value,
            None => {
                self.tags.insert(name.to_owned(), by_value);
                self.tag_order.push(name.to_owned());
            }
        }
    }

    /// Adds what stands behind tags that are macros.
    pub(super) fn expand_tags(&mut self) {
        let mut at = 0;
        while at < self.tag_order.len() {
            let tag = self.tag_order[at].clone();
            let by_value = self.tags[&tag];
            for name in self.bodies.get(&tag).cloned().unwrap_or_default() {
                self.tag(&name, by_value);
            }
            at += 1;
        }
    }

    /// The category of `C__E` ends at the last `__`.
    fn tracepoint_tag(&mut self, name: &str) {
        if let Some((category, event)) = name.rsplit_once("__") {
            self.tracepoint(category, event);
        }
    }

    fn tracepoint(&mut self, category: &str, event: &str) {
        let pair = (category.to_owned(), event.to_owned());
        if !self.tracepoints.contains(&pair) {
            self.tracepoints.push(pair);
        }
    }
}

struct Scanner<'m, 't> {
    names: &'m mut Mentions,
    tokens: &'t [Token<'t>],
    braces: u32,
    parens: u32,
}

impl<'t> Scanner<'_, 't> {
    fn run(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            let token = self.tokens[at];
            if token.directive > 0 && token.is("#") && self.starts_directive(at) {
                self.directive(at);
            }
            match token.kind {
                Kind::Ident => self.ident(at),
                Kind::Punct => self.punct(at),
                Kind::Number | Kind::Text => {}
            }
            at += 1;
        }
    }

    fn get(&self, at: usize) -> Option<Token<'t>> {
        self.tokens.get(at).copied()
    }

    fn text(&self, at: Option<usize>) -> &'t str {
        at.and_then(|at| self.get(at)).map_or("", |token| token.text)
    }

    fn before(&self, at: usize) -> &'t str {
        self.text(at.checked_sub(1))
    }

    fn after(&self, at: usize) -> &'t str {
        self.text(Some(at + 1))
    }

    fn starts_directive(&self, at: usize) -> bool {
        at == 0 || self.tokens[at - 1].directive != self.tokens[at].directive
    }

    fn directive(&mut self, at: usize) {
        match self.after(at) {
            "include" | "include_next" => {
                if let Some(operand) = self.get(at + 2).filter(|t| t.kind == Kind::Text) {
                    self.names.includes.push(operand.text.to_owned());
                }
            }
            "define" => {
                if let Some(name) = self.get(at + 2).and_then(|token| token.ident()) {
                    self.names.macros.insert(name.to_owned());
                    let of_this = |token: &&Token<'_>| token.directive == self.tokens[at].directive;
                    let body = self.tokens[at + 3..].iter().take_while(of_this);
                    let body = body.filter_map(|token| token.ident().map(str::to_owned)).collect();
                    self.names.bodies.insert(name.to_owned(), body);
                }
            }
            _ => {}
        }
    }

    fn punct(&mut self, at: usize) {
        // Braces of macro bodies say nothing about where the text around them is.
        if self.tokens[at].directive > 0 {
            if self.tokens[at].is("##") {
                let left = self.before(at).to_owned();
                self.names.prefixes.insert(left);
            }
            return;
        }
        match self.tokens[at].text {
            "{" => self.braces += 1,
            "}" => self.braces = self.braces.saturating_sub(1),
            "(" => self.parens += 1,
            ")" => self.parens = self.parens.saturating_sub(1),
            _ => {}
        }
    }

    fn ident(&mut self, at: usize) {
        let name = self.tokens[at].text;
        let (before, after) = (self.before(at), self.after(at));
        self.names.words.insert(name.to_owned());
        if matches!(before, "struct" | "union" | "enum") {
            self.tagged(at, name, before == "enum");
            return;
        }
        if name == "enum" && after == "{" {
            self.enumerators(at + 2);
        }
        if name == "typedef" {
            self.typedef(at + 1);
        }
        if name == "TRACEPOINT_PROBE" && after == "(" && self.text(Some(at + 3)) == "," {
            let (category, event) = (self.text(Some(at + 2)), self.text(Some(at + 4)));
            self.names.tracepoint(category, event);
        }
        if name == "BPF_ITER" && after == "(" {
            let context = format!("bpf_iter__{}", self.text(Some(at + 2)));
            self.names.tag(&context, false);
        }
        if matches!(before, "." | "->") {
            return;
        }
        if name == "noinline" && self.in_attribute(at) {
            // The kernel's macro of this name would expand to an attribute inside the attribute.
            self.names.macros.insert(name.to_owned());
            return;
        }
        self.declaration(at, name, before, after);
        self.names.mention(name);
    }

    /// Whether the token is the first word of an `__attribute__((…))`.
    fn in_attribute(&self, at: usize) -> bool {
        at >= 3
            && ["__attribute__", "(", "("].iter().zip(at - 3..).all(|(t, i)| self.tokens[i].is(t))
    }

    fn tagged(&mut self, at: usize, name: &str, is_enum: bool) {
        let next = self.get(at + 1);
        let opens = next.is_some_and(|token| token.is("{"));
        if opens {
            self.names.defined_tags.insert(name.to_owned());
            if is_enum {
                self.enumerators(at + 2);
            }
        }
        let by_value = next.is_some_and(|token| {
            (token.kind == Kind::Ident && !matches!(token.text, "const" | "volatile"))
                || matches!(token.text, "," | ")")
        });
        self.names.tag(name, by_value);
        // A tag may be a macro, as some are in the kernel's own headers.
        self.names.mention(name);
        if is_enum {
            self.names.enums.insert(name.to_owned());
        }
        if let Some(rest) = name.strip_prefix("tracepoint__") {
            self.names.tracepoint_tag(rest);
        }
    }

    fn declaration(&mut self, at: usize, name: &str, before: &str, after: &str) {
        let previous = at.checked_sub(1).and_then(|at| self.get(at));
        let follows_type = previous.is_some_and(|token| {
            token.is("*") || (token.kind == Kind::Ident && !BEFORE_EXPRESSION.contains(&token.text))
        }) || (before == "}" && self.braces == 0);
        let at_top = self.braces == 0 && self.parens == 0 && self.tokens[at].directive == 0;
        let starts = previous
            .is_none_or(|token| token.directive > 0 || matches!(token.text, "}" | ";" | ")"));
        if at_top && starts && after == "(" {
            self.table(at, name);
        }
        if !follows_type || self.tokens[at].directive > 0 {
            return;
        }
        if matches!(after, ";" | "," | "=" | "[" | ")" | ":") {
            self.names.declared.insert(name.to_owned());
        }
        // A helper is declared as `static int (*bpf_it)(…) = (void *)1;`.
        let points = self.parens == 1 && before == "*" && after == ")";
        if points && self.braces == 0 && at > 1 && self.tokens[at - 2].is("(") {
            self.names.defined.insert(name.to_owned());
        }
        if at_top && matches!(after, "(" | ";" | "=" | "[" | ",") && !KEYWORDS.contains(&name) {
            self.names.defined.insert(name.to_owned());
        }
    }

    /// Tables are variables: `BPF_HASH(name, …)`, `BPF_TABLE("hash", K, L, name, …)`. What a user's macro
    /// defines at file scope is most often named by its first argument, too.
    fn table(&mut self, at: usize, name: &str) {
        let position = match name {
            "BPF_TABLE" | "BPF_F_TABLE" | "BPF_TABLE_PINNED" | "BPF_TABLE_PUBLIC"
            | "BPF_TABLE_SHARED" => 3,
            _ if name.starts_with("BPF_QUEUESTACK") => 1,
            _ => 0,
        };
        let (mut depth, mut index, mut place) = (0u32, 0, at + 2);
        while let Some(token) = self.get(place) {
            match token.text {
                "(" => depth += 1,
                ")" if depth == 0 => return,
                ")" => depth -= 1,
                "," if depth == 0 => index += 1,
                _ if index == position && matches!(self.after(place), "," | ")") => {
                    self.names.defined.extend(token.ident().map(str::to_owned));
                    return;
                }
                _ => {}
            }
            place += 1;
        }
    }

    fn enumerators(&mut self, from: usize) {
        let (mut at, mut expected, mut depth) = (from, true, 0u32);
        while let Some(token) = self.get(at) {
            match token.text {
                "}" => return,
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 => expected = true,
                _ => {
                    if let Some(name) = token.ident().filter(|_| expected) {
                        self.names.defined.insert(name.to_owned());
                        expected = false;
                    }
                }
            }
            at += 1;
        }
    }

    fn typedef(&mut self, from: usize) {
        let (mut at, mut depth, mut name) = (from, 0u32, None);
        while let Some(token) = self.get(at) {
            match token.text {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                ";" if depth == 0 => break,
                _ if depth == 0 && token.kind == Kind::Ident => {
                    let pointer = self.before(at) == "*" && self.after(at) == ")";
                    if pointer || matches!(self.after(at), ";" | "[" | ",") {
                        name = Some(token.text);
                    }
                    if pointer {
                        break;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.names.typedefs.extend(name.map(str::to_owned));
    }
}
