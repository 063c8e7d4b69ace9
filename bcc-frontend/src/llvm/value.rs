//! Values and places: copyable handles into a module.

use super::ty::Type;
use super::{Module, lent};
use inkwell::llvm_sys::core::{
    LLVMAddAttributeAtIndex, LLVMAppendBasicBlockInContext, LLVMConstIntGetSExtValue,
    LLVMCountIncoming, LLVMCountParams, LLVMCreateEnumAttribute, LLVMDeleteBasicBlock,
    LLVMDeleteFunction, LLVMGetAggregateElement, LLVMGetAllocatedType, LLVMGetAtomicRMWBinOp,
    LLVMGetAttributeCountAtIndex, LLVMGetAttributesAtIndex, LLVMGetBasicBlockParent,
    LLVMGetCalledValue, LLVMGetConstOpcode, LLVMGetEnumAttributeAtIndex,
    LLVMGetEnumAttributeKindForName, LLVMGetFirstBasicBlock, LLVMGetFirstInstruction,
    LLVMGetFirstUse, LLVMGetGEPSourceElementType, LLVMGetIncomingValue, LLVMGetInitializer,
    LLVMGetInstructionOpcode, LLVMGetInstructionParent, LLVMGetNextBasicBlock,
    LLVMGetNextInstruction, LLVMGetNumArgOperands, LLVMGetNumOperands, LLVMGetOperand,
    LLVMGetParam, LLVMGetSection, LLVMGetTypeContext, LLVMGetValueKind, LLVMGetValueName2,
    LLVMGlobalGetValueType, LLVMInstructionEraseFromParent, LLVMIsAInlineAsm, LLVMIsDeclaration,
    LLVMIsGlobalConstant, LLVMIsNull, LLVMIsThreadLocal, LLVMMoveBasicBlockAfter,
    LLVMRemoveEnumAttributeAtIndex, LLVMReplaceAllUsesWith, LLVMSetLinkage, LLVMSetOperand,
    LLVMSetSection, LLVMSetValueName2, LLVMTypeOf,
};
use inkwell::llvm_sys::debuginfo::{LLVMGetSubprogram, LLVMSetSubprogram};
use inkwell::llvm_sys::prelude::LLVMValueRef;
use inkwell::llvm_sys::{LLVMAtomicRMWBinOp, LLVMLinkage, LLVMValueKind};
use std::ffi::{CStr, CString};
use std::ptr;

pub(crate) use inkwell::llvm_sys::LLVMOpcode as Opcode;

/// A value of a live module: instruction, argument, function, global, constant, or block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Value(LLVMValueRef);

impl Value {
    pub(super) fn from_raw(raw: LLVMValueRef) -> Self {
        Self(raw)
    }

    pub(super) fn optional(raw: LLVMValueRef) -> Option<Self> {
        (!raw.is_null()).then_some(Self(raw))
    }

    pub(super) fn raw(self) -> LLVMValueRef {
        self.0
    }

    pub(crate) fn ty(self) -> Type {
        Type::from_raw(ffi!(LLVMTypeOf(self.0)))
    }

    fn kind(self) -> LLVMValueKind {
        ffi!(LLVMGetValueKind(self.0))
    }

    pub(crate) fn is_function(self) -> bool {
        self.kind() == LLVMValueKind::LLVMFunctionValueKind
    }

    pub(crate) fn is_global(self) -> bool {
        self.kind() == LLVMValueKind::LLVMGlobalVariableValueKind
    }

    pub(crate) fn is_constant_expression(self) -> bool {
        self.kind() == LLVMValueKind::LLVMConstantExprValueKind
    }

    pub(crate) fn is_inline_asm(self) -> bool {
        !ffi!(LLVMIsAInlineAsm(self.0)).is_null()
    }

