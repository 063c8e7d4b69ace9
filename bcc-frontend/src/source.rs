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
