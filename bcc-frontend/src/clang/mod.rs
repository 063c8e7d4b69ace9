//! Safe handles over libclang's C API: disposed on drop. The only caller of `clang-sys`'s functions.
//!
//! Those that are called here are in `shim/`, over clang's C++ API: another one has to be added there.
//!
//! [`Index`] → [`Unit`] (one parsed text with in-memory files) → [`Cursor`], [`Ty`], [`Diag`].

#![expect(unsafe_code, reason = "libclang is a C library; this module is its safe border")]

mod cursor;
mod diag;
mod ty;

pub use cursor::{Cursor, Place, Visit};
pub use diag::Diag;
pub use ty::Ty;

use crate::source::ClangInput;
use clang_sys as sys;
use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::ptr;

/// What clang calls itself, its exact build included.
pub fn version() -> String {
    // SAFETY: no preconditions; `string` disposes of the result.
    string(unsafe { sys::clang_getClangVersion() })
}

/// Why libclang gave no translation unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClangError {
    /// An argument or a path contains a NUL byte.
    #[error("argument {argument:?} contains a NUL byte")]
    Nul {
        /// The argument, lossily decoded.
        argument: String,
    },
    /// libclang's own error code: 1 failure, 2 crashed, 3 invalid arguments, 4 AST read error.
    #[error("libclang failed to parse the text (code {code})")]
    Parse {
        /// `CXErrorCode`.
        code: i32,
    },
    /// `clang_createIndex` returned nothing.
    #[error("libclang failed to create an index")]
    Index,
}

/// A set of translation units; libclang's top-level handle.
#[derive(Debug)]
pub struct Index {
    raw: sys::CXIndex,
}

impl Index {
    /// A new index.
    ///
    /// # Errors
    /// [`ClangError::Index`] when there is no memory for one.
    pub fn new() -> Result<Self, ClangError> {
        // Declarations of precompiled headers are the kernel's: no walk needs them.
        // SAFETY: no preconditions; the handle is disposed in `Drop`.
        let raw = unsafe { sys::clang_createIndex(1, 0) };
        if raw.is_null() { Err(ClangError::Index) } else { Ok(Self { raw }) }
    }

    /// Parses `input`; errors in the text are in [`Unit::diagnostics`], not here.
    ///
    /// # Errors
    /// [`ClangError`] when there is no unit at all.
    pub fn parse(&self, input: &ClangInput) -> Result<Unit<'_>, ClangError> {
        let args = input.args.iter().map(|a| c_string(a)).collect::<Result<Vec<_>, _>>()?;
        let arg_ptrs: Vec<_> = args.iter().map(|a| a.as_ptr()).collect();
        let paths = input.files.iter().map(|f| c_string(&f.path)).collect::<Result<Vec<_>, _>>()?;
        let mut files: Vec<sys::CXUnsavedFile> = input
            .files
            .iter()
            .zip(&paths)
            .map(|(file, path)| sys::CXUnsavedFile {
                Filename: path.as_ptr(),
                Contents: file.text.as_ptr().cast(),
                Length: file.text.len() as libc::c_ulong,
            })
            .collect();
        let main = c_string(&input.main)?;
        let mut raw: sys::CXTranslationUnit = ptr::null_mut();
        let arg_count = i32::try_from(arg_ptrs.len()).unwrap_or(i32::MAX);
        let file_count = u32::try_from(files.len()).unwrap_or(u32::MAX);
        // SAFETY: all pointers are to live vectors of the given lengths; libclang copies them.
        let code = unsafe {
            sys::clang_parseTranslationUnit2(
                self.raw,
                main.as_ptr(),
                arg_ptrs.as_ptr(),
                arg_count,
                files.as_mut_ptr(),
                file_count,
                sys::CXTranslationUnit_None,
                &raw mut raw,
            )
        };
        if code != sys::CXError_Success || raw.is_null() {
            return Err(ClangError::Parse { code });
        }
        Ok(Unit { raw, index: PhantomData })
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        // SAFETY: created in `new`, disposed once; units borrow the index, so none is left.
        unsafe { sys::clang_disposeIndex(self.raw) };
    }
}

