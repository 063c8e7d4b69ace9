//! C types.

use super::{Cursor, string};
use clang_sys as sys;
use std::marker::PhantomData;

/// A C type; valid as long as its unit.
#[derive(Clone, Copy)]
pub struct Ty<'u> {
    raw: sys::CXType,
    unit: PhantomData<&'u ()>,
}

impl std::fmt::Debug for Ty<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ty({})", self.spelling())
    }
}

impl<'u> Ty<'u> {
    pub(super) fn new(raw: sys::CXType) -> Self {
        Self { raw, unit: PhantomData }
    }

    /// `CXType_*`.
    pub fn kind(self) -> i32 {
        self.raw.kind
    }

    /// As written, typedef names kept.
    pub fn spelling(self) -> String {
        // SAFETY: the type belongs to a live unit.
        string(unsafe { sys::clang_getTypeSpelling(self.raw) })
    }

    /// Without typedefs.
    #[must_use]
    pub fn canonical(self) -> Self {
        // SAFETY: the type belongs to a live unit.
        Self::new(unsafe { sys::clang_getCanonicalType(self.raw) })
    }

    /// Without `const`, `volatile`, `restrict`.
    #[must_use]
    pub fn unqualified(self) -> Self {
        if self.raw.kind == sys::CXType_Invalid {
            return self;
        }
        // SAFETY: the type belongs to a live unit and is valid, which libclang does not check.
        Self::new(unsafe { sys::clang_getUnqualifiedType(self.raw) })
    }

    /// What a pointer points to.
    #[must_use]
    pub fn pointee(self) -> Self {
        // SAFETY: the type belongs to a live unit; others give an invalid type.
        Self::new(unsafe { sys::clang_getPointeeType(self.raw) })
    }

    /// Element type of an array.
    #[must_use]
    pub fn element(self) -> Self {
        // SAFETY: the type belongs to a live unit.
        Self::new(unsafe { sys::clang_getArrayElementType(self.raw) })
    }

    /// Elements of a constant array, negative for others.
    pub fn array_len(self) -> i64 {
        // SAFETY: the type belongs to a live unit.
        unsafe { sys::clang_getArraySize(self.raw) }
    }

    /// Bytes; negative when the type is incomplete or invalid.
    pub fn size(self) -> i64 {
        // SAFETY: the type belongs to a live unit.
        unsafe { sys::clang_Type_getSizeOf(self.raw) }
    }

    /// Bytes; negative when the type is incomplete or invalid.
    pub fn align(self) -> i64 {
        // SAFETY: the type belongs to a live unit.
        unsafe { sys::clang_Type_getAlignOf(self.raw) }
    }

    /// Where a struct, union, enum or typedef is declared.
    pub fn declaration(self) -> Cursor<'u> {
        // SAFETY: the type belongs to a live unit.
        Cursor::new(unsafe { sys::clang_getTypeDeclaration(self.raw) })
    }

    /// Members of a struct or union, anonymous ones included.
    pub fn fields(self) -> Vec<Cursor<'u>> {
        extern "C" fn visit(field: sys::CXCursor, data: sys::CXClientData) -> sys::CXVisitorResult {
            // SAFETY: `data` is the vector passed below, used by this callback alone.
            unsafe { (*data.cast::<Vec<sys::CXCursor>>()).push(field) };
            sys::CXVisit_Continue
        }
        let mut all: Vec<sys::CXCursor> = Vec::new();
        // SAFETY: the callback has the right type and `all` outlives the call.
        unsafe { sys::clang_Type_visitFields(self.raw, visit, (&raw mut all).cast()) };
        all.into_iter().map(Cursor::new).collect()
    }
}
