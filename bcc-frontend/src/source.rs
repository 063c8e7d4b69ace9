//! Source texts in memory, and where a position of a rewritten text was in the original.

/// One file of the overlay that clang sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Absolute path, real or below `/virtual`.
    pub path: String,
    /// Bytes; any encoding in comments and strings.
    pub text: Vec<u8>,
}

/// Everything that clang is given: the same for the parse by libclang and for code generation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClangInput {
    /// Path of the main file; it is one of `files`.
    pub main: String,
    /// In-memory files: the main text, generated types, `headers/`. Others come from the disk.
    pub files: Vec<SourceFile>,
    /// Arguments in the form of the `clang` command line, without the main file.
    pub args: Vec<String>,
}

/// Offsets of line starts, to turn byte offsets into places. A line ends with `\n`, `\r\n` or `\r`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// Indexes `text`.
    pub fn new(text: &[u8]) -> Self {
        let mut starts = vec![0];
        for (i, c) in text.iter().enumerate() {
            if *c == b'\n' || (*c == b'\r' && text.get(i + 1) != Some(&b'\n')) {
                starts.push(i + 1);
            }
        }
        Self { starts }
    }

    /// 1-based line, and column in bytes, of `offset`.
    pub fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = offset.saturating_sub(start) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// The text of a 1-based line, without its end; `None` past the last one.
    pub fn line<'t>(&self, text: &'t [u8], line: u32) -> Option<&'t [u8]> {
        let at = usize::try_from(line).ok()?.checked_sub(1)?;
        let start = *self.starts.get(at)?;
        let end = self.starts.get(at + 1).copied().unwrap_or(text.len());
        let line = text.get(start..end)?;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}
