//! Which names a text uses, and which it defines itself.

mod scanner;

use super::lex::tokens;
use scanner::Scanner;
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

/// Whether a word is C's own.
pub(crate) fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name)
}

impl Mentions {
    /// Adds what `text` mentions and defines.
    pub(super) fn scan(&mut self, text: &[u8]) {
        let tokens = tokens(text);
        Scanner::new(self, &tokens).run();
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
        if !is_keyword(name) && self.seen.insert(name.to_owned()) {
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
