//! Provenance: where every pointer of the module comes from, as a fixpoint over its data flow.

use super::helpers::{self, CallbackParam};
use super::member::Member;
use super::origin::{Kinds, Memory, Origin};
use super::pointers::has_pointers;
use crate::llvm::{Module, Opcode, Value};
use bcc_core::mutation;
use std::collections::HashMap;

/// The section of extern declarations that kernel functions stand for.
const KFUNC_SECTION: &str = ".ksyms";

/// The finished analysis.
pub(super) struct Provenance<'a> {
    module: &'a Module<'a>,
    origins: HashMap<Value, Origin>,
    /// By function.
    returned: HashMap<Value, Origin>,
    memory: Memory,
    /// Set once all that is known has spread: results of which nothing is known are untrusted then.
    doubt: bool,
    changed: bool,
}

impl<'a> Provenance<'a> {
    /// Analyses `functions`; `contexts` are the first parameters of programs.
    pub(super) fn of(
        module: &'a Module<'a>,
        functions: &[Value],
        contexts: &[(Value, Kinds)],
    ) -> Self {
        let mut this = Self {
            module,
            origins: HashMap::new(),
            returned: HashMap::new(),
            memory: Memory::default(),
            doubt: false,
            changed: true,
        };
        for &(param, kinds) in contexts {
            this.origins.insert(param, kinds.into());
        }
        let bodies: Vec<(Value, Vec<Value>)> =
            functions.iter().map(|f| (*f, f.instructions())).collect();
        this.spread(&bodies);
        this.doubt = true;
        this.spread(&bodies);
        this
    }

    fn spread(&mut self, bodies: &[(Value, Vec<Value>)]) {
        self.changed = true;
        while self.changed {
            self.changed = false;
            for (function, instructions) in bodies {
                for &instruction in instructions {
                    self.visit(*function, instruction);
                }
            }
        }
    }

    /// Where `value` comes from.
    pub(super) fn origin(&self, value: Value) -> Origin {
        if let Some(origin) = self.origins.get(&value) {
            return origin.clone();
        }
        if value.is_global() {
            return match value.section().starts_with("maps/") {
                true => Kinds::DIRECT.into(),
                false => Origin::object(value),
            };
        }
        if value.is_function() {
            return Kinds::DIRECT.into();
        }
        if !value.is_constant_expression() {
            return Origin::default();
        }
        let operands = value.operands();
        match value.opcode() {
            Some(Opcode::LLVMGetElementPtr) => {
                self.origin(operands[0]).moved(value.constant_offset(self.module))
            }
            _ => self.join_all(&operands),
        }
    }

    fn join_all(&self, values: &[Value]) -> Origin {
        values.iter().fold(Origin::default(), |mut all, value| {
            all.join(&self.origin(*value));
            all
        })
    }

    fn set(&mut self, value: Value, origin: &Origin) {
        self.changed |= self.origins.entry(value).or_default().join(origin);
    }

    /// Sets the result of a load or call, of which something must be assumed in the end.
    fn set_result(&mut self, value: Value, mut origin: Origin) {
        if self.doubt && origin.is_empty() {
            origin = Kinds::UNTRUSTED.into();
        }
        self.set(value, &origin);
    }

