//! Safe handles over LLVM and the C++ shim. The only user of `llvm-sys` and the shim.
//!
//! `Context` owns everything; `Module`, `Value` and `Type` are handles into it. A `Value` must
//! not be used after `Value::erase`; nothing outside `lower` and `emit` erases any.
#![expect(unsafe_code, reason = "LLVM's C API; each call's contract is stated where it is made")]

/// Calls a function of LLVM's C API. The caller upholds that every handle belongs to one live
/// context and is of the kind that the function asks for.
macro_rules! ffi {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: the handles come from the live `Context` that the enclosing handle borrows or was
        // made from, and are of the kind the function asks for, as the enclosing method documents.
        unsafe { $function($($argument),*) }
    }};
}

mod builder;
mod context;
mod machine;
mod module;
mod place;
mod shim;
mod ty;
mod value;

pub(crate) use builder::Builder;
pub(crate) use context::Context;
pub(crate) use machine::{Cpu, Machine};
pub(crate) use module::Module;
pub(crate) use place::Place;
pub(crate) use shim::{clone_function, compile, precompile};
pub(crate) use ty::Type;
pub(crate) use value::{Opcode, Value};

/// The bytes of a string that LLVM lends as pointer and length.
fn lent(data: *const std::ffi::c_char, len: usize) -> String {
    if data.is_null() || len == 0 {
        return String::new();
    }
    // SAFETY: LLVM lends `len` readable bytes that live as long as the handle they were asked of.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// Takes over a C string that LLVM allocated with its own allocator.
fn owned(message: *mut std::ffi::c_char) -> String {
    use inkwell::llvm_sys::core::LLVMDisposeMessage;
    if message.is_null() {
        return String::new();
    }
    // SAFETY: LLVM returned a terminated string, alive until it is disposed of below.
    let text = unsafe { std::ffi::CStr::from_ptr(message) }.to_string_lossy().into_owned();
    ffi!(LLVMDisposeMessage(message));
    text
}
