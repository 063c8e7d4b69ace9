//! Plain BPF C to an object, and the object to a `ModuleSpec`.
//!
//! clang (shim) → prepare → inlining, `sroa` → [`crate::lower`] → O2 → BPF backend → object → spec.

mod btf;
mod check;
mod link;
mod object;
mod prepare;
mod report;
mod spec;

pub(crate) use report::Reporter;

use crate::facts::Rewritten;
use crate::llvm::{Context, Cpu, Machine, Module, Place};
use crate::lower;
use bcc_core::compile::CompileRequest;
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, ModuleSpec, Severity, Stage};

/// Prints the optimised IR.
const DEBUG_LLVM_IR: u32 = 1;

/// Before lowering: constant function pointers become helper numbers, what can be inlined is, and
/// locals become values, so that pointers are seen where they are used.
const BEFORE_LOWERING: &std::ffi::CStr =
    c"globalopt,function(instsimplify),always-inline,globaldce,function(sroa,instsimplify,early-cse<memssa>,dce)";

/// Generates code for `rewritten`, lowers kernel pointer reads, optimises, and reads the object.
///
/// # Errors
/// All diagnostics, when at least one is an error.
pub fn emit(
    request: &CompileRequest,
    rewritten: &Rewritten,
) -> Result<ModuleSpec, Vec<Diagnostic>> {
    let reporter = Reporter::new(request, rewritten);
    let context = Context::new();
    let (module, said) = crate::llvm::compile(&context, &rewritten.input);
    let Some(module) = module else {
        return Err(reporter.clang(said));
    };
    let generator = Generator { request, rewritten, reporter, context: &context };
    let generated = generator.object(module)?;
    generator.spec(&generated)
}

/// What comes out of LLVM.
struct Generated {
    object: Vec<u8>,
    /// Kernel functions that it may call.
    kernel_functions: Vec<String>,
    llvm_ir: Option<String>,
}

/// The steps from a module to a spec, and what they all need.
struct Generator<'a> {
    request: &'a CompileRequest,
    rewritten: &'a Rewritten,
    reporter: Reporter<'a>,
    context: &'a Context,
}

impl Generator<'_> {
    fn object(&self, module: Module<'_>) -> Result<Generated, Vec<Diagnostic>> {
        let big = prepare::big_endian(self.request);
        let machine = Machine::new(Cpu::V1, big).map_err(|e| self.internal(&e))?;
        prepare::prepare(&module, self.rewritten);
        self.run(&machine, &module, BEFORE_LOWERING)?;
        let mut found =
            lower::lower(self.context, &module, self.request, self.rewritten, &self.reporter);
        found.retain(|diagnostic| !mutation::silent(&diagnostic.message));
        if found.iter().any(|d| d.severity == Severity::Error) {
            return Err(found);
        }
        module.verify().map_err(|e| self.internal(&e))?;
        self.run(&machine, &module, c"default<O2>")?;
        prepare::remove_idle_atomics(&module);
        let refused = self.check_module(&module);
        if !refused.is_empty() {
            return Err(refused);
        }
        let llvm_ir = (self.request.debug & DEBUG_LLVM_IR != 0).then(|| module.text());
        prepare::set_sections(&module);
        let machine = match prepare::needs_fetching_atomics(&module) {
            true => Machine::new(Cpu::V3, big).map_err(|e| self.internal(&e))?,
            false => machine,
        };
        let object = machine.emit_object(&module).map_err(|e| self.internal(&e))?;
        self.check()?;
        Ok(Generated { object, kernel_functions: prepare::kernel_functions(&module), llvm_ir })
    }

    fn run(
        &self,
        machine: &Machine,
        module: &Module<'_>,
        passes: &std::ffi::CStr,
    ) -> Result<(), Vec<Diagnostic>> {
        machine.run_passes(module, passes).map_err(|e| self.internal(&e))?;
        self.check()
    }

    /// Fails when LLVM reported any error since the last check.
    fn check(&self) -> Result<(), Vec<Diagnostic>> {
        let errors = self.context.take_errors();
        if errors.is_empty() {
            return Ok(());
        }
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        for error in errors {
            let diagnostic = self.reporter.backend(&error);
            // The backend says the same of each access, and again without a place.
            match diagnostics.iter_mut().find(|d| d.message == diagnostic.message) {
                Some(first) if first.column == 0 && diagnostic.column > 0 => *first = diagnostic,
                Some(_) => {}
                None => diagnostics.push(diagnostic),
            }
        }
        Err(diagnostics)
    }

    fn internal(&self, error: &str) -> Vec<Diagnostic> {
        let mut all = self.check().err().unwrap_or_default();
        all.push(self.reporter.error(Stage::Emit, &Place::default(), error.trim()));
        all
    }
}