    fn visit(&mut self, function: Value, instruction: Value) {
        let Some(opcode) = instruction.opcode() else { return };
        match opcode {
            Opcode::LLVMAlloca => self.set(instruction, &Origin::object(instruction)),
            Opcode::LLVMGetElementPtr => self.visit_offset(instruction),
            Opcode::LLVMLoad => {
                let loaded = self.loaded(instruction);
                self.set_result(instruction, loaded);
            }
            Opcode::LLVMStore => {
                let value = self.origin(instruction.operand(0));
                let address = self.origin(instruction.operand(1));
                self.changed |= self.memory.store(&address, &value);
            }
            Opcode::LLVMAtomicRMW | Opcode::LLVMAtomicCmpXchg => self.visit_atomic(instruction),
            Opcode::LLVMPHI => {
                let joined = self.join_all(&instruction.incoming());
                self.set(instruction, &joined);
            }
            Opcode::LLVMSelect => {
                let operands = instruction.operands();
                let joined = self.join_all(&operands[1..]);
                self.set(instruction, &joined);
            }
            Opcode::LLVMAdd
            | Opcode::LLVMSub
            | Opcode::LLVMOr
            | Opcode::LLVMAnd
            | Opcode::LLVMXor => self.visit_arithmetic(instruction, opcode),
            Opcode::LLVMShl | Opcode::LLVMLShr | Opcode::LLVMAShr => {
                let shifted = self.origin(instruction.operand(0)).moved(None);
                self.set(instruction, &shifted);
            }
            Opcode::LLVMBitCast
            | Opcode::LLVMIntToPtr
            | Opcode::LLVMPtrToInt
            | Opcode::LLVMZExt
            | Opcode::LLVMSExt
            | Opcode::LLVMTrunc
            | Opcode::LLVMFreeze
            | Opcode::LLVMAddrSpaceCast
            | Opcode::LLVMInsertValue
            | Opcode::LLVMExtractValue => {
                let joined = self.join_all(&instruction.operands());
                self.set(instruction, &joined);
            }
            Opcode::LLVMRet => {
                let joined = self.join_all(&instruction.operands());
                self.changed |= self.returned.entry(function).or_default().join(&joined);
            }
            Opcode::LLVMCall => self.visit_call(instruction),
            _ => {}
        }
    }

    /// A load and a store, of the last operand.
    fn visit_atomic(&mut self, instruction: Value) {
        let operands = instruction.operands();
        let address = self.origin(operands[0]);
        let stored = self.origin(operands[operands.len() - 1]);
        self.changed |= self.memory.store(&address, &stored);
        let loaded = self.loaded_bytes(&address);
        self.set_result(instruction, loaded);
    }

    /// An address computed from a base: the base decides, unless it is a constant.
    fn visit_offset(&mut self, instruction: Value) {
        let operands = instruction.operands();
        let base = self.origin(operands[0]);
        let origin = if base.is_empty() {
            self.join_all(&operands[1..]).moved(None)
        } else {
            base.moved(instruction.constant_offset(self.module))
        };
        self.set(instruction, &origin);
    }

    /// An address and a number give an address, whatever the number was loaded from.
    fn visit_arithmetic(&mut self, instruction: Value, opcode: Opcode) {
        let (left, right) = (instruction.operand(0), instruction.operand(1));
        let (a, b) = (self.origin(left), self.origin(right));
        let constant = match opcode {
            Opcode::LLVMAdd => right.constant(),
            Opcode::LLVMSub => right.constant().and_then(i64::checked_neg),
            _ => None,
        };
        let origin = match (a.is_usable(), b.is_usable()) {
            (true, false) => a.moved(constant),
            (false, true) => b.moved(None),
            _ => {
                let mut both = a.moved(None);
                both.join(&b.moved(None));
                both
            }
        };
        self.set(instruction, &origin);
    }

    /// What the load `instruction` gives.
    pub(super) fn loaded(&self, instruction: Value) -> Origin {
        let address = instruction.operand(0);
        let mut origin = self.origin(address);
        let mut loaded = Origin::default();
        if origin.kinds.has(Kinds::BTF)
            && instruction.ty().is_pointer()
            && Member::of(self.module, address).is_followed()
        {
            origin.kinds = origin.kinds.without(Kinds::BTF);
            loaded = Kinds::BTF.into();
        }
        loaded.join(&self.loaded_bytes(&origin));
        loaded
    }

