//! Inserts instructions.

use super::{Context, Type, Value};
use inkwell::llvm_sys::LLVMIntPredicate;
use inkwell::llvm_sys::core::{
    LLVMArrayType2, LLVMBuildAdd, LLVMBuildAlloca, LLVMBuildCall2, LLVMBuildGEP2, LLVMBuildICmp,
    LLVMBuildIntToPtr, LLVMBuildLoad2, LLVMBuildMul, LLVMBuildPtrToInt, LLVMBuildSelect,
    LLVMBuildTrunc, LLVMBuildZExt, LLVMConstIntToPtr, LLVMCreateBuilderInContext,
    LLVMDisposeBuilder, LLVMFunctionType, LLVMGetGlobalParent, LLVMGetIntrinsicDeclaration,
    LLVMGlobalGetValueType, LLVMLookupIntrinsicID, LLVMPositionBuilderBefore, LLVMSetAlignment,
    LLVMSetCurrentDebugLocation2,
};
use inkwell::llvm_sys::debuginfo::LLVMInstructionGetDebugLoc;
use inkwell::llvm_sys::prelude::LLVMBuilderRef;
use std::ptr;

/// Inserts instructions before a given one.
pub(crate) struct Builder<'c> {
    raw: LLVMBuilderRef,
    context: &'c Context,
}

impl<'c> Builder<'c> {
    pub(crate) fn new(context: &'c Context) -> Self {
        Self { raw: ffi!(LLVMCreateBuilderInContext(context.raw())), context }
    }

    /// Inserts before `instruction` from now on, with its place in the text.
    pub(crate) fn before(&self, instruction: Value) {
        ffi!(LLVMPositionBuilderBefore(self.raw, instruction.raw()));
        let place = ffi!(LLVMInstructionGetDebugLoc(instruction.raw()));
        ffi!(LLVMSetCurrentDebugLocation2(self.raw, place));
    }

    /// Stack memory for one `ty`.
    pub(crate) fn alloca(&self, ty: Type, align: u32) -> Value {
        let slot = ffi!(LLVMBuildAlloca(self.raw, ty.raw(), c"".as_ptr()));
        ffi!(LLVMSetAlignment(slot, align));
        Value::from_raw(slot)
    }

    /// `[len x i8]`.
    pub(crate) fn bytes_type(&self, len: u64) -> Type {
        Type::from_raw(ffi!(LLVMArrayType2(self.context.int(8).raw(), len)))
    }

    pub(crate) fn load(&self, ty: Type, address: Value, align: u32) -> Value {
        let load = ffi!(LLVMBuildLoad2(self.raw, ty.raw(), address.raw(), c"".as_ptr()));
        ffi!(LLVMSetAlignment(load, align));
        Value::from_raw(load)
    }

    /// `address` plus `offset` bytes.
    pub(crate) fn offset(&self, address: Value, offset: u64) -> Value {
        let mut index = self.context.int(64).constant(offset).raw();
        let byte = self.context.int(8).raw();
        let name = c"".as_ptr();
        Value::from_raw(ffi!(LLVMBuildGEP2(self.raw, byte, address.raw(), &raw mut index, 1, name)))
    }

    /// `value` as `ty`: integers are cut or zero-extended, pointers converted.
    pub(crate) fn convert(&self, value: Value, ty: Type) -> Value {
        let name = c"".as_ptr();
        let (from, raw) = (value.ty(), value.raw());
        if from == ty {
            return value;
        }
        Value::from_raw(match (from.is_pointer(), ty.is_pointer()) {
            (true, _) => ffi!(LLVMBuildPtrToInt(self.raw, raw, ty.raw(), name)),
            (_, true) => ffi!(LLVMBuildIntToPtr(self.raw, raw, ty.raw(), name)),
            _ if from.bits() < ty.bits() => ffi!(LLVMBuildZExt(self.raw, raw, ty.raw(), name)),
            _ => ffi!(LLVMBuildTrunc(self.raw, raw, ty.raw(), name)),
        })
    }

    /// The sum of two integers of one type.
    pub(crate) fn add(&self, left: Value, right: Value) -> Value {
        Value::from_raw(ffi!(LLVMBuildAdd(self.raw, left.raw(), right.raw(), c"".as_ptr())))
    }

    /// The product of two integers of one type.
    pub(crate) fn multiply(&self, left: Value, right: Value) -> Value {
        Value::from_raw(ffi!(LLVMBuildMul(self.raw, left.raw(), right.raw(), c"".as_ptr())))
    }

