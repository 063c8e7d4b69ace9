//! Table variables: global variables in a section `maps/…`.

use super::types::{describe, nothing};
use super::{Report, section_of};
use crate::clang::{Cursor, Place};
use crate::facts::MapDecl;
use bcc_core::mutation;
use bcc_core::spec::{MapScope, MapSpec, RING_LOSSES, TypeDesc};
use clang_sys as sys;

/// Kernel `BPF_MAP_TYPE_*` of each kind word. A histogram is an array or a hash by its key.
const KINDS: &[(&str, u32)] = &[
    ("hash", 1),
    ("array", 2),
    ("prog", 3),
    ("perf_output", 4),
    ("perf_array", 4),
    ("percpu_hash", 5),
    ("percpu_array", 6),
    ("stacktrace", 7),
    ("cgroup_array", 8),
    ("lru_hash", 9),
    ("lru_percpu_hash", 10),
    ("lpm_trie", 11),
    ("array_of_maps", 12),
    ("hash_of_maps", 13),
    ("devmap", 14),
    ("sockmap", 15),
    ("cpumap", 16),
    ("xskmap", 17),
    ("sockhash", 18),
    ("cgroup_storage", 19),
    ("percpu_cgroup_storage", 21),
    ("queue", 22),
    ("stack", 23),
    ("sk_storage", 24),
    ("ringbuf", 27),
    ("inode_storage", 28),
    ("task_storage", 29),
];

/// `BPF_MAP_TYPE_ARRAY` and its per-CPU form: their entries always exist.
pub const ARRAY_TYPES: [u32; 2] = [2, 6];

/// A table and the struct that only it has.
#[derive(Debug, Clone)]
pub struct Table<'u> {
    /// For the next stages.
    pub decl: MapDecl,
    /// The table's struct; methods are members of it.
    pub record: Cursor<'u>,
    /// The variable.
    pub variable: Cursor<'u>,
}

/// All tables of the unit, in order of definition.
pub fn tables<'u>(root: Cursor<'u>, report: &mut Report) -> Vec<Table<'u>> {
    let mut tables: Vec<Table<'u>> = Vec::new();
    for variable in root.children() {
        if variable.kind() != sys::CXCursor_VarDecl {
            continue;
        }
        let Some(section) = section_of(variable) else { continue };
        let Some(kind) = section.strip_prefix("maps/") else { continue };
        let name = variable.spelling();
        match kind {
            "export" | "shared" => publish(&mut tables, &name, kind),
            // Every ring buffer declares it.
            _ if name == RING_LOSSES && tables.iter().any(|t| t.decl.spec.name == name) => {}
            _ => tables.extend(table(variable, &section, kind, report)),
        }
    }
    tables
}

/// `__NAME` in "maps/export" or "maps/shared" publishes NAME.
fn publish(tables: &mut [Table<'_>], twin: &str, kind: &str) {
    let scope = if kind == "export" { MapScope::Public } else { MapScope::Shared };
    let name = twin.strip_prefix("__").unwrap_or(twin);
    if let Some(table) = tables.iter_mut().find(|t| t.decl.spec.name == name) {
        table.decl.spec.scope = scope;
    }
}

/// Splits `KIND[$inner][:path]`.
fn split_kind(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let end = text.find([':', '$']).unwrap_or(text.len());
    let (kind, rest) = text.split_at(end);
    let Some(rest) = rest.strip_prefix('$') else {
        return (kind, None, rest.strip_prefix(':'));
    };
    match rest.split_once(':') {
        Some((inner, path)) => (kind, Some(inner), Some(path)),
        None => (kind, Some(rest), None),
    }
}

fn table<'u>(
    variable: Cursor<'u>,
    section: &str,
    kind_text: &str,
    report: &mut Report,
) -> Option<Table<'u>> {
    let place = variable.place();
    let ty = variable.ty().canonical();
    if ty.kind() != sys::CXType_Record {
        report.error(&place, "invalid type for bpf_table, expect struct");
        return None;
    }
    let (kind, inner, path) = split_kind(kind_text);
    let members = Members::of(variable, &place, report)?;
    let map_type = match kind {
        "extern" if !mutation::off("kind:extern") => 0,
        "histogram" => histogram_type(&members, &place, report)?,
        _ => match KINDS
            .iter()
            .find(|(word, _)| *word == kind && !mutation::off(&format!("kind:{word}")))
        {
            Some((_, map_type)) => *map_type,
            None => {
                report.error(&place, format!("unsupported map type: {section}"));
                return None;
            }
        },
    };
    let spec = MapSpec {
        name: variable.spelling(),
        kind: kind.to_owned(),
        map_type,
        key_size: members.key.size(),
        value_size: members.leaf.size(),
        key: members.key,
        leaf: members.leaf,
        pin_path: path.map(str::to_owned),
        inner: inner.map(str::to_owned),
        scope: if kind == "extern" { MapScope::Extern } else { MapScope::Local },
        ..MapSpec::default()
    };
    let decl = MapDecl {
        spec,
        max_entries_offset: members.max_entries_offset,
        flags_offset: members.flags_offset,
        loss_slot_offset: members.loss_slot_offset,
    };
    Some(Table { decl, record: ty.declaration(), variable })
}

fn histogram_type(members: &Members, place: &Place, report: &mut Report) -> Option<u32> {
    match &members.leaf {
        TypeDesc::Builtin { name, .. } if name == "unsigned long long" => {}
        other => {
            let got = match other {
                TypeDesc::Builtin { name, .. } => name.clone(),
                TypeDesc::Struct { name, .. } => format!("struct {name}"),
                TypeDesc::Array { .. } => "array".to_owned(),
                TypeDesc::Pointer => "pointer".to_owned(),
            };
            report.error(place, format!("histogram leaf type must be u64, got {got}"));
            return None;
        }
    }
    let is_int = matches!(&members.key, TypeDesc::Builtin { name, .. } if name == "int");
    Some(if is_int { 2 } else { 1 })
}

struct Members {
    key: TypeDesc,
    leaf: TypeDesc,
    max_entries_offset: u32,
    flags_offset: u32,
    loss_slot_offset: u32,
}

impl Members {
    fn of(variable: Cursor<'_>, place: &Place, report: &mut Report) -> Option<Self> {
        let mut members = Self {
            key: nothing(),
            leaf: nothing(),
            max_entries_offset: u32::MAX,
            flags_offset: u32::MAX,
            loss_slot_offset: u32::MAX,
        };
        for member in variable.ty().canonical().fields() {
            let offset = u32::try_from(member.field_offset() / 8).unwrap_or(u32::MAX);
            match member.spelling().as_str() {
                "key" => members.key = Self::described(member, place, report)?,
                "leaf" => {
                    members.leaf = Self::described(member, place, report)?;
                    if members.leaf.size() == 0 {
                        report.error(place, "invalid zero-sized leaf");
                        return None;
                    }
                }
                "max_entries" => members.max_entries_offset = offset,
                "flags" => members.flags_offset = offset,
                "loss_slot" => members.loss_slot_offset = offset,
                _ => {}
            }
        }
        Some(members)
    }

    fn described(member: Cursor<'_>, place: &Place, report: &mut Report) -> Option<TypeDesc> {
        let described = describe(member.ty());
        if described.is_none() {
            report.error(place, format!("unknown type {}", member.ty().spelling()));
        }
        described
    }
}
