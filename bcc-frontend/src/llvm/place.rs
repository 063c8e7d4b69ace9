//! Where values come from, by their debug information.

use super::{Value, lent};
use inkwell::llvm_sys::core::{
    LLVMDisposeValueMetadataEntries, LLVMGetDebugLocColumn, LLVMGetDebugLocFilename,
    LLVMGetDebugLocLine, LLVMGlobalCopyAllMetadata, LLVMValueMetadataEntriesGetMetadata,
};
use inkwell::llvm_sys::debuginfo::{
    LLVMDIFileGetFilename, LLVMDIGlobalVariableExpressionGetVariable, LLVMDIScopeGetFile,
    LLVMDISubprogramGetLine, LLVMDIVariableGetFile, LLVMDIVariableGetLine, LLVMGetMetadataKind,
    LLVMGetSubprogram, LLVMMetadataKind,
};
use inkwell::llvm_sys::prelude::LLVMMetadataRef;

/// A place in the user's text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Value {
    /// The file and line of a function's definition, from its debug information.
    pub(crate) fn definition(self) -> Place {
        let subprogram = ffi!(LLVMGetSubprogram(self.raw()));
        if subprogram.is_null() {
            return Place::default();
        }
        let file = file_name(ffi!(LLVMDIScopeGetFile(subprogram)));
        Place { file, line: ffi!(LLVMDISubprogramGetLine(subprogram)), column: 0 }
    }

    /// The file and line of a global variable's declaration, from its debug information.
    pub(crate) fn declaration(self) -> Place {
        let mut len = 0;
        let entries = ffi!(LLVMGlobalCopyAllMetadata(self.raw(), &raw mut len));
        let described = (0..u32::try_from(len).unwrap_or(0))
            .map(|at| ffi!(LLVMValueMetadataEntriesGetMetadata(entries, at)))
            .find(|entry| is_variable(*entry));
        ffi!(LLVMDisposeValueMetadataEntries(entries));
        let Some(described) = described else { return Place::default() };
        let variable = ffi!(LLVMDIGlobalVariableExpressionGetVariable(described));
        let file = file_name(ffi!(LLVMDIVariableGetFile(variable)));
        Place { file, line: ffi!(LLVMDIVariableGetLine(variable)), column: 0 }
    }

    /// Where an instruction comes from.
    pub(crate) fn place(self) -> Place {
        let mut len = 0;
        let data = ffi!(LLVMGetDebugLocFilename(self.raw(), &raw mut len));
        Place {
            file: lent(data, len as usize),
            line: ffi!(LLVMGetDebugLocLine(self.raw())),
            column: ffi!(LLVMGetDebugLocColumn(self.raw())),
        }
    }
}

fn is_variable(metadata: LLVMMetadataRef) -> bool {
    let kind = ffi!(LLVMGetMetadataKind(metadata));
    matches!(kind, LLVMMetadataKind::LLVMDIGlobalVariableExpressionMetadataKind)
}

/// Name of a file of the debug information; empty for none.
fn file_name(file: LLVMMetadataRef) -> String {
    if file.is_null() {
        return String::new();
    }
    let mut len = 0;
    let data = ffi!(LLVMDIFileGetFilename(file, &raw mut len));
    lent(data, len as usize)
}
