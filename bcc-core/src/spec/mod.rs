//! What a compile produces: plain, serialisable data without file descriptors or kernel state.
//!
//! compiler → [`ModuleSpec`] → cache entry, or → the loader.

mod describe;
mod diagnostic;
mod types;

pub use describe::describe;
pub use diagnostic::{Diagnostic, Severity, Stage};
pub use types::{Field, StructKind, TypeDesc};

use serde::{Deserialize, Serialize};

/// One compiled text: everything the loader needs, and nothing of the running kernel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModuleSpec {
    /// The `license` section's text, without the final NUL.
    pub license: String,
    /// `LINUX_VERSION_CODE` of the Target (or its override); passed as `kern_version`.
    pub kern_version: u32,
    /// Maps in the order of their definition.
    pub maps: Vec<MapSpec>,
    /// Programs in the order of their definition.
    pub programs: Vec<ProgramSpec>,
    /// The object's `.BTF` section, ready for `BPF_BTF_LOAD` (DATASEC sizes filled); may be empty.
    pub btf: Vec<u8>,
    /// Layouts of the structs given to `perf_submit`, `ringbuf_output` and their kin, per table.
    pub events: Vec<EventLayout>,
    /// Warnings of the compile, to be printed on a cache hit as on a miss.
    pub warnings: Vec<Diagnostic>,
    /// The plain BPF C that the user's main text became; same lines as the original.
    pub rewritten: String,
    /// Optimised LLVM IR, only when `DEBUG_LLVM_IR` asked for it.
    pub llvm_ir: Option<String>,
    /// Source lines that line info refers to, for the disassembly with source: (file, line) → text
    /// is found through each program's `line_info` and the BTF strings.
    pub source_file: String,
}

impl ModuleSpec {
    /// The map named `name`, if the module defines one.
    pub fn map(&self, name: &str) -> Option<&MapSpec> {
        self.maps.iter().find(|map| map.name == name)
    }

    /// The program (C function) named `name`, if the module defines one.
    pub fn program(&self, name: &str) -> Option<&ProgramSpec> {
        self.programs.iter().find(|program| program.name == name)
    }
}

/// One table declaration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MapSpec {
    /// The C name.
    pub name: String,
    /// The dialect's kind word: `hash`, `histogram`, `perf_output`, `ringbuf`, … (`spec/dialect` §5).
    pub kind: String,
    /// Kernel `BPF_MAP_TYPE_*`.
    pub map_type: u32,
    /// Bytes per key as declared (0 for queue, stack, ringbuf).
    pub key_size: u32,
    /// Bytes per value (leaf) as declared.
    pub value_size: u32,
    /// Entries; for `ringbuf` bytes. 0 for `perf_output`: the loader puts the possible CPUs.
    pub max_entries: u32,
    /// `BPF_F_*` map flags.
    pub flags: u32,
    /// C type of the key.
    pub key: TypeDesc,
    /// C type of the leaf.
    pub leaf: TypeDesc,
    /// Type ids in [`ModuleSpec::btf`]; 0 when unknown.
    pub btf_key_id: u32,
    /// See `btf_key_id`.
    pub btf_value_id: u32,
    /// bpffs path of a `_PINNED` table.
    pub pin_path: Option<String>,
    /// Name of the inner map template of a map-in-map.
    pub inner: Option<String>,
    /// Who may see the table.
    pub scope: MapScope,
    /// Initial bytes of `.rodata`, `.data`, `.bss` maps (one-element arrays).
    pub data: Option<Vec<u8>>,
    /// Of a ring buffer: the element of [`RING_LOSSES`] that counts what found no room in it.
    pub loss_slot: Option<u32>,
}

/// Name of the hidden per-CPU array that counts the losses of a module's ring buffers.
pub const RING_LOSSES: &str = "bcc_ring_losses";

/// Visibility of a table across modules of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MapScope {
    /// This module only.
    #[default]
    Local,
    /// Published process-wide under its name (`BPF_TABLE_PUBLIC`).
    Public,
    /// Published in the module's map namespace (`BPF_TABLE_SHARED`).
    Shared,
    /// Defined by another module (`BPF_TABLE("extern", …)`); never created here.
    Extern,
}

/// One C function that can be loaded as a program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProgramSpec {
    /// The C function's name, attach prefix included (`kprobe__vfs_read`).
    pub name: String,
    /// An explicit section attribute of the user's, else empty.
    pub section: String,
    /// Instructions, 8 bytes each; functions called BPF-to-BPF are appended after the entry.
    pub insns: Vec<u8>,
    /// What the loader must patch into `insns`.
    pub relocations: Vec<Relocation>,
    /// `bpf_func_info` records (`{u32 insn_off; u32 type_id}`, offsets in instructions); may be empty.
    pub func_info: Vec<u8>,
    /// `bpf_line_info` records (16 bytes, offsets in instructions); may be empty.
    pub line_info: Vec<u8>,
}

/// One place in a program that depends on the kernel it is loaded into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relocation {
    /// Index of the instruction (not byte offset).
    pub insn: u32,
    /// What goes there.
    pub kind: RelocationKind,
}

/// See [`Relocation`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RelocationKind {
    /// `ld_imm64` of a map's fd (`BPF_PSEUDO_MAP_FD`), by map name.
    Map(String),
    /// `ld_imm64` of an address inside a data map's value (`BPF_PSEUDO_MAP_VALUE`).
    MapValue {
        /// Map name.
        map: String,
        /// Byte offset in the value.
        offset: u32,
    },
    /// A call of a kernel function (kfunc) by name (`BPF_PSEUDO_KFUNC_CALL`).
    Kfunc(String),
}

/// The struct that a program submits to one event table, for Python's `event()`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventLayout {
    /// Table name.
    pub table: String,
    /// `name#clang-type` per field, as upstream hands them on.
    pub fields: Vec<String>,
    /// The exact type, when the submitted data is a struct.
    pub ty: Option<TypeDesc>,
}
