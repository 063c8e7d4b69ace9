//! One module: its functions, globals and layout.

use super::{Context, Type, Value, owned};
use inkwell::llvm_sys::analysis::{LLVMVerifierFailureAction, LLVMVerifyModule};
use inkwell::llvm_sys::core::{
    LLVMAddFunction, LLVMDisposeModule, LLVMGetFirstFunction, LLVMGetFirstGlobal,
    LLVMGetNamedFunction, LLVMGetNextFunction, LLVMGetNextGlobal, LLVMPrintModuleToString,
};
use inkwell::llvm_sys::prelude::LLVMModuleRef;
use inkwell::llvm_sys::target::{
    LLVMABIAlignmentOfType, LLVMABISizeOfType, LLVMGetModuleDataLayout, LLVMOffsetOfElement,
    LLVMStoreSizeOfType, LLVMTargetDataRef,
};
use std::ffi::CString;
use std::marker::PhantomData;
use std::ptr;

/// An LLVM module, disposed of on drop.
pub(crate) struct Module<'c> {
    raw: LLVMModuleRef,
    context: PhantomData<&'c Context>,
}

impl<'c> Module<'c> {
    pub(super) fn from_raw(_context: &'c Context, raw: LLVMModuleRef) -> Self {
        Self { raw, context: PhantomData }
    }

    pub(super) fn raw(&self) -> LLVMModuleRef {
        self.raw
    }

    /// All functions, declarations and intrinsics included, in order.
    pub(crate) fn functions(&self) -> Vec<Value> {
        let first = ffi!(LLVMGetFirstFunction(self.raw));
        std::iter::successors(Value::optional(first), |f| {
            Value::optional(ffi!(LLVMGetNextFunction(f.raw())))
        })
        .collect()
    }

    /// All global variables in order.
    pub(crate) fn globals(&self) -> Vec<Value> {
        let first = ffi!(LLVMGetFirstGlobal(self.raw));
        std::iter::successors(Value::optional(first), |g| {
            Value::optional(ffi!(LLVMGetNextGlobal(g.raw())))
        })
        .collect()
    }

    /// The function of this name.
    pub(crate) fn function(&self, name: &str) -> Option<Value> {
        let name = CString::new(name).ok()?;
        Value::optional(ffi!(LLVMGetNamedFunction(self.raw, name.as_ptr())))
    }

    /// Adds a declaration; LLVM makes the name unique.
    pub(crate) fn add_function(&self, name: &str, ty: Type) -> Value {
        let name = CString::new(name).unwrap_or_default();
        Value::from_raw(ffi!(LLVMAddFunction(self.raw, name.as_ptr(), ty.raw())))
    }

    fn layout(&self) -> LLVMTargetDataRef {
        ffi!(LLVMGetModuleDataLayout(self.raw))
    }

    /// Bytes between two elements of an array of `ty`. The type must be sized.
    pub(crate) fn size_of(&self, ty: Type) -> u64 {
        ffi!(LLVMABISizeOfType(self.layout(), ty.raw()))
    }

    /// Bytes that a load or store of `ty` touches. The type must be sized.
    pub(crate) fn store_size_of(&self, ty: Type) -> u64 {
        ffi!(LLVMStoreSizeOfType(self.layout(), ty.raw()))
    }

    /// Natural alignment of `ty` in bytes. The type must be sized.
    pub(crate) fn align_of(&self, ty: Type) -> u32 {
        ffi!(LLVMABIAlignmentOfType(self.layout(), ty.raw()))
    }

    /// Byte offset of member `index` of struct type `ty`.
    pub(crate) fn offset_of(&self, ty: Type, index: u32) -> u64 {
        ffi!(LLVMOffsetOfElement(self.layout(), ty.raw(), index))
    }

    /// The module as text.
    pub(crate) fn text(&self) -> String {
        owned(ffi!(LLVMPrintModuleToString(self.raw)))
    }

    /// Checks the module's own rules.
    ///
    /// # Errors
    /// What is broken, in LLVM's words.
    pub(crate) fn verify(&self) -> Result<(), String> {
        let mut message = ptr::null_mut();
        let action = LLVMVerifierFailureAction::LLVMReturnStatusAction;
        let broken = ffi!(LLVMVerifyModule(self.raw, action, &raw mut message));
        let text = owned(message);
        if broken != 0 { Err(text) } else { Ok(()) }
    }
}

impl Drop for Module<'_> {
    fn drop(&mut self) {
        ffi!(LLVMDisposeModule(self.raw));
    }
}
