//! The IR pass: loads through kernel pointers become probe reads, parameters become registers.
//!
//! module (inlined, locals are values) → `arguments` → `pointers` → `provenance` → `probe_read`

mod arguments;
mod helpers;
mod member;
mod origin;
mod pointers;
mod probe_read;
mod provenance;

use crate::emit::Reporter;
use crate::facts::Rewritten;
use crate::llvm::{Builder, Context, Module, Value};
use bcc_core::compile::CompileRequest;
use bcc_core::spec::Diagnostic;
pub(crate) use pointers::has_pointers;
use provenance::Provenance;
pub(crate) use provenance::helper_number;

/// Lowers a module that was inlined and whose locals are values. Returns errors only.
pub(crate) fn lower(
    context: &Context,
    module: &Module<'_>,
    request: &CompileRequest,
    rewritten: &Rewritten,
    reporter: &Reporter<'_>,
) -> Vec<Diagnostic> {
    let machine =
        arguments::Machine { arch: &request.target.arch, release: &request.target.release };
    let mut errors = Vec::new();
    let mut contexts = Vec::new();
    let mut programs = Vec::new();
    for decl in &rewritten.programs {
        let Some(mut function) = module.function(&decl.name).filter(|f| !f.is_declaration()) else {
            continue;
        };
        let registers = arguments::has_register_params(function);
        if registers {
            match arguments::lower(context, module, function, decl, &machine, reporter) {
                Ok(lowered) => function = lowered,
                Err(error) => {
                    errors.push(*error);
                    continue;
                }
            }
        }
        let kinds = arguments::context(decl, registers, request.by_helper);
        let Some(&param) = function.params().first() else { continue };
        contexts.push((param, kinds));
        programs.push((param, function));
    }
    if !errors.is_empty() {
        return errors;
    }
    let functions: Vec<Value> =
        module.functions().into_iter().filter(|f| !f.is_declaration()).collect();
    pointers::lower(context, module, &functions);
    let mut provenance = Provenance::of(module, &functions, &contexts);
    if pointers::split(context, module, &functions, &provenance) {
        provenance = Provenance::of(module, &functions, &contexts);
    }
    let mut rewriter = probe_read::Rewriter {
        context,
        module,
        builder: Builder::new(context),
        reporter,
        helper: probe_read::helper(&request.target.arch),
        errors,
    };
    for function in functions {
        rewriter.function(function, &provenance);
    }
    for (param, function) in programs {
        rewriter.keep_offsets(function, param);
    }
    rewriter.errors
}
