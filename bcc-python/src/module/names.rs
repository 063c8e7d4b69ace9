//! Names of a module's parts, as C strings, and which of its maps are tables.

use bcc_core::map::Map;
use bcc_core::module::Module;
use std::ffi::CString;

/// What the C functions hand out pointers to.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) functions: Vec<CString>,
    pub(crate) tables: Vec<CString>,
    pub(crate) license: CString,
    pub(crate) kern_version: u32,
}

impl Names {
    pub(super) fn of(core: &Module) -> Self {
        // C names have no NUL, and a license ends at its first.
        let c =
            |name: &str| CString::new(name.split('\0').next().unwrap_or("")).unwrap_or_default();
        let spec = core.spec();
        Self {
            functions: spec.programs.iter().map(|program| c(&program.name)).collect(),
            tables: tables(core).map(|map| c(map.name())).collect(),
            license: c(&spec.license),
            kern_version: spec.kern_version,
        }
    }
}

/// The maps that are tables of the user's.
pub(super) fn tables(core: &Module) -> impl Iterator<Item = &Map> {
    core.maps().iter().filter(|map| !map.is_hidden())
}
