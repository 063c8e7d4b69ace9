//! From a source text to a [`ModuleSpec`]: the request, the trait a compiler implements, its errors.
//!
//! [`CompileRequest`] → cache hit, or → [`Compiler::compile`] → [`CompileOutput`] → cache.

pub mod cache;
pub mod child;
pub mod frame;
pub mod spool;

use crate::spec::{Diagnostic, ModuleSpec};
use crate::target::Target;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Name of a text that came without a file, as diagnostics show it.
pub const MAIN_FILE: &str = "/virtual/main.c";

/// Debug bit: keep the optimised LLVM IR in the spec.
pub const DEBUG_LLVM_IR: u32 = 0x1;

/// The compiler that programs use unless they bring one: the spool that `BCC_COMPILE_SPOOL` names, or
/// else the compiler executable.
///
/// # Errors
/// [`CompileError::NotFound`] when there is no executable. With a warm cache this does not matter:
/// [`compile_text`] asks for the compiler only when it needs one.
pub fn default_compiler() -> Result<Box<dyn Compiler>, CompileError> {
    if let Some(directory) = std::env::var_os("BCC_COMPILE_SPOOL") {
        return Ok(Box::new(spool::SpoolCompiler::new(directory)));
    }
    Ok(Box::new(child::ChildCompiler::locate()?))
}

/// Compiles through the cache with the [`default_compiler`]; an unreadable or absent one fails only a
/// request that is not in the cache.
///
/// # Errors
/// [`CompileError`].
pub fn compile_text(request: &CompileRequest) -> Result<ModuleSpec, CompileError> {
    struct Absent(CompileError);
    impl Compiler for Absent {
        fn compile(&self, _: &CompileRequest) -> Result<CompileOutput, CompileError> {
            Err(self.0.clone())
        }
        fn id(&self) -> Result<Vec<u8>, CompileError> {
            Err(self.0.clone())
        }
    }
    match default_compiler() {
        Ok(compiler) => cache::compile(request, &*compiler),
        Err(error) => cache::compile(request, &Absent(error)),
    }
}

/// What to compile, for which kernel. Plain data: it is sent to the compiler's process as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CompileRequest {
    /// The C text as the user gave it (any encoding), with generated USDT readers in front.
    pub text: Vec<u8>,
    /// Lines of generated readers in front of the user's own first line.
    pub preamble_lines: u32,
    /// Name for diagnostics and line info: `/virtual/main.c`, or the path of a `src_file`.
    pub file: String,
    /// Extra compiler arguments, in order, after ours.
    pub cflags: Vec<String>,
    /// The caller's directory; user includes are relative to it.
    pub cwd: PathBuf,
    /// `DEBUG_*` bits.
    pub debug: u32,
    /// The kernel to compile for.
    pub target: Target,
    /// Has a helper read kernel objects in programs whose pointers the verifier could follow by their types
    /// (`fentry` and its kin), too: for those that it has refused otherwise.
    pub by_helper: bool,
}

impl CompileRequest {
    /// The same text and kernel, with [`Self::by_helper`] set.
    #[must_use]
    pub fn read_by_helper(&self) -> Self {
        Self { by_helper: true, ..self.clone() }
    }
}

/// A finished compile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CompileOutput {
    /// The module.
    pub spec: ModuleSpec,
    /// What the compile read besides the request; the cache checks these before a hit.
    pub inputs: Inputs,
    /// False for what must not be cached (`__DATE__`, `__TIME__`, plug-in flags).
    pub cacheable: bool,
}

/// Files and facts that a compile depended on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inputs {
    /// User files opened, absolute.
    pub files: Vec<PathBuf>,
    /// Paths probed and found absent, absolute.
    pub absent: Vec<PathBuf>,
    /// Tracepoint formats read, `category/event`, present or not.
    pub tracepoints: Vec<String>,
    /// Kernel modules whose BTF was used.
    pub modules: Vec<String>,
    /// Whether the CPU counts or the page size went into the module.
    pub cpus: bool,
}

/// Turns C into a module. Implemented by `bcc_frontend::Compiler` (in this process) and by
/// [`child::ChildCompiler`] (in a process of its own).
pub trait Compiler: Send + Sync {
    /// Compiles one text.
    ///
    /// # Errors
    /// [`CompileError`], with the diagnostics when the text is at fault.
    fn compile(&self, request: &CompileRequest) -> Result<CompileOutput, CompileError>;

    /// Identifies this build of the compiler in cache keys.
    ///
    /// # Errors
    /// [`CompileError::NotFound`] when there is no compiler to ask; the cache then serves what any
    /// compiler of this library's build made.
    fn id(&self) -> Result<Vec<u8>, CompileError>;
}

/// Why no module came of a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CompileError {
    /// The text is at fault; at least one diagnostic is an error.
    #[error("{}", render(.diagnostics))]
    Diagnostics {
        /// Errors and warnings, in source order.
        diagnostics: Vec<Diagnostic>,
    },
    /// The compiler's process ended without an answer.
    #[error("the compiler died: {how}{}{stderr}", if .stderr.is_empty() { "" } else { ": " })]
    CompilerDied {
        /// `signal 11 (SIGSEGV)` or `exit status 1`.
        how: String,
        /// What it wrote to stderr last.
        stderr: String,
    },
    /// It was given up, see [`child::set_stop`].
    #[error("the compile was interrupted")]
    Interrupted,
    /// There is no compiler executable.
    #[error("no compiler found (tried {tried})")]
    NotFound {
        /// Places looked at.
        tried: String,
    },
    /// The compiler and this library are of different builds.
    #[error("compiler {path} is of another build ({theirs}, this library is {ours}): rebuild both")]
    Stale {
        /// Executable.
        path: String,
        /// Its build.
        theirs: String,
        /// Ours.
        ours: String,
    },
    /// The Target lacks something the text needs.
    #[error("{message}")]
    Target {
        /// What is missing and what would help.
        message: String,
    },
    /// A file or pipe failed.
    #[error("failed to {what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's words.
        error: String,
    },
}

fn render(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
