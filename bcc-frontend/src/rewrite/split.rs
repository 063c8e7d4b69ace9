//! Method calls that a macro begins and the text behind it ends: `RECV lookup(&k)` after
//! `#define RECV h.`, `GET(&k)` after `#define GET h.lookup`.

use super::edit::EditSet;
use super::methods;
use crate::parse::lex::{Token, closing, opening, postfix_start};
use crate::parse::macros::{LexedFile, Macros};

/// The text around a use of a method.
pub(super) struct Split<'p> {
    pub(super) files: &'p [LexedFile],
    pub(super) macros: &'p Macros<'p>,
    pub(super) edits: &'p mut [EditSet],
}

impl Split<'_> {
    /// Edits the call of `method` whose name is `code[token]` of `files[file]`, or comes out of the macro
    /// there; false when it is of neither form.
    pub(super) fn edit_call(&mut self, file: usize, token: usize, method: &str) -> bool {
        let LexedFile { text, lexed, .. } = &self.files[file];
        if lexed.code[token].is(text, method) {
            self.named_outside(file, token, method).is_some()
        } else {
            self.named_inside(file, token, method).is_some()
        }
    }

    /// `RECV lookup(&k)`: what RECV stands for loses its dot.
    fn named_outside(&mut self, file: usize, name: usize, method: &str) -> Option<()> {
        let LexedFile { text, lexed, .. } = &self.files[file];
        let code = &lexed.code;
        let open = code.get(name + 1).filter(|t| t.is(text, "("))?;
        let before = name.checked_sub(1)?;
        let used = match code[before].is(text, ")") {
            true => opening(text, code, before)?.checked_sub(1)?,
            false => before,
        };
        let bodies = self.macros.named(code[used].text(text));
        let mut dots = Vec::new();
        for id in bodies {
            let (define, text) = self.macros.get(*id);
            let is_dot = |t: &&Token| t.is(text, ".") || t.is(text, "->");
            dots.push((id.file, text, define.body.last().filter(is_dot)?, define.body.len() == 1));
        }
        // `#define DOT .` stands behind the receiver.
        let start = match dots.first()? {
            (.., true) => postfix_start(text, code, used)?,
            _ => used,
        };
        for (file, text, dot, _) in dots {
            let instead = if dot.is(text, "->") { "[0]" } else { "" };
            self.edits[file].replace(dot.start..dot.end, instead);
        }
        let edits = &mut self.edits[file];
        edits.insert(code[start].start, format!("bcc_{method}("));
        edits.replace(code[name].start..code[name].end, "");
        edits.replace(open.start..open.end, ", ");
        Some(())
    }

    /// `GET(&k)`: what GET stands for becomes `bcc_lookup(h`, and the parenthesis a comma.
    fn named_inside(&mut self, file: usize, used: usize, method: &str) -> Option<()> {
        let LexedFile { text, lexed, .. } = &self.files[file];
        let code = &lexed.code;
        let bodies = self.macros.named(code[used].text(text));
        let (first, _) = self.macros.get(*bodies.first()?);
        let open = match first.params {
            Some(_) => closing(text, code, used + 1)? + 1,
            None => used + 1,
        };
        let open = code.get(open).filter(|t| t.is(text, "("))?;
        let is_begun = |define: &crate::parse::lex::Define, text: &[u8]| {
            define.body.last().is_some_and(|last| last.is(text, method))
        };
        if !bodies
            .iter()
            .map(|id| self.macros.get(*id))
            .all(|(define, text)| is_begun(define, text))
        {
            return None;
        }
        for id in bodies {
            let (define, text) = self.macros.get(*id);
            let name = define.body.len() - 1;
            let callee = format!("bcc_{method}(");
            let edits = &mut self.edits[id.file];
            methods::edit_receiver(text, &define.body, name..name + 1, &callee, edits)?;
        }
        self.edits[file].replace(open.start..open.end, ", ");
        Some(())
    }
}
