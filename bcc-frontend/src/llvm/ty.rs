//! Types: copyable handles into a context.

use super::Value;
use inkwell::llvm_sys::core::{
    LLVMConstInt, LLVMCountStructElementTypes, LLVMGetElementType, LLVMGetIntTypeWidth,
    LLVMGetReturnType, LLVMGetStructName, LLVMGetTypeKind, LLVMGetUndef, LLVMStructGetTypeAtIndex,
};
use inkwell::llvm_sys::prelude::LLVMTypeRef;
use std::ffi::CStr;

use inkwell::llvm_sys::LLVMTypeKind as TypeKind;

/// A type of a live context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Type(LLVMTypeRef);

impl Type {
    pub(super) fn from_raw(raw: LLVMTypeRef) -> Self {
        Self(raw)
    }

    pub(super) fn raw(self) -> LLVMTypeRef {
        self.0
    }

    fn kind(self) -> TypeKind {
        ffi!(LLVMGetTypeKind(self.0))
    }

    pub(crate) fn is_pointer(self) -> bool {
        self.kind() == TypeKind::LLVMPointerTypeKind
    }

    pub(crate) fn is_int(self) -> bool {
        self.kind() == TypeKind::LLVMIntegerTypeKind
    }

    pub(crate) fn is_struct(self) -> bool {
        self.kind() == TypeKind::LLVMStructTypeKind
    }

    pub(crate) fn is_array(self) -> bool {
        self.kind() == TypeKind::LLVMArrayTypeKind
    }

    /// Name of a struct type, as `struct.task_struct` or `union.anon`; empty when it has none.
    pub(crate) fn name(self) -> String {
        let name = ffi!(LLVMGetStructName(self.0));
        if name.is_null() {
            return String::new();
        }
        // SAFETY: LLVM lends a terminated string that lives as long as the type.
        unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
    }

    /// Width of an integer type.
    pub(crate) fn bits(self) -> u32 {
        if self.is_int() { ffi!(LLVMGetIntTypeWidth(self.0)) } else { 0 }
    }

    /// Element type of an array or vector.
    pub(crate) fn element(self) -> Self {
        Self(ffi!(LLVMGetElementType(self.0)))
    }

    /// Member `index` of a struct type, if there is one.
    pub(crate) fn member(self, index: u32) -> Option<Self> {
        (index < ffi!(LLVMCountStructElementTypes(self.0)))
            .then(|| Self(ffi!(LLVMStructGetTypeAtIndex(self.0, index))))
    }

    /// The constant `value` of an integer type.
    pub(crate) fn constant(self, value: u64) -> Value {
        Value::from_raw(ffi!(LLVMConstInt(self.0, value, 0)))
    }

    /// A value of which nothing is known.
    pub(crate) fn undefined(self) -> Value {
        Value::from_raw(ffi!(LLVMGetUndef(self.0)))
    }

    /// Return type of a function type.
    pub(crate) fn returned(self) -> Self {
        Self(ffi!(LLVMGetReturnType(self.0)))
    }
}
