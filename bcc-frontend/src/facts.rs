//! What the stages tell each other about the user's text.

use crate::source::ClangInput;
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, EventLayout, MapSpec};

/// Result of the source stage.
#[derive(Debug, Default)]
pub struct Rewritten {
    /// The input with the main file and the user's own headers replaced by plain BPF C.
    pub input: ClangInput,
    /// Tables, in order of definition.
    pub maps: Vec<MapDecl>,
    /// Functions of the main file with a body that can be programs, in order of definition.
    pub programs: Vec<ProgramDecl>,
    /// Layouts of submitted structs.
    pub events: Vec<EventLayout>,
    /// Warnings so far.
    pub warnings: Vec<Diagnostic>,
    /// Where rewritten columns were in the original.
    pub columns: ColumnMap,
}

/// A table variable. Its object symbol is `spec.name`; `max_entries` and `flags` are read from the
/// initialised bytes of that symbol in the object's `maps/…` section.
#[derive(Debug, Default, Clone)]
pub struct MapDecl {
    /// All but `max_entries`, `flags` and the BTF ids.
    pub spec: MapSpec,
    /// Byte offset of the `max_entries` member in the variable; `u32::MAX` when there is none.
    pub max_entries_offset: u32,
    /// Byte offset of the `flags` member in the variable; `u32::MAX` when there is none.
    pub flags_offset: u32,
    /// Byte offset of a ring buffer's `loss_slot` member; `u32::MAX` when there is none.
    pub loss_slot_offset: u32,
}

/// A function that may become a program.
#[derive(Debug, Clone)]
pub struct ProgramDecl {
    /// C name.
    pub name: String,
    /// An explicit section attribute of the user's.
    pub section: Option<String>,
    /// How members of the context are to be treated.
    pub context: ContextKind,
    /// `syscall__…` and `kprobe____x64_sys_…`: parameters are one `pt_regs` further away.
    pub syscall: bool,
    /// Line of the definition in the main file.
    pub line: u32,
}

/// What the first parameter of a program points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextKind {
    /// `struct pt_regs *`: members are untrusted pointers, further parameters are registers.
    PtRegs,
    /// `struct bpf_raw_tracepoint_args *`: members are untrusted pointers.
    RawTracepoint,
    /// `struct tracepoint__… *`: members are untrusted pointers.
    Tracepoint,
    /// `fentry`, `fexit`, `fmod_ret`, LSM, `tp_btf`, iterators: members are trusted.
    Btf,
    /// A function of a kernel struct: members are trusted, and not every kernel has helpers that read.
    StructOps,
    /// `__sk_buff`, `xdp_md`, `bpf_perf_event_data`, anything else: left alone.
    Other,
}

/// Rewritten (file, line, column) → original column. Lines never move.
#[derive(Debug, Default, Clone)]
pub struct ColumnMap {
    /// Per edit: file, line, column in the rewritten text, how far the rest of that line moved.
    pub shifts: Vec<(String, u32, u32, i32)>,
}

impl ColumnMap {
    /// The column of the user's text that `column` of the rewritten text came from.
    pub fn original(&self, file: &str, line: u32, column: u32) -> u32 {
        if mutation::off("rewrite:columns") {
            return column;
        }
        let moved: i32 = self
            .shifts
            .iter()
            .filter(|(f, l, c, _)| f == file && *l == line && *c <= column)
            .map(|(.., by)| by)
            .sum();
        u32::try_from(i64::from(column) - i64::from(moved)).unwrap_or(1).max(1)
    }
}
