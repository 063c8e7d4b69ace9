//! Reads the tokens of one text, and notes what each name is there.

use super::{KEYWORDS, Mentions};
use crate::headers::lex::{Kind, Token};

/// Words after which an identifier is an expression, not a declarator.
const BEFORE_EXPRESSION: &[&str] = &["return", "case", "goto", "else", "sizeof", "do", "typeof"];

/// A walk over tokens.
pub(super) struct Scanner<'m, 't> {
    names: &'m mut Mentions,
    tokens: &'t [Token<'t>],
    braces: u32,
    parens: u32,
}

impl<'m, 't> Scanner<'m, 't> {
    pub(super) fn new(names: &'m mut Mentions, tokens: &'t [Token<'t>]) -> Self {
        Self { names, tokens, braces: 0, parens: 0 }
    }

    pub(super) fn run(&mut self) {
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
