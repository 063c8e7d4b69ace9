//! Functions that may become programs.

use super::{Report, section_of};
use crate::clang::Cursor;
use crate::facts::{ContextKind, ProgramDecl};
use bcc_core::mutation;
use clang_sys as sys;

/// Parameters that fit into registers besides the context.
const MAX_REGISTER_PARAMETERS: usize = 6;

/// Names that say that the program's context holds trusted kernel pointers.
const BTF_PREFIXES: [&str; 6] =
    ["btf_tracepoint__", "kfunc__", "kretfunc__", "kmod_ret__", "lsm__", "bpf_iter__"];
const BTF_SECTIONS: [&str; 6] = ["fentry", "fexit", "fmod_ret", "lsm", "tp_btf", "iter"];

/// Externally visible functions with a body in the main file, in order.
pub fn programs(root: Cursor<'_>, main: &str, report: &mut Report) -> Vec<ProgramDecl> {
    if mutation::off("parse:programs") {
        return Vec::new();
    }
    root.children()
        .into_iter()
        .filter(|f| f.kind() == sys::CXCursor_FunctionDecl && f.is_definition() && f.is_external())
        .filter(|f| !f.is_inline() || f.storage() == sys::CX_SC_Extern)
        .filter_map(|function| {
            let place = function.place();
            (place.file == main || place.file.is_empty())
                .then(|| program(function, place.line, report))
        })
        .collect()
}

fn program(function: Cursor<'_>, line: u32, report: &mut Report) -> ProgramDecl {
    let name = function.spelling();
    let parameters = function.arguments();
    if parameters.len() > 1 + MAX_REGISTER_PARAMETERS {
        let place = parameters[1 + MAX_REGISTER_PARAMETERS].place();
        report.error(&place, "too many arguments, bcc only supports in-register parameters");
    }
    for parameter in &parameters {
        if parameter.spelling().is_empty() {
            report.error(&parameter.place(), "arguments to BPF program definition must be named");
        }
    }
    missing_tracepoint(&name, &parameters, report);
    let section = section_of(function);
    let context = context(&name, section.as_deref(), parameters.first().copied());
    let syscall = !mutation::off("lower:syscall")
        && (name.starts_with("syscall__") || name.starts_with("kprobe____x64_sys_"));
    ProgramDecl { name, section, context, syscall, line }
}

/// A `TRACEPOINT_PROBE` of an event that this kernel does not have: its struct has no members.
fn missing_tracepoint(name: &str, parameters: &[Cursor<'_>], report: &mut Report) {
    let Some(event) = name.strip_prefix("tracepoint__") else { return };
    let [args] = parameters else { return };
    let pointee = args.ty().canonical().pointee().canonical();
    let is_its_struct = pointee.unqualified().spelling() == format!("struct {name}");
    if is_its_struct && pointee.size() < 0 {
        let (category, event) = event.rsplit_once("__").unwrap_or(("", event));
        let message = format!("no tracepoint {category}:{event} in this kernel");
        report.error(&args.place(), message);
    }
}

fn context(name: &str, section: Option<&str>, first: Option<Cursor<'_>>) -> ContextKind {
    let pointee = first.map(|p| p.ty().canonical().pointee().canonical().unqualified().spelling());
    let pointee = pointee.unwrap_or_default();
    let section = section.and_then(|s| s.split(['/', '.']).next()).unwrap_or_default();
    match pointee.as_str() {
        "struct pt_regs" => ContextKind::PtRegs,
        "struct bpf_raw_tracepoint_args" => ContextKind::RawTracepoint,
        other if other.starts_with("struct tracepoint__") => ContextKind::Tracepoint,
        _ if name.starts_with("struct_ops__") => ContextKind::StructOps,
        "unsigned long long" => ContextKind::Btf,
        other if other.starts_with("struct bpf_iter__") => ContextKind::Btf,
        _ if BTF_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) => ContextKind::Btf,
        _ if BTF_SECTIONS.contains(&section) => ContextKind::Btf,
        _ => ContextKind::Other,
    }
}
