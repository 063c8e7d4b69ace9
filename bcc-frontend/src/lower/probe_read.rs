//! Loads through kernel pointers become helper calls into a slot of the stack.

use super::helpers::{PROBE_READ, PROBE_READ_KERNEL};
use super::member::Member;
use super::origin::{Kinds, Origin};
use super::provenance::Provenance;
use crate::emit::Reporter;
use crate::llvm::{Builder, Context, Module, Opcode, Type, Value};
use bcc_core::mutation;
use bcc_core::spec::{Diagnostic, Stage};

/// Largest comparison that is copied to the stack first.
const MAX_COMPARED: i64 = 256;

/// The helper for `arch`. Where user and kernel addresses can't be told apart the plain one is absent.
pub(super) fn helper(arch: &str) -> u32 {
    if matches!(arch, "s390x" | "riscv64") { PROBE_READ_KERNEL } else { PROBE_READ }
}

/// Rewrites one module.
pub(super) struct Rewriter<'a, 'r> {
    pub(super) context: &'a Context,
    pub(super) module: &'a Module<'a>,
    pub(super) builder: Builder<'a>,
    pub(super) reporter: &'a Reporter<'r>,
    pub(super) helper: u32,
    pub(super) errors: Vec<Diagnostic>,
}

impl Rewriter<'_, '_> {
    /// Rewrites the loads of `function` and reports what cannot be.
    pub(super) fn function(&mut self, function: Value, provenance: &Provenance<'_>) {
        for instruction in function.instructions() {
            match instruction.opcode() {
                Some(Opcode::LLVMLoad) => {
                    let address = instruction.operand(0);
                    let origin = provenance.origin(address);
                    if self.is_refused(instruction, &origin) || self.must_read(instruction, &origin)
                    {
                        self.load(function, instruction, address);
                    }
                }
                Some(Opcode::LLVMStore) => {
                    self.check_store(instruction, &provenance.origin(instruction.operand(1)));
                }
                Some(Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg) => {
                    self.check_store(instruction, &provenance.origin(instruction.operand(0)));
                }
                Some(Opcode::LLVMCall) => self.call(function, instruction, provenance),
                _ => {}
            }
        }
    }

    /// The verifier refuses an access to the context whose offset is not in the instruction, which is
    /// what optimisation makes of `if (c) x = ctx->a; else x = ctx->b;`.
    pub(super) fn keep_offsets(&self, function: Value, context: Value) {
        let Some(first) = function.first_instruction() else { return };
        if !context.is_used() || !context.ty().is_pointer() {
            return;
        }
        let stand_in = self.builder.undefined_pointer(first);
        context.replace_with(stand_in);
        self.builder.before(first);
        let kept = self.builder.keep_offsets(function, context);
        stand_in.replace_with(kept);
        stand_in.erase();
    }

    /// Whether the verifier would refuse `load`, though it knows the memory.
    fn is_refused(&self, load: Value, origin: &Origin) -> bool {
        if !origin.objects.is_empty() {
            return false;
        }
        let member = Member::of(self.module, load.operand(0));
        match origin.kinds {
            Kinds::RAW_CONTEXT => member.varies(),
            Kinds::BTF => !member.is_readable(load.ty()) && !mutation::off("lower:types"),
            _ => false,
        }
    }

    /// Whether `instruction` reads memory of `origin` by helper.
    fn must_read(&mut self, instruction: Value, origin: &Origin) -> bool {
        let copies = instruction.opcode() == Some(Opcode::LLVMCall);
        // What is copied does not end where members do, as the verifier asks of loads.
        let needs_helper = origin.needs_helper() || copies && origin.kinds.has(Kinds::BTF);
        if !needs_helper || mutation::off(if copies { "lower:copies" } else { "lower:reads" }) {
            return false;
        }
        let contexts = Kinds::CONTEXT.with(Kinds::RAW_CONTEXT).with(Kinds::BTF_CONTEXT);
        if !origin.kinds.has(contexts) {
            return true;
        }
        let message = "this pointer is the program's context on one path and a kernel pointer on \
                       another: read through them in separate statements";
        self.error(instruction, message);
        false
    }

    fn check_store(&mut self, instruction: Value, origin: &Origin) {
        if origin.kinds.has(Kinds::UNTRUSTED) && !mutation::off("lower:stores") {
            let message =
                "cannot write through a kernel pointer: the BPF program may only read there";
            self.error(instruction, message);
        }
    }

    fn error(&mut self, instruction: Value, message: &str) {
        let error = self.reporter.error(Stage::Lower, &instruction.place(), message);
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn load(&mut self, function: Value, load: Value, address: Value) {
        let ty = load.ty();
        if !load.is_used() {
            load.erase();
            return;
        }
        let size = self.module.store_size_of(ty);
        let slot = self.slot(function, ty);
        self.builder.before(load);
        self.builder.lifetime(function, slot, size, true);
        self.read(slot, size, address);
        let value = self.builder.load(ty, slot, self.align_of(ty));
        self.builder.lifetime(function, slot, size, false);
        load.replace_with(value);
        load.erase();
    }

    /// Stack memory in the first block, where it costs nothing to merge it with others.
    fn slot(&self, function: Value, ty: Type) -> Value {
        if let Some(first) = function.first_instruction() {
            self.builder.before(first);
        }
        self.builder.alloca(ty, self.align_of(ty))
    }

    fn align_of(&self, ty: Type) -> u32 {
        self.module.align_of(ty).clamp(1, 8)
    }

    /// Calls the helper at the builder's place.
    fn read(&self, to: Value, size: u64, from: Value) {
        let size = self.context.int(32).constant(size);
        self.builder.call_helper(self.helper, &[to, size, from]);
    }

    fn call(&mut self, function: Value, call: Value, provenance: &Provenance<'_>) {
        let callee = call.callee();
        if !callee.is_function() || !callee.is_declaration() {
            return;
        }
        let name = callee.name();
        let arguments = call.arguments();
        if name.starts_with("llvm.memcpy") || name.starts_with("llvm.memmove") {
            self.check_store(call, &provenance.origin(arguments[0]));
            if self.must_read(call, &provenance.origin(arguments[1])) {
                self.builder.before(call);
                let size = self.builder.convert(arguments[2], self.context.int(32));
                self.builder.call_helper(self.helper, &[arguments[0], size, arguments[1]]);
                call.erase();
            }
        } else if name.starts_with("llvm.memset") {
            self.check_store(call, &provenance.origin(arguments[0]));
        } else if matches!(name.as_str(), "memcmp" | "bcmp") {
            self.compare(function, call, &arguments, provenance);
        }
    }

    /// Copies what a comparison looks at to the stack first.
    fn compare(
        &mut self,
        function: Value,
        call: Value,
        arguments: &[Value],
        provenance: &Provenance<'_>,
    ) {
        let Some(size) = arguments.get(2).and_then(|size| size.constant()) else { return };
        for (index, &argument) in (0_u32..).zip(&arguments[..2]) {
            if !self.must_read(call, &provenance.origin(argument)) {
                continue;
            }
            let Some(len) = u64::try_from(size).ok().filter(|_| size <= MAX_COMPARED) else {
                self.error(call, "this comparison of kernel memory needs more stack than there is");
                return;
            };
            let slot = self.slot(function, self.builder.bytes_type(len));
            self.builder.before(call);
            self.builder.lifetime(function, slot, len, true);
            self.read(slot, len, argument);
            call.set_operand(index, slot);
            if let Some(next) = call.next_instruction() {
                self.builder.before(next);
                self.builder.lifetime(function, slot, len, false);
            }
        }
    }
}