    /// The value of an integer constant of at most 64 bits.
    pub(crate) fn constant(self) -> Option<i64> {
        let small =
            self.kind() == LLVMValueKind::LLVMConstantIntValueKind && self.ty().bits() <= 64;
        small.then(|| ffi!(LLVMConstIntGetSExtValue(self.0)))
    }

    /// Opcode of an instruction or constant expression.
    pub(crate) fn opcode(self) -> Option<Opcode> {
        match self.kind() {
            LLVMValueKind::LLVMInstructionValueKind => Some(ffi!(LLVMGetInstructionOpcode(self.0))),
            LLVMValueKind::LLVMConstantExprValueKind => Some(ffi!(LLVMGetConstOpcode(self.0))),
            _ => None,
        }
    }

    /// All operands; for a call the arguments and then the callee.
    pub(crate) fn operands(self) -> Vec<Self> {
        let count = u32::try_from(ffi!(LLVMGetNumOperands(self.0))).unwrap_or(0);
        (0..count).filter_map(|i| Self::optional(ffi!(LLVMGetOperand(self.0, i)))).collect()
    }

    /// Operand `index`, which must exist.
    pub(crate) fn operand(self, index: u32) -> Self {
        Self(ffi!(LLVMGetOperand(self.0, index)))
    }

    pub(crate) fn set_operand(self, index: u32, value: Self) {
        ffi!(LLVMSetOperand(self.0, index, value.0));
    }

    pub(crate) fn is_used(self) -> bool {
        !ffi!(LLVMGetFirstUse(self.0)).is_null()
    }

    pub(crate) fn replace_with(self, other: Self) {
        ffi!(LLVMReplaceAllUsesWith(self.0, other.0));
    }

    /// Removes an instruction without uses.
    pub(crate) fn erase(self) {
        ffi!(LLVMInstructionEraseFromParent(self.0));
    }

    pub(crate) fn name(self) -> String {
        let mut len = 0;
        let data = ffi!(LLVMGetValueName2(self.0, &raw mut len));
        lent(data, len)
    }

    pub(crate) fn set_name(self, name: &str) {
        ffi!(LLVMSetValueName2(self.0, name.as_ptr().cast(), name.len()));
    }

    // Functions and globals.

    pub(crate) fn is_declaration(self) -> bool {
        ffi!(LLVMIsDeclaration(self.0)) != 0
    }

    pub(crate) fn make_internal(self) {
        ffi!(LLVMSetLinkage(self.0, LLVMLinkage::LLVMInternalLinkage));
    }

    pub(crate) fn section(self) -> String {
        let section = ffi!(LLVMGetSection(self.0));
        if section.is_null() {
            return String::new();
        }
        // SAFETY: LLVM lends a terminated string that lives as long as the section is unchanged.
        unsafe { CStr::from_ptr(section) }.to_string_lossy().into_owned()
    }

    pub(crate) fn set_section(self, section: &str) {
        let section = CString::new(section).unwrap_or_default();
        ffi!(LLVMSetSection(self.0, section.as_ptr()));
    }

    /// Whether a global never changes.
    pub(crate) fn is_constant_global(self) -> bool {
        ffi!(LLVMIsGlobalConstant(self.0)) != 0
    }

    /// What a global holds at first.
    pub(crate) fn initializer(self) -> Option<Self> {
        Self::optional(ffi!(LLVMGetInitializer(self.0)))
    }

    /// Whether a constant is all zeros.
    pub(crate) fn is_null(self) -> bool {
        ffi!(LLVMIsNull(self.0)) != 0
    }

    /// Member or element `index` of a constant struct or array.
    pub(crate) fn aggregate_element(self, index: u32) -> Option<Self> {
        Self::optional(ffi!(LLVMGetAggregateElement(self.0, index)))
    }

    /// Type of the function, or of what the global holds.
    pub(crate) fn value_type(self) -> Type {
        Type::from_raw(ffi!(LLVMGlobalGetValueType(self.0)))
    }

