//! Declarations, statements and expressions.

use super::{Ty, string};
use clang_sys as sys;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

/// A place in a file: macro arguments are where they are spelled, tokens of a macro body where the
/// outermost macro is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// File as clang names it; empty for places in no file.
    pub file: String,
    /// 1-based.
    pub line: u32,
    /// 1-based, in bytes.
    pub column: u32,
    /// Bytes from the start of the file.
    pub offset: u32,
}

impl Place {
    pub(super) fn of(location: sys::CXSourceLocation) -> Self {
        let mut file = ptr::null_mut();
        let (mut line, mut column, mut offset) = (0, 0, 0);
        // SAFETY: the out pointers are valid; any location is allowed.
        unsafe {
            sys::clang_getFileLocation(
                location,
                &raw mut file,
                &raw mut line,
                &raw mut column,
                &raw mut offset,
            );
        }
        let file = if file.is_null() {
            String::new()
        } else {
            // SAFETY: libclang just returned this file of a live unit.
            string(unsafe { sys::clang_getFileName(file) })
        };
        Self { file, line, column, offset }
    }
}

/// What a visitor wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// The children of this cursor too.
    Into,
    /// The next sibling.
    Over,
}

/// A node of clang's syntax tree; valid as long as its unit.
#[derive(Clone, Copy)]
pub struct Cursor<'u> {
    raw: sys::CXCursor,
    unit: PhantomData<&'u ()>,
}

impl std::fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cursor({} {:?})", self.kind(), self.spelling())
    }
}

impl PartialEq for Cursor<'_> {
    fn eq(&self, other: &Self) -> bool {
        // SAFETY: both cursors belong to live units.
        unsafe { sys::clang_equalCursors(self.raw, other.raw) != 0 }
    }
}

type Callback<'a, 'u> = &'a mut dyn FnMut(Cursor<'u>, Cursor<'u>) -> Visit;

struct Walk<'a, 'u> {
    callback: Callback<'a, 'u>,
    panic: Option<Box<dyn std::any::Any + Send>>,
}

extern "C" fn trampoline(
    cursor: sys::CXCursor,
    parent: sys::CXCursor,
    data: sys::CXClientData,
) -> sys::CXChildVisitResult {
    // SAFETY: `data` is the `Walk` that `Cursor::visit` passes and nobody else holds meanwhile.
    let walk = unsafe { &mut *data.cast::<Walk<'_, '_>>() };
    let callback = &mut walk.callback;
    match catch_unwind(AssertUnwindSafe(|| callback(Cursor::new(cursor), Cursor::new(parent)))) {
        Ok(Visit::Into) => sys::CXChildVisit_Recurse,
        Ok(Visit::Over) => sys::CXChildVisit_Continue,
        Err(panic) => {
            walk.panic = Some(panic);
            sys::CXChildVisit_Break
        }
    }
}

impl<'u> Cursor<'u> {
    pub(super) fn new(raw: sys::CXCursor) -> Self {
        Self { raw, unit: PhantomData }
    }

    /// `CXCursor_*`.
    pub fn kind(self) -> i32 {
        self.raw.kind
    }

    /// The name of a declaration or of what a reference names.
    pub fn spelling(self) -> String {
        // SAFETY: the cursor belongs to a live unit.
        string(unsafe { sys::clang_getCursorSpelling(self.raw) })
    }

    /// Where the cursor's name (or operator) is.
    pub fn place(self) -> Place {
        // SAFETY: the cursor belongs to a live unit.
        Place::of(unsafe { sys::clang_getCursorLocation(self.raw) })
    }

    /// First token's place and the place just after the last token.
    pub fn extent(self) -> (Place, Place) {
        // SAFETY: the cursor belongs to a live unit.
        let range = unsafe { sys::clang_getCursorExtent(self.raw) };
        // SAFETY: `range` was just returned.
        let start = unsafe { sys::clang_getRangeStart(range) };
        // SAFETY: `range` was just returned.
        let end = unsafe { sys::clang_getRangeEnd(range) };
        (Place::of(start), Place::of(end))
    }

    /// Whether the cursor's place is in a header found by `-isystem`.
    pub fn in_system_header(self) -> bool {
        // SAFETY: the cursor belongs to a live unit.
        let location = unsafe { sys::clang_getCursorLocation(self.raw) };
        // SAFETY: `location` was just returned.
        unsafe { sys::clang_Location_isInSystemHeader(location) != 0 }
    }

