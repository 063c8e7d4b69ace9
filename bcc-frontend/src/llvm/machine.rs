//! The BPF backend, the only one initialised.

use super::{Module, owned};
use inkwell::llvm_sys::core::{LLVMDisposeMemoryBuffer, LLVMGetBufferSize, LLVMGetBufferStart};
use inkwell::llvm_sys::error::{LLVMDisposeErrorMessage, LLVMGetErrorMessage};
use inkwell::llvm_sys::target::{
    LLVMInitializeBPFAsmParser, LLVMInitializeBPFAsmPrinter, LLVMInitializeBPFTarget,
    LLVMInitializeBPFTargetInfo, LLVMInitializeBPFTargetMC,
};
use inkwell::llvm_sys::target_machine::{
    LLVMCodeGenFileType, LLVMCodeGenOptLevel, LLVMCodeModel, LLVMCreateTargetMachine,
    LLVMDisposeTargetMachine, LLVMGetTargetFromTriple, LLVMRelocMode,
    LLVMTargetMachineEmitToMemoryBuffer, LLVMTargetMachineRef, LLVMTargetRef,
};
use inkwell::llvm_sys::transforms::pass_builder::{
    LLVMCreatePassBuilderOptions, LLVMDisposePassBuilderOptions,
    LLVMPassBuilderOptionsSetLoopInterleaving, LLVMPassBuilderOptionsSetLoopVectorization,
    LLVMPassBuilderOptionsSetSLPVectorization, LLVMRunPasses,
};
use std::ffi::CStr;
use std::ptr;
use std::sync::Once;

/// Which BPF instruction set is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cpu {
    /// What every kernel takes; programs' dumps are written with it in mind.
    V1,
    /// Adds 32-bit registers and atomics that return a value (kernel 5.12).
    V3,
}

/// A target machine for BPF.
pub(crate) struct Machine {
    raw: LLVMTargetMachineRef,
}

impl Machine {
    /// A little- or big-endian BPF machine.
    ///
    /// # Errors
    /// LLVM's words when it was built without the BPF backend.
    pub(crate) fn new(cpu: Cpu, big_endian: bool) -> Result<Self, String> {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            ffi!(LLVMInitializeBPFTargetInfo());
            ffi!(LLVMInitializeBPFTarget());
            ffi!(LLVMInitializeBPFTargetMC());
            ffi!(LLVMInitializeBPFAsmPrinter());
            // For inline assembly.
            ffi!(LLVMInitializeBPFAsmParser());
        });
        let triple = if big_endian { c"bpfeb" } else { c"bpfel" };
        let cpu = match cpu {
            Cpu::V1 => c"v1",
            Cpu::V3 => c"v3",
        };
        let mut target: LLVMTargetRef = ptr::null_mut();
        let mut message = ptr::null_mut();
        if ffi!(LLVMGetTargetFromTriple(triple.as_ptr(), &raw mut target, &raw mut message)) != 0 {
            return Err(owned(message));
        }
        let raw = ffi!(LLVMCreateTargetMachine(
            target,
            triple.as_ptr(),
            cpu.as_ptr(),
            c"".as_ptr(),
            LLVMCodeGenOptLevel::LLVMCodeGenLevelDefault,
            LLVMRelocMode::LLVMRelocDefault,
            LLVMCodeModel::LLVMCodeModelDefault,
        ));
        if raw.is_null() {
            return Err("LLVM has no BPF machine".to_owned());
        }
        Ok(Self { raw })
    }

    /// Runs a pipeline given in the text form of `opt -passes=`.
    ///
    /// # Errors
    /// LLVM's words when the text does not parse.
    pub(crate) fn run_passes(&self, module: &Module<'_>, passes: &CStr) -> Result<(), String> {
        let options = ffi!(LLVMCreatePassBuilderOptions());
        ffi!(LLVMPassBuilderOptionsSetLoopVectorization(options, 0));
        ffi!(LLVMPassBuilderOptionsSetSLPVectorization(options, 0));
        ffi!(LLVMPassBuilderOptionsSetLoopInterleaving(options, 0));
        let error = ffi!(LLVMRunPasses(module.raw(), passes.as_ptr(), self.raw, options));
        ffi!(LLVMDisposePassBuilderOptions(options));
        if error.is_null() {
            return Ok(());
        }
        let message = ffi!(LLVMGetErrorMessage(error));
        // SAFETY: LLVM returned a terminated string, alive until it is disposed of below.
        let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
        ffi!(LLVMDisposeErrorMessage(message));
        Err(text)
    }

    /// The module as an ELF object. The caller must look at [`super::Context::take_errors`]: after an
    /// error this still returns an object.
    ///
    /// # Errors
    /// LLVM's words when no object comes of it.
    pub(crate) fn emit_object(&self, module: &Module<'_>) -> Result<Vec<u8>, String> {
        let mut message = ptr::null_mut();
        let mut buffer = ptr::null_mut();
        let failed = ffi!(LLVMTargetMachineEmitToMemoryBuffer(
            self.raw,
            module.raw(),
            LLVMCodeGenFileType::LLVMObjectFile,
            &raw mut message,
            &raw mut buffer,
        ));
        if failed != 0 {
            return Err(owned(message));
        }
        let (start, size) = (ffi!(LLVMGetBufferStart(buffer)), ffi!(LLVMGetBufferSize(buffer)));
        // SAFETY: the buffer holds `size` bytes until it is disposed of below.
        let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), size) }.to_vec();
        ffi!(LLVMDisposeMemoryBuffer(buffer));
        Ok(bytes)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        ffi!(LLVMDisposeTargetMachine(self.raw));
    }
}
