//! The owner of modules and types, and of what LLVM has to say about them.

use super::{Type, owned};
use inkwell::llvm_sys::LLVMDiagnosticSeverity;
use inkwell::llvm_sys::core::{
    LLVMContextCreate, LLVMContextDispose, LLVMContextSetDiagnosticHandler,
    LLVMGetDiagInfoDescription, LLVMGetDiagInfoSeverity, LLVMIntTypeInContext,
    LLVMPointerTypeInContext,
};
use inkwell::llvm_sys::prelude::{LLVMContextRef, LLVMDiagnosticInfoRef};
use std::cell::RefCell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An LLVM context. Without its diagnostic handler LLVM would print errors and exit the process.
pub(crate) struct Context {
    raw: LLVMContextRef,
    // Boxed: LLVM keeps its address.
    errors: Box<RefCell<Vec<String>>>,
}

impl Context {
    /// A new, empty context.
    pub(crate) fn new() -> Self {
        let raw = ffi!(LLVMContextCreate());
        let errors = Box::new(RefCell::new(Vec::new()));
        let user: *const RefCell<Vec<String>> = &raw const *errors;
        ffi!(LLVMContextSetDiagnosticHandler(raw, Some(handle), user.cast_mut().cast()));
        Self { raw, errors }
    }

    pub(super) fn raw(&self) -> LLVMContextRef {
        self.raw
    }

    /// The errors reported since the last call. Any error means failure, whatever else LLVM returned.
    pub(crate) fn take_errors(&self) -> Vec<String> {
        self.errors.take()
    }

    /// The integer type of `bits` bits.
    pub(crate) fn int(&self, bits: u32) -> Type {
        Type::from_raw(ffi!(LLVMIntTypeInContext(self.raw, bits)))
    }

    /// The opaque pointer type.
    pub(crate) fn pointer(&self) -> Type {
        Type::from_raw(ffi!(LLVMPointerTypeInContext(self.raw, 0)))
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        ffi!(LLVMContextDispose(self.raw));
    }
}

extern "C" fn handle(info: LLVMDiagnosticInfoRef, user: *mut c_void) {
    let user = AssertUnwindSafe(user);
    let _unwound = catch_unwind(move || {
        if !matches!(ffi!(LLVMGetDiagInfoSeverity(info)), LLVMDiagnosticSeverity::LLVMDSError) {
            return;
        }
        let message = owned(ffi!(LLVMGetDiagInfoDescription(info)));
        // SAFETY: `user` is the boxed cell of the context, which outlives all work in it; LLVM calls
        // on the thread that works in the context.
        let errors = unsafe { &*user.0.cast::<RefCell<Vec<String>>>() };
        errors.borrow_mut().push(message);
    });
}
