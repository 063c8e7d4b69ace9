//! A tokenizer for C that keeps byte offsets: what libclang cannot say about macro bodies.
//!
//! bytes → [`Lexed`]. Never fails: an unterminated string ends with its line, an unterminated
//! comment with the text.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Identifier or keyword.
    Ident,
    /// Preprocessing number.
    Number,
    /// String or character literal.
    Literal,
    /// One byte of punctuation, or `->`, or `##`.
    Punct,
}

/// One token: bytes `start..end` of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Token {
    /// The token's bytes.
    pub fn text<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether it is this punctuation or word.
    pub fn is(&self, text: &[u8], what: &str) -> bool {
        self.kind != TokenKind::Literal && self.text(text) == what.as_bytes()
    }
}

/// A `#define`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Define {
    /// The macro's name.
    pub name: Vec<u8>,
    /// Names of the parameters of a function-like macro.
    pub params: Option<Vec<Vec<u8>>>,
    /// What it stands for.
    pub body: Vec<Token>,
}

impl Define {
    /// Names in the body behind a `dot` (`.` or `->`): the tokens of each, which `##` may paste together,
    /// and whether the macro's arguments make it.
    pub fn members(&self, text: &[u8], dot: &str) -> Vec<(std::ops::Range<usize>, bool)> {
        let body = &self.body;
        let is_param = |token: &Token| {
            let params = self.params.as_ref();
            params.is_some_and(|params| params.iter().any(|p| p == token.text(text)))
        };
        let mut members = Vec::new();
        for i in 1..body.len() {
            if !body[i - 1].is(text, dot) || body[i].kind != TokenKind::Ident {
                continue;
            }
            let mut end = i + 1;
            while body.get(end).is_some_and(|t| t.is(text, "##")) && end + 1 < body.len() {
                end += 2;
            }
            members.push((i..end, end > i + 1 || is_param(&body[i])));
        }
        members
    }
}

/// A tokenized text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lexed {
    /// Tokens outside directives, in order.
    pub code: Vec<Token>,
    /// Every `#define`, in order, those in skipped `#if` branches too.
    pub defines: Vec<Define>,
}

impl Lexed {
    /// Tokenizes `text`.
    pub fn new(text: &[u8]) -> Self {
        let mut lexer = Lexer { text, at: 0, line_start: true };
        let mut lexed = Self::default();
        while let Some((token, first_of_line)) = lexer.next() {
            if first_of_line && token.is(text, "#") {
                let directive = lexer.rest_of_directive();
                lexed.defines.extend(define(text, &directive));
            } else {
                lexed.code.push(token);
            }
        }
        lexed
    }

    /// Index in `code` of the token that starts at `offset`, where clang counts a line splice in
    /// front of a token as its beginning.
    pub fn code_at(&self, text: &[u8], offset: usize) -> Option<usize> {
        let index = self.code.partition_point(|token| token.start < offset);
        let between = text.get(offset..self.code.get(index)?.start)?;
        let spliced = between.is_empty()
            || between.starts_with(b"\\") && between.iter().all(|c| b"\\\r\n\t ".contains(c));
        spliced.then_some(index)
    }
}

fn define(text: &[u8], tokens: &[Token]) -> Option<Define> {
    let (word, rest) = tokens.split_first()?;
    let (name, mut body) = rest.split_first()?;
    if !word.is(text, "define") || name.kind != TokenKind::Ident {
        return None;
    }
    let mut params = None;
    // A parenthesis makes it function-like only when it touches the name.
    if body.first().is_some_and(|t| t.start == name.end && t.is(text, "(")) {
        let close = body.iter().position(|t| t.is(text, ")")).unwrap_or(body.len());
        let names = body.get(1..close).unwrap_or_default().iter();
        params = Some(
            names
                .filter(|t| t.kind == TokenKind::Ident)
                .map(|t| t.text(text).to_vec())
                .chain([b"__VA_ARGS__".to_vec()])
                .collect(),
        );
        body = body.get(close + 1..).unwrap_or_default();
    }
    Some(Define { name: name.text(text).to_vec(), params, body: body.to_vec() })
}

