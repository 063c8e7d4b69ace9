//! The C++ shim: C text in memory to an LLVM module.

use super::{Context, Module, Value};
use crate::source::ClangInput;
use bcc_core::spec::{Diagnostic, Severity, Stage};
use inkwell::llvm_sys::prelude::{LLVMContextRef, LLVMModuleRef, LLVMValueRef};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bytes lent to, or by, the shim.
#[repr(C)]
#[derive(Clone, Copy)]
struct Bytes {
    data: *const u8,
    len: usize,
}

#[repr(C)]
struct File {
    path: Bytes,
    text: Bytes,
}

type Report = extern "C" fn(*mut c_void, i32, Bytes, u32, u32, Bytes);

unsafe extern "C" {
    fn bcc_shim_compile(
        context: LLVMContextRef,
        main: Bytes,
        files: *const File,
        file_count: usize,
        args: *const Bytes,
        arg_count: usize,
        report: Report,
        user: *mut c_void,
    ) -> LLVMModuleRef;
    fn bcc_shim_clone_function(function: LLVMValueRef) -> LLVMValueRef;
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }
}

/// Compiles `input` with clang to a module that no pass has run over. The second value holds what
/// clang said; without a module at least one of it is an error.
pub(crate) fn compile<'c>(
    context: &'c Context,
    input: &ClangInput,
) -> (Option<Module<'c>>, Vec<Diagnostic>) {
    let files: Vec<File> = input
        .files
        .iter()
        .map(|file| File { path: file.path.as_str().into(), text: file.text.as_slice().into() })
        .collect();
    let args: Vec<Bytes> = input.args.iter().map(|arg| arg.as_str().into()).collect();
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    // SAFETY: the arrays and what they point to outlive the call (held by `input`, `files`, `args`);
    // `report` gets back the vector it was given, on this thread, during the call only.
    let module = unsafe {
        bcc_shim_compile(
            context.raw(),
            input.main.as_str().into(),
            files.as_ptr(),
            files.len(),
            args.as_ptr(),
            args.len(),
            report,
            (&raw mut diagnostics).cast(),
        )
    };
    if module.is_null() {
        if !diagnostics.iter().any(|d| d.severity == Severity::Error) {
            let message = "clang produced no module";
            diagnostics.push(Diagnostic::new(Severity::Error, Stage::Parse, message));
        }
        return (None, diagnostics);
    }
    (Some(Module::from_raw(context, module)), diagnostics)
}

/// A copy of `function`, with a debug subprogram of its own, in the same module.
pub(crate) fn clone_function(function: Value) -> Value {
    // SAFETY: `function` is a function with a body in a live module.
    Value::from_raw(unsafe { bcc_shim_clone_function(function.raw()) })
}

/// Called by the shim for each diagnostic.
extern "C" fn report(
    user: *mut c_void,
    severity: i32,
    file: Bytes,
    line: u32,
    column: u32,
    message: Bytes,
) {
    let user = AssertUnwindSafe(user);
    // A panic here can only be out of memory; the diagnostic is lost, the compile still fails.
    let _unwound = catch_unwind(move || {
        let severity = match severity {
            0 => Severity::Note,
            1 => Severity::Warning,
            _ => Severity::Error,
        };
        let mut diagnostic = Diagnostic::new(severity, Stage::Parse, text_of(message));
        if line > 0 {
            diagnostic = diagnostic.at(text_of(file), line, column);
        }
        // SAFETY: `user` is the vector that `compile` passed; nothing else refers to it meanwhile.
        let diagnostics = unsafe { &mut *user.0.cast::<Vec<Diagnostic>>() };
        diagnostics.push(diagnostic);
    });
}

fn text_of(bytes: Bytes) -> String {
    if bytes.len == 0 {
        return String::new();
    }
    // SAFETY: the shim lends `len` readable bytes for the time of the call.
    let slice = unsafe { std::slice::from_raw_parts(bytes.data, bytes.len) };
    String::from_utf8_lossy(slice).into_owned()
}
