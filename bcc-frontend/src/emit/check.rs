//! What no BPF program can hold: found in the optimised module, because the backend ends the process
//! on most of it.

use super::Generator;
use super::prepare::{KFUNC_SECTION, has_address};
use crate::llvm::{Module, Opcode, Value};
use crate::lower::helper_number;
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, Stage};

/// Functions that the backend replaces by instructions where their size is small and constant.
const LIBRARY: [&str; 5] = ["memcmp", "bcmp", "memcpy", "memmove", "memset"];

/// Bytes of a BPF program's stack.
const STACK: u64 = 512;

const STACK_HINT: &str = "keep large structs in a BPF_PERCPU_ARRAY of one element and use its leaf";

/// Intrinsics that the backend knows, or that are gone when it comes to them.
const INTRINSICS: [&str; 43] = [
    "abs.",
    "annotation.",
    "assume",
    "bitreverse.",
    "bpf.",
    "bswap.",
    "ctlz.",
    "ctpop.",
    "cttz.",
    "dbg.",
    "donothing",
    "expect.",
    "experimental.noalias.",
    "fshl.",
    "fshr.",
    "invariant.",
    "is.constant.",
    "launder.",
    "lifetime.",
    "memcpy.",
    "memmove.",
    "memset.",
    "objectsize.",
    "preserve.",
    "prefetch.",
    "ptr.annotation.",
    "ptrmask.",
    "sadd.",
    "scmp.",
    "sideeffect",
    "smax.",
    "smin.",
    "smul.with",
    "ssa.copy",
    "ssub.",
    "strip.",
    "uadd.",
    "ucmp.",
    "umax.",
    "umin.",
    "umul.with",
    "usub.",
    "var.annotation",
];

impl Generator<'_> {
    /// Everything in `module` that the backend could not turn into BPF.
    pub(super) fn check_module(&self, module: &Module<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for global in module.globals().into_iter().filter(|global| global.is_used()) {
            let Some((message, hint)) = refused_variable(global) else { continue };
            let mut error = self.reporter.error(Stage::Emit, &global.declaration(), message);
            error.hint = hint.map(str::to_owned);
            found.push(error);
        }
        for instruction in module.functions().into_iter().flat_map(Value::instructions) {
            let Some((message, hint)) = refused(module, instruction) else { continue };
            let mut place = instruction.place();
            if place.line == 0 {
                place = instruction.function().definition();
            }
            let mut error = self.reporter.error(Stage::Emit, &place, message);
            error.hint = hint.map(str::to_owned);
            if !found.contains(&error) {
                found.push(error);
            }
        }
        found
    }
}

type Refusal = Option<(String, Option<&'static str>)>;

/// Why a global variable cannot be in a map. Addresses that the optimiser has not put in the variable's
/// place would have to be known before the program is loaded.
fn refused_variable(global: Value) -> Refusal {
    // LLVM calls a function's static variable `function.name`, and a member of its own `name.1`.
    let name = global.name();
    let mut parts = name.split('.').rev();
    let name = parts.find(|part| part.parse::<u32>().is_err()).unwrap_or(&name);
    if global.is_thread_local() {
        return Some((format!("`{name}`: BPF has no thread-local variables"), None));
    }
    (has_address(global) && !mutation::off("emit:addresses")).then(|| {
        let message =
            format!("`{name}` is a variable in memory, whose first value cannot be an address");
        (message, Some("assign it in the program, or never assign it"))
    })
}

/// Why `instruction` cannot be BPF, and what helps.
fn refused(module: &Module<'_>, instruction: Value) -> Refusal {
    let plain = |message: &str| Some((message.to_owned(), None));
    match instruction.opcode()? {
        Opcode::LLVMIndirectBr => plain("computed goto is not possible in BPF"),
        Opcode::LLVMVAArg => plain("variable arguments are not possible in BPF"),
        Opcode::LLVMFence => {
            let hint = Some("BPF atomics that return a value are full barriers");
            Some(("memory fences are not in this BPF instruction set".to_owned(), hint))
        }
        Opcode::LLVMAtomicRMW if !instruction.is_bpf_atomic() => {
            plain("this atomic operation is not in the BPF instruction set")
        }
        Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg => {
            let value = instruction.operand(1).ty();
            let fits = value.is_pointer() || matches!(value.bits(), 32 | 64);
            (!fits).then(|| ("BPF atomics work on 4 and 8 bytes".to_owned(), None))
        }
        Opcode::LLVMAlloca => {
            let size = module.size_of(instruction.allocated());
            let message = "variables need more than the 512 bytes of a BPF program's stack";
            (size > STACK && !mutation::off("emit:stack"))
                .then(|| (message.to_owned(), Some(STACK_HINT)))
        }
        Opcode::LLVMLoad => refused_table(instruction.operand(0)),
        Opcode::LLVMStore => refused_table(instruction.operand(1)),
        Opcode::LLVMCall => refused_call(instruction),
        _ => None,
    }
}

/// A table's variable only stands for the map: its own bytes do not exist in the kernel.
fn refused_table(address: Value) -> Refusal {
    let mut base = address;
    while matches!(base.opcode(), Some(Opcode::LLVMGetElementPtr | Opcode::LLVMBitCast)) {
        base = base.operand(0);
    }
    if !base.is_global() || !base.section().starts_with("maps/") {
        return None;
    }
    let message = format!("the members of the table `{}` itself cannot be used", base.name());
    Some((message, Some("use its methods, such as lookup() and update()")))
}

fn refused_call(call: Value) -> Refusal {
    let callee = call.callee();
    if callee.is_inline_asm() || helper_number(callee).is_some() {
        return None;
    }
    if !callee.is_function() {
        let hint = Some("BPF calls helpers by number and functions by name");
        return Some(("a call through a pointer that is not constant".to_owned(), hint));
    }
    if !callee.is_declaration() {
        return None;
    }
    let name = callee.name();
    if name.starts_with("llvm.load.relative") {
        let message = "a pointer out of a table cannot be loaded at an index that is not constant";
        return Some((message.to_owned(), Some("use an array of character arrays")));
    }
    if let Some(intrinsic) = name.strip_prefix("llvm.") {
        let known = INTRINSICS.iter().any(|known| intrinsic.starts_with(known));
        return (!known).then(|| (format!("`{intrinsic}` is not possible in BPF"), None));
    }
    if callee.section() == KFUNC_SECTION || LIBRARY.contains(&name.as_str()) {
        return None;
    }
    let hint = Some("BPF programs can call functions of their own text, helpers, and kfuncs");
    Some((format!("call of `{name}`, which is not defined in the program"), hint))
}
