//! What the module must look like before the passes: linkage, sections, inlining, layout.

use crate::facts::{ContextKind, ProgramDecl, Rewritten};
use crate::llvm::{Module, Opcode, Value};
use crate::lower::has_pointers;
use bcc_core::compile::CompileRequest;
use bcc_core::mutation;
use std::collections::BTreeMap;

/// Prefix of the section that each function gets of its own.
pub(super) const FUNCTION_SECTION: &str = ".bpf.fn.";
/// Section of extern declarations that the kernel's functions stand for.
pub(super) const KFUNC_SECTION: &str = ".ksyms";

/// Makes everything but programs internal and inlines what may be inlined.
pub(super) fn prepare(module: &Module<'_>, rewritten: &Rewritten) {
    hide_addresses(module);
    let sizes = Sizes::of(module);
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
        // Keeps vectors away, which BPF does not have.
        function.add_attribute("noimplicitfloat");
        if mutation::off("emit:inline") {
            function.add_attribute("noinline");
        } else if !function.has_attribute("noinline") && sizes.allow(function) {
            function.remove_attribute("inlinehint");
            function.add_attribute("alwaysinline");
        }
    }
}

/// Makes variables internal that are initialised with addresses: those exist only while nothing is
/// stored there, so that the address can be used in their place.
fn hide_addresses(module: &Module<'_>) {
    for global in module.globals().into_iter().filter(|global| has_address(*global)) {
        global.make_internal();
    }
}

/// Whether a variable of the text is initialised with an address.
pub(super) fn has_address(global: Value) -> bool {
    let holds = |initial: Value| has_pointers(initial.ty()) && holds_address(initial);
    global.section().is_empty() && global.initializer().is_some_and(holds)
}

fn holds_address(constant: Value) -> bool {
    if constant.is_constant_expression() {
        return constant.operands().into_iter().any(holds_address);
    }
    constant.is_global()
        || !constant.is_null()
            && (0..).map_while(|at| constant.aggregate_element(at)).any(holds_address)
}

/// Instructions that a program may have after inlining; no kernel takes as many.
const MAX_INLINED: usize = 1 << 18;
/// Functions of at most this many instructions are inlined even into one that is too large.
const SMALL: usize = 1 << 10;

/// Sizes of functions with all they call inlined: calls that double at each level must not make the
/// module grow without bound.
struct Sizes(BTreeMap<Value, usize>);

impl Sizes {
    fn of(module: &Module<'_>) -> Self {
        let mut sizes = Self(BTreeMap::new());
        for function in module.functions() {
            sizes.inlined(function, 0);
        }
        sizes
    }

    fn inlined(&mut self, function: Value, depth: u32) -> usize {
        if let Some(&size) = self.0.get(&function) {
            return size;
        }
        if function.is_declaration() {
            return 0;
        }
        let instructions = function.instructions();
        // Also ends recursion.
        self.0.insert(function, instructions.len());
        let mut size = instructions.len();
        for call in instructions.iter().filter(|i| i.opcode() == Some(Opcode::LLVMCall)) {
            let callee = call.callee();
            if depth < MAX_DEPTH && callee.is_function() && callee != function {
                size = size.saturating_add(self.inlined(callee, depth + 1));
            }
        }
        self.0.insert(function, size);
        size
    }

    /// Whether `function` may be inlined everywhere.
    fn allow(&self, function: Value) -> bool {
        let largest = self.0.values().copied().max().unwrap_or(0);
        largest <= MAX_INLINED || self.0.get(&function).is_none_or(|&size| size <= SMALL)
    }
}

/// Levels of calls that are looked at.
const MAX_DEPTH: u32 = 1000;

/// Whether a function that could be a program is there for others to call: parameters that no context
/// provides would keep it from compiling as a program.
fn is_helper(function: Value, decl: &ProgramDecl) -> bool {
    let params = function.params();
    let takes_context = params.len() == 1 && params[0].ty().is_pointer();
    !mutation::off("emit:helpers")
        && decl.context == ContextKind::Other
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

/// Names of the kernel functions that the module calls.
pub(super) fn kernel_functions(module: &Module<'_>) -> Vec<String> {
    let is_one = |f: &Value| {
        f.is_declaration() && f.section() == KFUNC_SECTION && !mutation::off("emit:kfunc")
    };
    module.functions().into_iter().filter(is_one).map(Value::name).collect()
}

/// Removes atomics that change nothing and tell nobody. The optimiser makes `|= 0` of `+= 0`, and kernels
/// before 5.12 have no other atomic than the addition.
pub(super) fn remove_idle_atomics(module: &Module<'_>) {
    let instructions = module.functions().into_iter().flat_map(Value::instructions);
    for instruction in instructions.filter(|i| i.opcode() == Some(Opcode::LLVMAtomicRMW)) {
        if !instruction.is_used() && instruction.is_idle_atomic() {
            instruction.erase();
        }
    }
}

/// Whether any atomic needs an instruction set that hands back the old value.
pub(super) fn needs_fetching_atomics(module: &Module<'_>) -> bool {
    module.functions().into_iter().flat_map(Value::instructions).any(
        |instruction| match instruction.opcode() {
            Some(Opcode::LLVMAtomicCmpXchg) => true,
            Some(Opcode::LLVMAtomicRMW) => {
                instruction.is_used() || !instruction.is_atomic_addition()
            }
            _ => false,
        },
    )
}

/// Whether the request's machine is big-endian.
pub(super) fn big_endian(request: &CompileRequest) -> bool {
    matches!(request.target.arch.as_str(), "s390x" | "ppc64" | "mips" | "mips64" | "sparc64")
}
