//! The C++ shim: C text in memory to an LLVM module.

use super::{Context, Module, Value};
use crate::source::{ClangInput, SourceFile};
use bcc_core::spec::{Diagnostic, Severity, Stage};
use inkwell::llvm_sys::prelude::{LLVMContextRef, LLVMModuleRef, LLVMValueRef};
use std::ffi::c_void;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

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
    fn bcc_shim_precompile(
        main: Bytes,
        files: *const File,
        file_count: usize,
        args: *const Bytes,
        arg_count: usize,
        to: Bytes,
        report: Report,
        user: *mut c_void,
    ) -> i32;
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

/// A [`ClangInput`] in the shim's form.
struct Lent<'i> {
    input: &'i ClangInput,
    files: Vec<File>,
    args: Vec<Bytes>,
}

impl<'i> Lent<'i> {
    fn new(input: &'i ClangInput) -> Self {
        let file = |file: &SourceFile| File {
            path: file.path.as_str().into(),
            text: file.text.as_slice().into(),
        };
        Self {
            input,
            files: input.files.iter().map(file).collect(),
            args: input.args.iter().map(|arg| arg.as_str().into()).collect(),
        }
    }
}

/// Compiles `input` with clang to a module that no pass has run over. The second value holds what
/// clang said; without a module at least one of it is an error.
pub(crate) fn compile<'c>(
    context: &'c Context,
    input: &ClangInput,
) -> (Option<Module<'c>>, Vec<Diagnostic>) {
    let lent = Lent::new(input);
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    // SAFETY: the arrays and what they point to outlive the call (held by `lent`);
    // `report` gets back the vector it was given, on this thread, during the call only.
    let module = unsafe {
        bcc_shim_compile(
            context.raw(),
            lent.input.main.as_str().into(),
            lent.files.as_ptr(),
            lent.files.len(),
            lent.args.as_ptr(),
            lent.args.len(),
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

/// Writes what clang made of `input` to the file `to`, for `-include-pch`.
///
/// # Errors
/// The first error of the text, or that there is none.
pub(crate) fn precompile(input: &ClangInput, to: &Path) -> Result<(), String> {
    let lent = Lent::new(input);
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    // SAFETY: as in `compile`; the path is only read.
    let done = unsafe {
        bcc_shim_precompile(
            lent.input.main.as_str().into(),
            lent.files.as_ptr(),
            lent.files.len(),
            lent.args.as_ptr(),
            lent.args.len(),
            to.as_os_str().as_bytes().into(),
            report,
            (&raw mut diagnostics).cast(),
        )
    };
    if done != 0 {
        return Ok(());
    }
    let error = diagnostics.into_iter().find(|d| d.severity == Severity::Error);
    Err(error.map_or_else(|| "clang did not say why".to_owned(), |d| d.message))
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
