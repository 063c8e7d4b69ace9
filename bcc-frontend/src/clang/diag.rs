//! clang's messages.

use super::{Place, string};
use bcc_core::spec::Severity;
use clang_sys as sys;

/// One message of clang's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diag {
    /// How bad it is; fatal errors are errors.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// Text without severity and place.
    pub message: String,
    /// The `-W…` option that governs it; empty for errors.
    pub option: String,
    /// Whether the place is in a header found by `-isystem`.
    pub system: bool,
}

/// What clang itself calls the text that its arguments make.
const COMMAND_LINE: &str = "<command line>";

/// Takes over `raw`.
pub(super) fn collect(raw: sys::CXDiagnostic, into: &mut Vec<Diag>) {
    into.extend(read(raw));
    // SAFETY: `raw` was handed over to this function.
    unsafe { sys::clang_disposeDiagnostic(raw) };
}

fn read(raw: sys::CXDiagnostic) -> Option<Diag> {
    // SAFETY: `raw` is live.
    let severity = match unsafe { sys::clang_getDiagnosticSeverity(raw) } {
        sys::CXDiagnostic_Ignored => return None,
        sys::CXDiagnostic_Note => Severity::Note,
        sys::CXDiagnostic_Warning => Severity::Warning,
        _ => Severity::Error,
    };
    // SAFETY: `raw` is live.
    let location = unsafe { sys::clang_getDiagnosticLocation(raw) };
    // SAFETY: `raw` is live.
    let message = string(unsafe { sys::clang_getDiagnosticSpelling(raw) });
    // SAFETY: `raw` is live; a null second argument is allowed.
    let option = string(unsafe { sys::clang_getDiagnosticOption(raw, std::ptr::null_mut()) });
    // SAFETY: `location` was just returned.
    let system = unsafe { sys::clang_Location_isInSystemHeader(location) } != 0;
    let mut place = Place::of(location);
    if place.file.is_empty() && place.line > 0 {
        // The lines are of a text that clang made of its arguments and of what it predefines.
        place = Place { file: COMMAND_LINE.to_owned(), ..Place::default() };
    }
    Some(Diag { severity, place, message, option, system })
}
