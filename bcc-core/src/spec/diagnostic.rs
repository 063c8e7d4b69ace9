//! Compiler messages as data; the one renderer is [`Diagnostic`]'s `Display`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Explains the message before it.
    Note,
    /// The compile goes on.
    Warning,
    /// No module comes of it.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Which step of the compile spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Types and macros of the Target.
    Headers,
    /// clang's parser and type checker.
    Parse,
    /// The dialect's own rules.
    Rewrite,
    /// Lowering of kernel pointer reads.
    Lower,
    /// LLVM's BPF backend.
    Emit,
}

/// One message about the user's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which step spoke.
    pub stage: Stage,
    /// File as the user knows it; `/virtual/main.c` for a text, empty when there is no place.
    pub file: String,
    /// 1-based; 0 when there is no place.
    pub line: u32,
    /// 1-based, in bytes; 0 when there is no place.
    pub column: u32,
    /// The message, without severity and place.
    pub message: String,
    /// The source line the place is in, without its newline.
    pub source_line: Option<String>,
    /// What may help, in one line.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A message without a place.
    pub fn new(severity: Severity, stage: Stage, message: impl Into<String>) -> Self {
        Self {
            severity,
            stage,
            file: String::new(),
            line: 0,
            column: 0,
            message: message.into(),
            source_line: None,
            hint: None,
        }
    }

    /// The same message at a place of the user's text.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: u32, column: u32) -> Self {
        self.file = file.into();
        self.line = line;
        self.column = column;
        self
    }
}

/// clang's own layout: `file:line:col: severity: message`, the source line, a caret, then a hint.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}:", self.file, self.line)?;
            if self.column > 0 {
                write!(f, "{}:", self.column)?;
            }
            f.write_str(" ")?;
        } else if !self.file.is_empty() {
            write!(f, "{}: ", self.file)?;
        }
        write!(f, "{}: {}", self.severity, self.message)?;
        if let Some(source) = &self.source_line {
            write!(f, "\n{source}")?;
            if self.column > 0 {
                let before = source.bytes().take(self.column as usize - 1);
                let pad: String = before.map(|b| if b == b'\t' { '\t' } else { ' ' }).collect();
                write!(f, "\n{pad}^")?;
            }
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}