    /// What bytes loaded through `address` are, whatever their type.
    fn loaded_bytes(&self, address: &Origin) -> Origin {
        let mut loaded = self.memory.load(address);
        // The verifier forgets what a pointer was that lay in a map, as global variables do.
        let is_kept = address.objects.iter().any(|(object, _)| object.is_global());
        if loaded.is_usable() && is_kept && !mutation::off("lower:kept") {
            loaded.join(&Kinds::UNTRUSTED.into());
        }
        if address.kinds.has(Kinds::CONTEXT.with(Kinds::TRUSTED)) {
            loaded.join(&Kinds::TRUSTED.into());
        }
        if address.kinds.has(Kinds::BTF_CONTEXT) {
            loaded.join(&Kinds::BTF.into());
        }
        let opaque = Kinds::RAW_CONTEXT.with(Kinds::DIRECT).with(Kinds::UNTRUSTED).with(Kinds::BTF);
        if address.kinds.has(opaque) {
            loaded.join(&Kinds::UNTRUSTED.into());
        }
        loaded
    }

    fn visit_call(&mut self, call: Value) {
        let callee = call.callee();
        let arguments = call.arguments();
        if let Some(id) = helper_number(callee) {
            self.visit_helper(call, id, &arguments);
        } else if callee.is_inline_asm() {
            let joined = self.join_all(&arguments);
            self.set_result(call, joined);
        } else if !callee.is_function() {
            self.set_result(call, Origin::default());
        } else if callee.is_declaration() {
            self.visit_declared(call, callee, &arguments);
        } else {
            for (param, argument) in callee.params().into_iter().zip(&arguments) {
                let origin = self.origin(*argument);
                self.set(param, &origin);
            }
            let returned = self.returned.get(&callee).cloned().unwrap_or_default();
            self.set_result(call, returned);
        }
    }

    fn visit_helper(&mut self, call: Value, id: u32, arguments: &[Value]) {
        for function in arguments.iter().filter(|argument| argument.is_function()) {
            let params = function.params();
            for (param, from) in params.into_iter().zip(helpers::callback_params(id)) {
                let origin = match from {
                    CallbackParam::Kind(kinds) => kinds.into(),
                    CallbackParam::Argument(index) => {
                        arguments.get(index).map(|a| self.origin(*a)).unwrap_or_default()
                    }
                };
                self.set(param, &origin);
            }
        }
        if let Some(filled) = helpers::filled_argument(id).and_then(|index| arguments.get(index)) {
            let address = self.origin(*filled);
            self.changed |= self.memory.fill(&address, Kinds::UNTRUSTED);
            if address.objects.iter().all(|(_, offset)| offset.is_some()) {
                self.changed |= self.memory.store(&address, &Kinds::UNTRUSTED.into());
            }
        }
        self.set(call, &helpers::returned(id).into());
    }

    fn visit_declared(&mut self, call: Value, callee: Value, arguments: &[Value]) {
        let name = callee.name();
        if name.starts_with("llvm.memcpy") || name.starts_with("llvm.memmove") {
            let (to, from) = (self.origin(arguments[0]), self.origin(arguments[1]));
            self.changed |= self.memory.copy(&to, &from, arguments[2].constant());
            if from.objects.iter().any(|(object, _)| is_table(*object)) {
                self.changed |= self.memory.store(&to.moved(None), &Kinds::DIRECT.into());
            }
            let elsewhere = Origin::from(from.kinds);
            if !elsewhere.is_empty() {
                let kinds = self.loaded_bytes(&elsewhere).kinds;
                self.changed |= self.memory.fill(&to, kinds);
            }
        } else if name.starts_with("llvm.bpf.pseudo") {
            self.set(call, &Kinds::DIRECT.into());
        } else if name.starts_with("llvm.") {
            let joined = self.join_all(arguments);
            self.set(call, &joined);
        } else if callee.section() == KFUNC_SECTION {
            self.set(call, &Kinds::TRUSTED.into());
        } else {
            self.set_result(call, Origin::default());
        }
    }
}

/// Whether `object` is a constant that holds addresses, of strings for the most part.
fn is_table(object: Value) -> bool {
    object.is_global() && object.is_constant_global() && has_pointers(object.value_type())
}

/// The number of the helper that a call of `callee` calls.
pub(crate) fn helper_number(callee: Value) -> Option<u32> {
    if callee.opcode() != Some(Opcode::LLVMIntToPtr) {
        return None;
    }
    callee.operand(0).constant().and_then(|number| u32::try_from(number).ok())
}
