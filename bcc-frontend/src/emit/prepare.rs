//! What the module must look like before the passes: linkage, sections, inlining, layout.

use crate::facts::{ContextKind, ProgramDecl, Rewritten};
use crate::llvm::{Module, Value};
use bcc_core::compile::CompileRequest;

/// Prefix of the section that each function gets of its own.
pub(super) const FUNCTION_SECTION: &str = ".bpf.fn.";
/// Section of extern declarations that the kernel's functions stand for.
pub(super) const KFUNC_SECTION: &str = ".ksyms";

/// Makes everything but programs internal and inlines what may be inlined.
pub(super) fn prepare(module: &Module<'_>, rewritten: &Rewritten) {
    for function in module.functions() {
        if function.is_declaration() {
            continue;
        }
        let decl = rewritten.programs.iter().find(|program| program.name == function.name());
        if decl.is_none_or(|decl| is_helper(function, decl)) {
            function.make_internal();
        }
        for attribute in ["optnone", "uwtable", "nounwind"] {
            function.remove_attribute(attribute);
        }
        function.add_attribute("nounwind");
        if !function.has_attribute("noinline") {
            function.remove_attribute("inlinehint");
            function.add_attribute("alwaysinline");
        }
    }
}

/// Whether a function that could be a program is there for others to call: parameters that no context
/// provides would keep it from compiling as a program.
fn is_helper(function: Value, decl: &ProgramDecl) -> bool {
    let params = function.params();
    let takes_context = params.len() == 1 && params[0].ty().is_pointer();
    decl.context == ContextKind::Other
        && decl.section.is_none()
        && function.is_used()
        && !takes_context
}

/// Gives every function a section of its own, just before code generation.
pub(super) fn set_sections(module: &Module<'_>) {
    for function in module.functions() {
        if !function.is_declaration() {
            function.set_section(&format!("{FUNCTION_SECTION}{}", function.name()));
        }
    }
}

/// Functions that the backend replaces by instructions where their size is small and constant.
pub(super) const LIBRARY: [&str; 5] = ["memcmp", "bcmp", "memcpy", "memmove", "memset"];

/// Names of the kernel functions that the module calls.
pub(super) fn kernel_functions(module: &Module<'_>) -> Vec<String> {
    let is_one = |f: &Value| f.is_declaration() && f.section() == KFUNC_SECTION;
    module.functions().into_iter().filter(is_one).map(Value::name).collect()
}

/// Calls of functions that nobody defines: (the call, the name).
pub(super) fn undefined_calls(module: &Module<'_>) -> Vec<(Value, String)> {
    let mut calls = Vec::new();
    for function in module.functions() {
        let name = function.name();
        let known = name.starts_with("llvm.")
            || function.section() == KFUNC_SECTION
            || LIBRARY.contains(&name.as_str());
        if !function.is_declaration() || known {
            continue;
        }
        let users = function.users().into_iter().filter(|user| user.is_instruction());
        calls.extend(users.map(|user| (user, name.clone())));
    }
    calls
}

/// Whether any atomic needs an instruction set that hands back the old value.
pub(super) fn needs_fetching_atomics(module: &Module<'_>) -> bool {
    use crate::llvm::Opcode::{LLVMAtomicCmpXchg, LLVMAtomicRMW};
    module.functions().into_iter().flat_map(Value::instructions).any(
        |instruction| match instruction.opcode() {
            Some(LLVMAtomicCmpXchg) => true,
            Some(LLVMAtomicRMW) => instruction.is_used() || !instruction.is_atomic_addition(),
            _ => false,
        },
    )
}

/// Whether the request's machine is big-endian.
pub(super) fn big_endian(request: &CompileRequest) -> bool {
    matches!(request.target.arch.as_str(), "s390x" | "ppc64" | "mips" | "mips64" | "sparc64")
}