    /// The type of an expression or declaration.
    pub fn ty(self) -> Ty<'u> {
        // SAFETY: the cursor belongs to a live unit.
        Ty::new(unsafe { sys::clang_getCursorType(self.raw) })
    }

    /// The integer type of an enum declaration.
    pub fn enum_type(self) -> Ty<'u> {
        // SAFETY: any cursor is allowed; a wrong kind gives an invalid type.
        Ty::new(unsafe { sys::clang_getEnumDeclIntegerType(self.raw) })
    }

    /// The declaration that an expression refers to.
    pub fn referenced(self) -> Option<Self> {
        // SAFETY: the cursor belongs to a live unit.
        Self::some(unsafe { sys::clang_getCursorReferenced(self.raw) })
    }

    /// The declaration that contains this one.
    pub fn parent(self) -> Option<Self> {
        // SAFETY: the cursor belongs to a live unit.
        Self::some(unsafe { sys::clang_getCursorSemanticParent(self.raw) })
    }

    fn some(raw: sys::CXCursor) -> Option<Self> {
        // SAFETY: `raw` was returned by libclang.
        let null = unsafe { sys::clang_Cursor_isNull(raw) } != 0;
        (!null).then(|| Self::new(raw))
    }

    /// Arguments of a call, parameters of a function.
    pub fn arguments(self) -> Vec<Self> {
        // SAFETY: the cursor belongs to a live unit; other kinds give -1.
        let count = unsafe { sys::clang_Cursor_getNumArguments(self.raw) };
        (0..u32::try_from(count).unwrap_or(0))
            .map(|i| {
                // SAFETY: `i` is below the count of the same cursor.
                Self::new(unsafe { sys::clang_Cursor_getArgument(self.raw, i) })
            })
            .collect()
    }

    /// Direct children.
    pub fn children(self) -> Vec<Self> {
        let mut all = Vec::new();
        self.visit(&mut |child, _| {
            all.push(child);
            Visit::Over
        });
        all
    }

    /// Calls `callback(cursor, parent)` for the children, and below where it says [`Visit::Into`].
    pub fn visit(self, callback: &mut dyn FnMut(Self, Self) -> Visit) {
        let mut walk = Walk { callback, panic: None };
        // SAFETY: the trampoline has the right type and `walk` outlives the call.
        unsafe { sys::clang_visitChildren(self.raw, trampoline, (&raw mut walk).cast()) };
        if let Some(panic) = walk.panic {
            resume_unwind(panic);
        }
    }

    /// Whether a function or variable declaration has its body or initialiser here.
    pub fn is_definition(self) -> bool {
        // SAFETY: the cursor belongs to a live unit.
        unsafe { sys::clang_isCursorDefinition(self.raw) != 0 }
    }

    /// Whether other translation units could see the name.
    pub fn is_external(self) -> bool {
        // SAFETY: the cursor belongs to a live unit.
        unsafe { sys::clang_getCursorLinkage(self.raw) == sys::CXLinkage_External }
    }

    /// Whether a function is declared `inline`.
    pub fn is_inline(self) -> bool {
        // SAFETY: the cursor belongs to a live unit.
        unsafe { sys::clang_Cursor_isFunctionInlined(self.raw) != 0 }
    }

    /// `extern`, `static`, … as written: `CX_StorageClass`.
    pub fn storage(self) -> i32 {
        // SAFETY: the cursor belongs to a live unit.
        unsafe { sys::clang_Cursor_getStorageClass(self.raw) }
    }

    /// A number that equal cursors share.
    pub fn hash(self) -> u32 {
        // SAFETY: the cursor belongs to a live unit.
        unsafe { sys::clang_hashCursor(self.raw) }
    }

    /// `CXBinaryOperator_*` of a binary operator.
    pub fn binary_operator(self) -> i32 {
        // SAFETY: the cursor belongs to a live unit.
        unsafe { sys::clang_getCursorBinaryOperatorKind(self.raw) }
    }

    /// `CXUnaryOperator_*` of a unary operation.
    pub fn unary_operator(self) -> i32 {
        // SAFETY: the cursor belongs to a live unit.
        unsafe { sys::clang_getCursorUnaryOperatorKind(self.raw) }
    }

    /// Whether a struct or union has no tag.
    pub fn is_anonymous(self) -> bool {
        // SAFETY: the cursor belongs to a live unit.
        unsafe { sys::clang_Cursor_isAnonymous(self.raw) != 0 }
    }

    /// The name of a struct's member; empty for an anonymous struct or union.
    pub fn member_name(self) -> String {
        let record = self.ty().canonical().declaration();
        // SAFETY: the cursor belongs to a live unit.
        let anonymous = unsafe { sys::clang_Cursor_isAnonymousRecordDecl(record.raw) } != 0;
        if anonymous { String::new() } else { self.spelling() }
    }

    /// Offset of a member in bits, or a negative error.
    pub fn field_offset(self) -> i64 {
        // SAFETY: the cursor belongs to a live unit.
        unsafe { sys::clang_Cursor_getOffsetOfField(self.raw) }
    }

    /// Width of a bit-field.
    pub fn bit_width(self) -> Option<u32> {
        // SAFETY: the cursor belongs to a live unit.
        u32::try_from(unsafe { sys::clang_getFieldDeclBitWidth(self.raw) }).ok()
    }

    /// The declaration as clang prints it, attributes included, function bodies left out.
    pub fn printed(self) -> String {
        // SAFETY: the cursor belongs to a live unit.
        let policy = unsafe { sys::clang_getCursorPrintingPolicy(self.raw) };
        // SAFETY: `policy` was just made.
        unsafe {
            sys::clang_PrintingPolicy_setProperty(policy, sys::CXPrintingPolicy_TerseOutput, 1);
        }
        // SAFETY: cursor and policy are live.
        let text = string(unsafe { sys::clang_getCursorPrettyPrinted(self.raw, policy) });
        // SAFETY: disposed once.
        unsafe { sys::clang_PrintingPolicy_dispose(policy) };
        text
    }

    /// Strings of the attributes `annotate("…")`.
    pub fn annotations(self) -> Vec<String> {
        self.children()
            .into_iter()
            .filter(|c| c.kind() == sys::CXCursor_AnnotateAttr)
            .map(Self::spelling)
            .collect()
    }
}
