//! Tokens of C text, enough to see which names a program uses and defines. No macro is expanded.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ident,
    Number,
    /// A string or character constant, or the operand of an `#include`, delimiters included.
    Text,
    Punct,
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Number of the preprocessor directive the token is in; 0 outside of directives.
    pub(super) directive: u32,
}

impl<'a> Token<'a> {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(super) fn ident(&self) -> Option<&'a str> {
        (self.kind == Kind::Ident).then_some(self.text)
    }
}

/// Splits C text into tokens. Bytes that are not UTF-8 end up in tokens with empty text.
pub(super) fn tokens(text: &[u8]) -> Vec<Token<'_>> {
    let mut lexer =
        Lexer { text, at: 0, out: Vec::with_capacity(text.len() / 4), directive: 0, count: 0 };
    lexer.run();
    lexer.out
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<Token<'a>>,
    directive: u32,
    count: u32,
}

impl<'a> Lexer<'a> {
    fn run(&mut self) {
        let mut line_start = true;
        while let Some(byte) = self.text.get(self.at).copied() {
            match byte {
                b'\n' => {
                    self.directive = 0;
                    line_start = true;
                    self.at += 1;
                    continue;
                }
                b'\\' if self.is_continuation() => {
                    self.at += if self.peek(1) == Some(b'\r') { 3 } else { 2 };
                    continue;
                }
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c => {
                    self.at += 1;
                    continue;
                }
                b'/' if self.peek(1) == Some(b'/') => {
                    self.skip_line();
                    continue;
                }
                b'/' if self.peek(1) == Some(b'*') => {
                    let rest = &self.text[self.at + 2..];
                    let end = rest.windows(2).position(|pair| pair == b"*/");
                    self.at = end.map_or(self.text.len(), |end| self.at + 2 + end + 2);
                    continue;
                }
                b'#' if line_start => {
                    self.count += 1;
                    self.directive = self.count;
                    self.push(Kind::Punct, 1);
                }
                b'"' | b'\'' => self.quoted(byte),
                b'0'..=b'9' => self.number(),
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => self.word(),
                b'-' if self.peek(1) == Some(b'>') => self.push(Kind::Punct, 2),
                b'#' if self.peek(1) == Some(b'#') => self.push(Kind::Punct, 2),
                b'.' if self.text[self.at..].starts_with(b"...") => self.push(Kind::Punct, 3),
                _ => self.push(Kind::Punct, 1),
            }
            line_start = false;
        }
    }

    fn peek(&self, by: usize) -> Option<u8> {
        self.text.get(self.at + by).copied()
    }

    fn is_continuation(&self) -> bool {
        let rest = &self.text[self.at..];
        rest.starts_with(b"\\\n") || rest.starts_with(b"\\\r\n")
    }

    fn push(&mut self, kind: Kind, len: usize) {
        let bytes = &self.text[self.at..(self.at + len).min(self.text.len())];
        let text = std::str::from_utf8(bytes).unwrap_or("");
        self.out.push(Token { kind, text, directive: self.directive });
        self.at += len;
    }

    fn skip_line(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    fn quoted(&mut self, quote: u8) {
        let rest = &self.text[self.at..];
        let mut len = 1;
        while let Some(byte) = rest.get(len) {
            match byte {
                b'\\' => len += 1,
                b'\n' => break,
                _ if *byte == quote => {
                    len += 1;
                    break;
                }
                _ => {}
            }
            len += 1;
        }
        self.push(Kind::Text, len);
    }

    fn number(&mut self) {
        let rest = &self.text[self.at..];
        let len = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"._".contains(b));
        let len = len.count();
        self.push(Kind::Number, len);
    }

    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let len = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_$".contains(b));
        let len = len.count();
        self.push(Kind::Ident, len);
        let is_include = matches!(self.out.as_slice(), [.., hash, word]
            if self.directive > 0 && hash.is("#") && hash.directive == self.directive
                && (word.is("include") || word.is("include_next")));
        if is_include {
            self.include_operand();
        }
    }

    /// The rest of an `#include` line is one token: `<a/b.h>` is no comparison.
    fn include_operand(&mut self) {
        let rest = &self.text[self.at..];
        let blanks = rest.iter().take_while(|b| b" \t".contains(b)).count();
        self.at += blanks;
        let rest = &self.text[self.at..];
        let close = match rest.first() {
            Some(b'<') => b'>',
            Some(b'"') => b'"',
            _ => return,
        };
        let line = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        if let Some(end) = rest[1..line].iter().position(|b| *b == close) {
            self.push(Kind::Text, end + 2);
        }
    }
}
