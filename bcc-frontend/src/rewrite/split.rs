//! Method calls that a macro begins and the text behind it ends: `RECV lookup(&k)` after
//! `#define RECV h.`, `GET(&k)` after `#define GET h.lookup`. That text may be another macro's body, and
//! the macro may end in a use of another one.

use super::edit::EditSet;
use super::methods;
use crate::parse::lex::{Token, closing, opening, postfix_start};
use crate::parse::macros::{DefineId, LexedFile, Macros};
use std::collections::HashSet;

/// The text around a use of a method.
pub(super) struct Split<'p> {
    pub(super) files: &'p [LexedFile],
    pub(super) macros: &'p Macros<'p>,
    pub(super) edits: &'p mut [EditSet],
}

/// Where a call ends: the tokens outside directives of a file, or those of a macro's body.
#[derive(Clone, Copy)]
struct Row<'p> {
    file: usize,
    text: &'p [u8],
    tokens: &'p [Token],
}

impl<'p> Row<'p> {
    fn word(&self, at: usize) -> &'p [u8] {
        self.tokens[at].text(self.text)
    }

    /// The name in `NAME` or `NAME(…)` that ends at `last`.
    fn used(&self, last: usize) -> Option<usize> {
        match self.tokens[last].is(self.text, ")") {
            true => opening(self.text, self.tokens, last)?.checked_sub(1),
            false => Some(last),
        }
    }
}

impl<'p> Split<'p> {
    /// Edits the call of `method` whose name is `code[token]` of `files[file]`, or comes out of the macro
    /// there; false when it is of neither form.
    pub(super) fn edit_call(&mut self, file: usize, token: usize, method: &str) -> bool {
        let LexedFile { text, lexed, .. } = &self.files[file];
        self.edit(Row { file, text, tokens: &lexed.code }, token, method).is_some()
    }

    /// Edits the calls of `method` that the body of a macro ends; whether there are any.
    pub(super) fn edit_define(&mut self, id: DefineId, method: &str) -> bool {
        let (define, text) = self.macros.get(id);
        let row = Row { file: id.file, text, tokens: &define.body };
        let is_param = |word: &[u8]| define.params.iter().flatten().any(|param| param == word);
        let mut any = false;
        for at in (0..define.body.len()).filter(|at| !is_param(row.word(*at))) {
            any |= self.edit(row, at, method).is_some();
        }
        any
    }

    fn edit(&mut self, row: Row<'p>, at: usize, method: &str) -> Option<()> {
        if row.tokens[at].is(row.text, method) {
            self.named_outside(row, at, method)
        } else {
            self.named_inside(row, at, method)
        }
    }

    /// `RECV lookup(&k)`: what RECV stands for loses its dot.
    fn named_outside(&mut self, row: Row<'p>, name: usize, method: &str) -> Option<()> {
        let Row { text, tokens, .. } = row;
        let open = tokens.get(name + 1).filter(|t| t.is(text, "("))?;
        let used = row.used(name.checked_sub(1)?)?;
        // A definition that ends otherwise is another branch's of an `#if`.
        let dot = |id: DefineId| {
            let (define, text) = self.macros.get(id);
            let last = define.body.last()?;
            (last.is(text, ".") || last.is(text, "->")).then_some((id.file, text, last))
        };
        let dots: Vec<_> = self.innermost(row.word(used)).into_iter().filter_map(dot).collect();
        dots.first()?;
        // `#define DOT .` stands behind the receiver.
        let start = match self.is_one_token(row.word(used)) {
            true => postfix_start(text, tokens, used)?,
            false => used,
        };
        for (file, text, dot) in dots {
            let instead = if dot.is(text, "->") { "[0]" } else { "" };
            self.edits[file].replace(dot.start..dot.end, instead);
        }
        let edits = &mut self.edits[row.file];
        edits.insert(tokens[start].start, format!("bcc_{method}("));
        edits.replace(tokens[name].start..tokens[name].end, "");
        edits.replace(open.start..open.end, ", ");
        Some(())
    }

    /// `GET(&k)`: what GET stands for becomes the table alone, so that brackets stay in pairs when the
    /// call is another macro's argument.
    fn named_inside(&mut self, row: Row<'p>, used: usize, method: &str) -> Option<()> {
        let Row { text, tokens, .. } = row;
        let first = self.macros.named(row.word(used)).first()?;
        let open = match self.macros.get(*first).0.params {
            Some(_) => closing(text, tokens, used + 1)? + 1,
            None => used + 1,
        };
        let open = tokens.get(open).filter(|t| t.is(text, "("))?;
        let mut bodies = self.innermost(row.word(used));
        bodies.retain(|id| {
            let (define, text) = self.macros.get(*id);
            define.body.last().is_some_and(|last| last.is(text, method))
        });
        bodies.first()?;
        for id in bodies {
            let (define, text) = self.macros.get(id);
            let name = define.body.len() - 1;
            let edits = &mut self.edits[id.file];
            methods::edit_receiver(text, &define.body, name..name + 1, "", edits)?;
        }
        let edits = &mut self.edits[row.file];
        edits.insert(tokens[used].start, format!("bcc_{method}("));
        edits.replace(open.start..open.end, ", ");
        Some(())
    }

    /// The definitions that hold the last token of what the macro `word` stands for.
    fn innermost(&self, word: &'p [u8]) -> Vec<DefineId> {
        let (mut found, mut words, mut seen) = (Vec::new(), vec![word], HashSet::new());
        while let Some(word) = words.pop() {
            if !seen.insert(word) {
                continue;
            }
            for id in self.macros.named(word) {
                let (define, text) = self.macros.get(*id);
                let row = Row { file: id.file, text, tokens: &define.body };
                let last = define.body.len().checked_sub(1).and_then(|last| row.used(last));
                match last.map(|at| row.word(at)) {
                    Some(inner) if self.macros.defines(inner) => words.push(inner),
                    _ => found.push(*id),
                }
            }
        }
        found
    }

    /// Whether the macro `word` stands for one token, whatever names it goes through.
    fn is_one_token(&self, mut word: &'p [u8]) -> bool {
        let mut seen = HashSet::new();
        while let Some(id) = self.macros.named(word).first() {
            let (define, text) = self.macros.get(*id);
            match define.body.as_slice() {
                [token] if seen.insert(word) => word = token.text(text),
                _ => return false,
            }
        }
        true
    }
}
