//! Which macro bodies an expansion can come from.

use super::lex::{Define, Lexed, Token, TokenKind, closing};
use std::collections::{HashMap, HashSet};

/// A user's file, tokenized.
#[derive(Debug)]
pub struct LexedFile {
    /// As clang names it.
    pub path: String,
    /// Its bytes.
    pub text: Vec<u8>,
    /// Its tokens.
    pub lexed: Lexed,
}

impl LexedFile {
    /// Tokenizes `text`.
    pub fn new(path: String, text: Vec<u8>) -> Self {
        let lexed = Lexed::new(&text);
        Self { path, text, lexed }
    }
}

/// One `#define` of one of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefineId {
    /// Index of the file.
    pub file: usize,
    /// Index in its [`Lexed::defines`].
    pub define: usize,
}

/// All macros of the user's files by name.
#[derive(Debug)]
pub struct Macros<'f> {
    files: &'f [LexedFile],
    by_name: HashMap<&'f [u8], Vec<DefineId>>,
}

impl<'f> Macros<'f> {
    /// Indexes the macros of `files`.
    pub fn new(files: &'f [LexedFile]) -> Self {
        let mut by_name: HashMap<&[u8], Vec<DefineId>> = HashMap::new();
        for (file, lexed) in files.iter().enumerate() {
            for (define, found) in lexed.lexed.defines.iter().enumerate() {
                by_name.entry(&found.name).or_default().push(DefineId { file, define });
            }
        }
        Self { files, by_name }
    }

    /// Whether a macro of this name is defined anywhere in the user's files.
    pub fn defines(&self, name: &[u8]) -> bool {
        self.by_name.contains_key(name)
    }

    /// All definitions of the macro `name`.
    pub fn named(&self, name: &[u8]) -> &[DefineId] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The definition and the text it is in.
    pub fn get(&self, id: DefineId) -> (&'f Define, &'f [u8]) {
        let file = &self.files[id.file];
        (&file.lexed.defines[id.define], &file.text)
    }

    /// Every definition that the expansion at `code[index]` of `file` can pass through: that macro,
    /// what its body and its arguments name, and so on.
    pub fn reachable(&self, file: &'f LexedFile, index: usize) -> Vec<DefineId> {
        let code = &file.lexed.code;
        let open = code.get(index + 1).filter(|t| t.is(&file.text, "("));
        let end = open.and_then(|_| closing(&file.text, code, index + 1)).unwrap_or(index);
        let mut queue: Vec<DefineId> = Vec::new();
        let mut seen: HashSet<&[u8]> = HashSet::new();
        let used = code.get(index..=end).unwrap_or_default();
        self.enqueue(used, &file.text, &mut seen, &mut queue);
        let mut next = 0;
        while let Some(id) = queue.get(next).copied() {
            next += 1;
            let (define, text) = self.get(id);
            self.enqueue(&define.body, text, &mut seen, &mut queue);
        }
        queue
    }

    fn enqueue(
        &self,
        tokens: &[Token],
        text: &[u8],
        seen: &mut HashSet<&'f [u8]>,
        queue: &mut Vec<DefineId>,
    ) {
        for token in tokens.iter().filter(|t| t.kind == TokenKind::Ident) {
            let name = token.text(text);
            if let Some((key, ids)) = self.by_name.get_key_value(name)
                && seen.insert(key)
            {
                queue.extend(ids);
            }
        }
    }
}