    pub(crate) fn params(self) -> Vec<Self> {
        (0..ffi!(LLVMCountParams(self.0))).map(|i| Self(ffi!(LLVMGetParam(self.0, i)))).collect()
    }

    pub(crate) fn has_attribute(self, name: &str) -> bool {
        let kind = ffi!(LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()));
        !ffi!(LLVMGetEnumAttributeAtIndex(self.0, FUNCTION_INDEX, kind)).is_null()
    }

    pub(crate) fn add_attribute(self, name: &str) {
        let kind = ffi!(LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()));
        let context = ffi!(LLVMGetTypeContext(self.value_type().raw()));
        let attribute = ffi!(LLVMCreateEnumAttribute(context, kind, 0));
        ffi!(LLVMAddAttributeAtIndex(self.0, FUNCTION_INDEX, attribute));
    }

    pub(crate) fn remove_attribute(self, name: &str) {
        let kind = ffi!(LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()));
        ffi!(LLVMRemoveEnumAttributeAtIndex(self.0, FUNCTION_INDEX, kind));
    }

    /// Deletes a function without uses.
    pub(crate) fn delete_function(self) {
        ffi!(LLVMDeleteFunction(self.0));
    }

    /// Moves the body, the attributes and the debug subprogram of `from` into this declaration.
    pub(crate) fn take_body(self, from: Self) {
        let count = ffi!(LLVMGetAttributeCountAtIndex(from.0, FUNCTION_INDEX));
        let mut attributes = vec![ptr::null_mut(); count as usize];
        ffi!(LLVMGetAttributesAtIndex(from.0, FUNCTION_INDEX, attributes.as_mut_ptr()));
        for attribute in attributes {
            ffi!(LLVMAddAttributeAtIndex(self.0, FUNCTION_INDEX, attribute));
        }
        let context = ffi!(LLVMGetTypeContext(self.value_type().raw()));
        let start = ffi!(LLVMAppendBasicBlockInContext(context, self.0, c"".as_ptr()));
        let mut last = start;
        loop {
            let block = ffi!(LLVMGetFirstBasicBlock(from.0));
            if block.is_null() {
                break;
            }
            ffi!(LLVMMoveBasicBlockAfter(block, last));
            last = block;
        }
        ffi!(LLVMDeleteBasicBlock(start));
        let subprogram = ffi!(LLVMGetSubprogram(from.0));
        ffi!(LLVMSetSubprogram(from.0, ptr::null_mut()));
        ffi!(LLVMSetSubprogram(self.0, subprogram));
    }

    /// All instructions of a function, in order.
    pub(crate) fn instructions(self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut block = ffi!(LLVMGetFirstBasicBlock(self.0));
        while !block.is_null() {
            let mut instruction = ffi!(LLVMGetFirstInstruction(block));
            while !instruction.is_null() {
                all.push(Self(instruction));
                instruction = ffi!(LLVMGetNextInstruction(instruction));
            }
            block = ffi!(LLVMGetNextBasicBlock(block));
        }
        all
    }

    /// The first instruction of a function that has a body.
    pub(crate) fn first_instruction(self) -> Option<Self> {
        let block = ffi!(LLVMGetFirstBasicBlock(self.0));
        if block.is_null() {
            return None;
        }
        Self::optional(ffi!(LLVMGetFirstInstruction(block)))
    }

    /// The instruction after this one in its block.
    pub(crate) fn next_instruction(self) -> Option<Self> {
        Self::optional(ffi!(LLVMGetNextInstruction(self.0)))
    }

    /// The function that an instruction is in.
    pub(crate) fn function(self) -> Self {
        let block = ffi!(LLVMGetInstructionParent(self.0));
        Self(ffi!(LLVMGetBasicBlockParent(block)))
    }

    // Kinds of instructions.

    /// What a call calls.
    pub(crate) fn callee(self) -> Self {
        Self(ffi!(LLVMGetCalledValue(self.0)))
    }

    /// Whether an `atomicrmw` adds or subtracts, which every kernel can.
    pub(crate) fn is_atomic_addition(self) -> bool {
        matches!(
            ffi!(LLVMGetAtomicRMWBinOp(self.0)),
            LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpAdd | LLVMAtomicRMWBinOp::LLVMAtomicRMWBinOpSub
        )
    }

    /// Whether an `atomicrmw` leaves memory as it is, whatever is there.
    pub(crate) fn is_idle_atomic(self) -> bool {
        use LLVMAtomicRMWBinOp::{
            LLVMAtomicRMWBinOpAdd, LLVMAtomicRMWBinOpOr, LLVMAtomicRMWBinOpSub,
            LLVMAtomicRMWBinOpXor,
        };
        let same_with_0 = matches!(
            ffi!(LLVMGetAtomicRMWBinOp(self.0)),
            LLVMAtomicRMWBinOpAdd
                | LLVMAtomicRMWBinOpSub
                | LLVMAtomicRMWBinOpOr
                | LLVMAtomicRMWBinOpXor
        );
        same_with_0 && self.operand(1).constant() == Some(0)
    }

    /// Whether BPF has the operation of an `atomicrmw`.
    pub(crate) fn is_bpf_atomic(self) -> bool {
        use LLVMAtomicRMWBinOp::{
            LLVMAtomicRMWBinOpAdd, LLVMAtomicRMWBinOpAnd, LLVMAtomicRMWBinOpOr,
            LLVMAtomicRMWBinOpSub, LLVMAtomicRMWBinOpXchg, LLVMAtomicRMWBinOpXor,
        };
        matches!(
            ffi!(LLVMGetAtomicRMWBinOp(self.0)),
            LLVMAtomicRMWBinOpAdd
                | LLVMAtomicRMWBinOpSub
                | LLVMAtomicRMWBinOpAnd
                | LLVMAtomicRMWBinOpOr
                | LLVMAtomicRMWBinOpXor
                | LLVMAtomicRMWBinOpXchg
        )
    }

    pub(crate) fn is_thread_local(self) -> bool {
        ffi!(LLVMIsThreadLocal(self.0)) != 0
    }

    /// The arguments of a call.
    pub(crate) fn arguments(self) -> Vec<Self> {
        (0..ffi!(LLVMGetNumArgOperands(self.0))).map(|i| self.operand(i)).collect()
    }

    /// The incoming values of a phi.
    pub(crate) fn incoming(self) -> Vec<Self> {
        (0..ffi!(LLVMCountIncoming(self.0)))
            .map(|i| Self(ffi!(LLVMGetIncomingValue(self.0, i))))
            .collect()
    }

    /// What an alloca allocates.
    pub(crate) fn allocated(self) -> Type {
        Type::from_raw(ffi!(LLVMGetAllocatedType(self.0)))
    }

    /// What a `getelementptr` takes its first operand to point to.
    pub(crate) fn source_element_type(self) -> Type {
        Type::from_raw(ffi!(LLVMGetGEPSourceElementType(self.0)))
    }

    /// Constant byte offset of a `getelementptr`, if all its indices are constant.
    pub(crate) fn constant_offset(self, module: &Module<'_>) -> Option<i64> {
        let mut ty = self.source_element_type();
        let mut offset = 0_i64;
        for (i, index) in self.operands().into_iter().skip(1).enumerate() {
            let index = index.constant()?;
            if i > 0 {
                if ty.is_struct() {
                    let member = u32::try_from(index).ok()?;
                    offset += i64::try_from(module.offset_of(ty, member)).ok()?;
                    ty = ty.member(member)?;
                    continue;
                }
                ty = ty.element();
            }
            let size = i64::try_from(module.size_of(ty)).ok()?;
            offset = offset.checked_add(index.checked_mul(size)?)?;
        }
        Some(offset)
    }
}

/// LLVM's index for attributes of the function itself.
const FUNCTION_INDEX: u32 = u32::MAX;