    /// Whether two integers of one type are the same.
    pub(crate) fn equal(&self, left: Value, right: Value) -> Value {
        let (same, name) = (LLVMIntPredicate::LLVMIntEQ, c"".as_ptr());
        Value::from_raw(ffi!(LLVMBuildICmp(self.raw, same, left.raw(), right.raw(), name)))
    }

    /// `yes` where `condition` is true, else `no`.
    pub(crate) fn select(&self, condition: Value, yes: Value, no: Value) -> Value {
        let name = c"".as_ptr();
        let (condition, yes, no) = (condition.raw(), yes.raw(), no.raw());
        Value::from_raw(ffi!(LLVMBuildSelect(self.raw, condition, yes, no, name)))
    }

    /// Calls kernel helper `id`; all arguments are integers or pointers.
    pub(crate) fn call_helper(&self, id: u32, arguments: &[Value]) -> Value {
        let mut types: Vec<_> = arguments.iter().map(|a| a.ty().raw()).collect();
        let returned = self.context.int(64).raw();
        let count = u32::try_from(types.len()).unwrap_or(0);
        let ty = ffi!(LLVMFunctionType(returned, types.as_mut_ptr(), count, 0));
        let number = self.context.int(64).constant(u64::from(id));
        let callee = ffi!(LLVMConstIntToPtr(number.raw(), self.context.pointer().raw()));
        let mut values: Vec<_> = arguments.iter().map(|a| a.raw()).collect();
        let name = c"".as_ptr();
        let call = ffi!(LLVMBuildCall2(self.raw, ty, callee, values.as_mut_ptr(), count, name));
        Value::from_raw(call)
    }

    /// Marks where the memory of `slot`, `size` bytes, begins or ends to hold a value. `function` is
    /// the one that is built in.
    pub(crate) fn lifetime(&self, function: Value, slot: Value, size: u64, start: bool) {
        if bcc_core::mutation::off("lower:lifetimes") {
            return;
        }
        let name: &[u8] = if start { b"llvm.lifetime.start" } else { b"llvm.lifetime.end" };
        let id = ffi!(LLVMLookupIntrinsicID(name.as_ptr().cast(), name.len()));
        let module = ffi!(LLVMGetGlobalParent(function.raw()));
        let mut overloaded = self.context.pointer().raw();
        let callee = ffi!(LLVMGetIntrinsicDeclaration(module, id, &raw mut overloaded, 1));
        let ty = ffi!(LLVMGlobalGetValueType(callee));
        let mut values = [self.context.int(64).constant(size).raw(), slot.raw()];
        let name = c"".as_ptr();
        ffi!(LLVMBuildCall2(self.raw, ty, callee, values.as_mut_ptr(), 2, name));
    }

    /// A pointer instruction before `instruction` that stands for one not made yet.
    pub(crate) fn undefined_pointer(&self, instruction: Value) -> Value {
        self.before(instruction);
        self.alloca(self.context.int(8), 1)
    }

    /// `pointer`, marked so that loads and stores through it keep their constant offsets.
    pub(crate) fn keep_offsets(&self, function: Value, pointer: Value) -> Value {
        let name = b"llvm.preserve.static.offset";
        let id = ffi!(LLVMLookupIntrinsicID(name.as_ptr().cast(), name.len()));
        let module = ffi!(LLVMGetGlobalParent(function.raw()));
        let callee = ffi!(LLVMGetIntrinsicDeclaration(module, id, ptr::null_mut(), 0));
        let ty = ffi!(LLVMGlobalGetValueType(callee));
        let mut value = pointer.raw();
        let name = c"".as_ptr();
        Value::from_raw(ffi!(LLVMBuildCall2(self.raw, ty, callee, &raw mut value, 1, name)))
    }

    /// A function type.
    pub(crate) fn function_type(returned: Type, params: &[Type]) -> Type {
        let mut types: Vec<_> = params.iter().map(|t| t.raw()).collect();
        let count = u32::try_from(types.len()).unwrap_or(0);
        Type::from_raw(ffi!(LLVMFunctionType(returned.raw(), types.as_mut_ptr(), count, 0)))
    }
}

impl Drop for Builder<'_> {
    fn drop(&mut self) {
        ffi!(LLVMDisposeBuilder(self.raw));
    }
}