/// One parsed text.
#[derive(Debug)]
pub struct Unit<'i> {
    raw: sys::CXTranslationUnit,
    index: PhantomData<&'i Index>,
}

impl Unit<'_> {
    /// The cursor whose children are the top-level declarations.
    pub fn root(&self) -> Cursor<'_> {
        // SAFETY: `raw` is a live unit for as long as `self`.
        Cursor::new(unsafe { sys::clang_getTranslationUnitCursor(self.raw) })
    }

    /// Top-level diagnostics in clang's order; notes follow the message they belong to.
    pub fn diagnostics(&self) -> Vec<Diag> {
        // SAFETY: `raw` is a live unit.
        let count = unsafe { sys::clang_getNumDiagnostics(self.raw) };
        let mut all = Vec::new();
        for i in 0..count {
            // SAFETY: `i` is below the count that the same unit gave.
            let raw = unsafe { sys::clang_getDiagnostic(self.raw, i) };
            diag::collect(raw, &mut all);
        }
        all
    }

    /// The bytes that clang read for `path` (as clang names the file), if it read that file.
    pub fn file_text(&self, path: &str) -> Option<Vec<u8>> {
        let name = c_string(path).ok()?;
        // SAFETY: `raw` is live, `name` is NUL-terminated.
        let file = unsafe { sys::clang_getFile(self.raw, name.as_ptr()) };
        if file.is_null() {
            return None;
        }
        let mut size = 0;
        // SAFETY: `file` belongs to this unit.
        let text = unsafe { sys::clang_getFileContents(self.raw, file, &raw mut size) };
        if text.is_null() {
            return None;
        }
        // SAFETY: libclang gives `size` readable bytes that live as long as the unit.
        Some(unsafe { std::slice::from_raw_parts(text.cast::<u8>(), size) }.to_vec())
    }

    /// Names of all files the unit read, main file first, as clang opened them.
    pub fn files(&self) -> Vec<String> {
        extern "C" fn visit(
            file: sys::CXFile,
            _: *mut sys::CXSourceLocation,
            _: libc::c_uint,
            data: sys::CXClientData,
        ) {
            drop(std::panic::catch_unwind(|| {
                // SAFETY: `file` is valid during the callback.
                let name = string(unsafe { sys::clang_getFileName(file) });
                // SAFETY: `data` is the vector passed below, used by this callback alone.
                unsafe { (*data.cast::<Vec<String>>()).push(name) };
            }));
        }
        let mut names: Vec<String> = Vec::new();
        // SAFETY: the callback has the right type and `names` outlives the call.
        unsafe { sys::clang_getInclusions(self.raw, visit, (&raw mut names).cast()) };
        names
    }
}

impl Drop for Unit<'_> {
    fn drop(&mut self) {
        // SAFETY: created by `Index::parse`, disposed once; cursors borrow the unit.
        unsafe { sys::clang_disposeTranslationUnit(self.raw) };
    }
}

fn c_string(text: &str) -> Result<CString, ClangError> {
    CString::new(text).map_err(|_nul| ClangError::Nul { argument: text.to_owned() })
}

/// Takes a `CXString` over into a Rust string; invalid UTF-8 is replaced.
fn string(raw: sys::CXString) -> String {
    // SAFETY: `raw` was just returned by libclang and is not disposed yet.
    let text = unsafe { sys::clang_getCString(raw) };
    let owned = if text.is_null() {
        String::new()
    } else {
        // SAFETY: libclang's strings are NUL-terminated and live until disposed.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    };
    // SAFETY: disposed exactly once, here.
    unsafe { sys::clang_disposeString(raw) };
    owned
}