struct Lexer<'t> {
    text: &'t [u8],
    at: usize,
    line_start: bool,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Length of a backslash and the line end it hides, or 0.
    fn splice(&self) -> usize {
        if self.peek(0) != b'\\' {
            return 0;
        }
        let mut i = 1;
        while matches!(self.peek(i), b' ' | b'\t' | 0x0b | 0x0c) && self.at + i < self.text.len() {
            i += 1;
        }
        match (self.peek(i), self.peek(i + 1)) {
            (b'\r', b'\n') => i + 2,
            (b'\n' | b'\r', _) => i + 1,
            _ => 0,
        }
    }

    /// Skips blanks and comments; stops at a line end when `in_directive`.
    fn skip_blanks(&mut self, in_directive: bool) {
        while self.at < self.text.len() {
            let splice = self.splice();
            if splice > 0 {
                self.at += splice;
                continue;
            }
            match (self.peek(0), self.peek(1)) {
                (b'\n' | b'\r', _) if in_directive => return,
                (b'\n' | b'\r', _) => {
                    self.line_start = true;
                    self.at += 1;
                }
                (b' ' | b'\t' | 0x0b | 0x0c | 0, _) => self.at += 1,
                (b'/', b'/') => self.skip_line_comment(),
                (b'/', b'*') => {
                    let rest = self.text.get(self.at + 2..).unwrap_or_default();
                    let end = rest.windows(2).position(|w| w == b"*/");
                    self.at = end.map_or(self.text.len(), |end| self.at + 2 + end + 2);
                }
                _ => return,
            }
        }
    }

    fn skip_line_comment(&mut self) {
        while self.at < self.text.len() && !matches!(self.peek(0), b'\n' | b'\r') {
            self.at += self.splice().max(1);
        }
    }

    /// The next token, and whether it is the first of its line.
    fn next(&mut self) -> Option<(Token, bool)> {
        self.skip_blanks(false);
        if self.at >= self.text.len() {
            return None;
        }
        let first = std::mem::take(&mut self.line_start);
        Some((self.token(), first))
    }

    fn rest_of_directive(&mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        loop {
            self.skip_blanks(true);
            if self.at >= self.text.len() || matches!(self.peek(0), b'\n' | b'\r') {
                return tokens;
            }
            tokens.push(self.token());
        }
    }

    fn token(&mut self) -> Token {
        let start = self.at;
        let kind = match self.peek(0) {
            b'"' | b'\'' => {
                self.literal();
                TokenKind::Literal
            }
            c if is_word(c) && !c.is_ascii_digit() => {
                self.at += self.count(is_word);
                TokenKind::Ident
            }
            c if c.is_ascii_digit() || (c == b'.' && self.peek(1).is_ascii_digit()) => {
                self.number();
                TokenKind::Number
            }
            _ => {
                let two = matches!((self.peek(0), self.peek(1)), (b'-', b'>') | (b'#', b'#'));
                self.at += if two { 2 } else { 1 };
                TokenKind::Punct
            }
        };
        Token { kind, start, end: self.at }
    }

    fn count(&self, wanted: fn(u8) -> bool) -> usize {
        self.text.iter().skip(self.at).take_while(|c| wanted(**c)).count()
    }

    fn number(&mut self) {
        while self.at < self.text.len() {
            let c = self.peek(0);
            if matches!(c, b'e' | b'E' | b'p' | b'P') && matches!(self.peek(1), b'+' | b'-') {
                self.at += 2;
            } else if is_word(c) || c == b'.' {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn literal(&mut self) {
        let quote = self.peek(0);
        self.at += 1;
        while self.at < self.text.len() {
            let splice = self.splice();
            match self.peek(0) {
                _ if splice > 0 => self.at += splice,
                b'\\' => self.at = (self.at + 2).min(self.text.len()),
                b'\n' | b'\r' => return,
                c => {
                    self.at += 1;
                    if c == quote {
                        return;
                    }
                }
            }
        }
    }
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c == b'$' || c >= 0x80
}

/// Index of the first token of the postfix expression that ends just before `tokens[end]` (a `.`
/// or `->`): names, calls, subscripts, parentheses, member chains and `##` pastes.
pub fn postfix_start(text: &[u8], tokens: &[Token], end: usize) -> Option<usize> {
    let mut i = end;
    loop {
        i = i.checked_sub(1)?;
        let token = tokens.get(i)?;
        if token.is(text, "]") {
            i = opening(text, tokens, i)?;
            continue;
        }
        if token.is(text, ")") {
            i = opening(text, tokens, i)?;
            let callee = i.checked_sub(1).filter(|c| is_name(text, tokens[*c]));
            i = callee.unwrap_or(i);
        } else if !is_name(text, *token) && token.kind != TokenKind::Number {
            return None;
        }
        match i.checked_sub(1).map(|before| tokens[before]) {
            Some(t) if t.is(text, ".") || t.is(text, "->") || t.is(text, "##") => i -= 1,
            _ => return Some(i),
        }
    }
}

fn is_name(text: &[u8], token: Token) -> bool {
    const NOT_NAMES: [&[u8]; 16] = [
        b"return",
        b"if",
        b"while",
        b"for",
        b"switch",
        b"sizeof",
        b"do",
        b"else",
        b"case",
        b"goto",
        b"typeof",
        b"__typeof__",
        b"__typeof",
        b"_Alignof",
        b"__alignof__",
        b"__extension__",
    ];
    token.kind == TokenKind::Ident && !NOT_NAMES.contains(&token.text(text))
}

/// Index of the bracket that `tokens[close]` closes.
pub fn opening(text: &[u8], tokens: &[Token], close: usize) -> Option<usize> {
    let mut depth = 0usize;
    for i in (0..=close).rev() {
        match tokens.get(i)?.text(text) {
            b")" | b"]" | b"}" => depth += 1,
            b"(" | b"[" | b"{" => {
                depth -= 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

/// Index of the bracket that closes `tokens[open]`.
pub fn closing(text: &[u8], tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.text(text) {
            b"(" | b"[" | b"{" => depth += 1,
            b")" | b"]" | b"}" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}
