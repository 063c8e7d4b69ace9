//! From a text to a module in the kernel: compile through the cache, then create the maps.

use crate::error::{MapError, compile_error, map_error};
use crate::module::to_stderr;
use bcc_core::compile::{self, CompileError as CoreCompileError, CompileRequest, MAIN_FILE};
use bcc_core::disasm;
use bcc_core::map::registry;
use bcc_core::module::{LoadOptions, Module, Recompile, place};
use bcc_core::spec::{ModuleSpec, ProgramSpec};
use bcc_core::target::Target;
use pyo3::prelude::*;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Debug bit: show the C that the text became.
const DEBUG_PREPROCESSOR: u32 = 0x4;
/// Debug bit: show the instructions with the text they come from.
const DEBUG_SOURCE: u32 = 0x8;
/// Debug bit: show what the kernel does not like about the types of maps and programs.
const DEBUG_BTF: u32 = 0x20;

/// What to compile, as Python gave it.
pub(crate) struct Source {
    pub(crate) text: Option<Vec<u8>>,
    pub(crate) file: Option<Vec<u8>>,
    pub(crate) cflags: Vec<Vec<u8>>,
    pub(crate) debug: u32,
    /// Kernel headers to take instead of BTF.
    pub(crate) kernel_source: Option<Vec<u8>>,
    /// Generated USDT readers, in front of the text.
    pub(crate) preamble: Vec<u8>,
}

/// Compiles a text, through the cache, and creates its maps. The interpreter lock is released.
pub(crate) fn module(
    py: Python<'_>,
    source: Source,
    allow_rlimit: bool,
    device: Option<Vec<u8>>,
) -> PyResult<Module> {
    let debug = source.debug;
    let device = device.map(|device| String::from_utf8_lossy(&device).into_owned());
    if let Some(device) = &device {
        check_device(device)?;
    }
    find_compiler(py);
    py.detach(|| {
        let request = request(source)?;
        let spec = compile(&request)?;
        print_products(&spec, debug);
        let recompile: Recompile =
            Arc::new(move || compile::compile_text(&request.read_by_helper()));
        let recompile = Some(recompile);
        let options =
            LoadOptions { debug, allow_rlimit, device, recompile, ..LoadOptions::default() };
        let module = Module::load(spec, options).map_err(|error| {
            to_stderr(&error.to_string());
            map_error(&error)
        })?;
        if debug & DEBUG_BTF != 0
            && let Some(refusal) = module.btf_refusal()
        {
            to_stderr(&format!("bpf: {refusal}"));
        }
        Ok(module)
    })
}

/// The compiler's executable is installed beside this extension module.
fn find_compiler(py: Python<'_>) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let file = py
            .import("bcc._native")
            .and_then(|module| module.getattr("__file__"))
            .and_then(|file| file.extract::<PathBuf>());
        if let Some(directory) = file.as_deref().ok().and_then(Path::parent) {
            compile::child::set_home(directory.to_owned());
        }
        compile::child::set_stop(has_raised);
    });
}

/// What a signal's handler raised during a compile.
static RAISED: Mutex<Option<PyErr>> = Mutex::new(None);

/// Runs the handlers of signals that came, as Ctrl-C, and says whether one raised.
fn has_raised() -> bool {
    let raised = Python::attach(|py| py.check_signals().err());
    let is_some = raised.is_some();
    if is_some {
        *RAISED.lock().unwrap_or_else(PoisonError::into_inner) = raised;
    }
    is_some
}

fn request(source: Source) -> PyResult<CompileRequest> {
    let shown = shown(source.file.as_deref());
    let file = source.file.as_deref().map_or_else(|| MAIN_FILE.to_owned(), lossy);
    let user = match (source.text, &source.file) {
        (Some(text), _) => text,
        (None, Some(path)) => std::fs::read(Path::new(OsStr::from_bytes(path)))?,
        (None, None) => Vec::new(),
    };
    let preamble_lines = source.preamble.iter().filter(|&&byte| byte == b'\n').count();
    let mut text = source.preamble;
    text.extend(user);
    let io = |what: &str, error: &dyn std::fmt::Display| CoreCompileError::Io {
        what: what.to_owned(),
        error: error.to_string(),
    };
    let mut cflags = registry::compiler_flags("");
    cflags.extend(source.cflags.iter().map(|flag| lossy(flag)));
    let request = std::env::current_dir()
        .map_err(|error| io("find the current directory", &error))
        .and_then(|cwd| {
            let mut target =
                Target::running().map_err(|error| io("describe the kernel", &error))?;
            if let Some(directory) = source.kernel_source {
                target.kernel_source = Some(OsStr::from_bytes(&directory).into());
            }
            Ok(CompileRequest {
                text,
                preamble_lines: u32::try_from(preamble_lines).unwrap_or(u32::MAX),
                file,
                cflags,
                cwd,
                debug: source.debug,
                target,
                by_helper: false,
            })
        });
    request.map_err(|error| compile_error(&shown, &error))
}

fn compile(request: &CompileRequest) -> PyResult<ModuleSpec> {
    compile::compile_text(request).map_err(|error| {
        if let CoreCompileError::Diagnostics { .. } = error {
            to_stderr(&error.to_string());
        }
        if let CoreCompileError::Interrupted = error
            && let Some(raised) = RAISED.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            return raised;
        }
        let file = (request.file != MAIN_FILE).then_some(request.file.as_bytes());
        compile_error(&shown(file), &error)
    })
}

/// What messages call a text.
fn shown(file: Option<&[u8]>) -> String {
    file.map_or_else(|| "<text>".to_owned(), lossy)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Warnings, and what the debug bits ask for.
fn print_products(spec: &ModuleSpec, debug: u32) {
    for warning in &spec.warnings {
        to_stderr(&warning.to_string());
    }
    if debug & DEBUG_PREPROCESSOR != 0 {
        to_stderr(&spec.rewritten);
    }
    if debug & DEBUG_SOURCE != 0 {
        for program in &spec.programs {
            to_stderr(&with_source(spec, program));
        }
    }
    if debug & compile::DEBUG_LLVM_IR != 0
        && let Some(ir) = &spec.llvm_ir
    {
        // A closed stdout is no reason to fail.
        let _lost = writeln!(std::io::stdout().lock(), "{ir}");
    }
}

/// A program's instructions, each line of the text before what it became.
fn with_source(spec: &ModuleSpec, program: &ProgramSpec) -> String {
    let mut lines = place::lines(&spec.btf, &program.line_info).peekable();
    let mut text = format!("Disassembly of function {}", program.name);
    for (index, insn) in disasm::lines(&program.insns).iter().enumerate() {
        while let Some(line) = lines.next_if(|line| line.insn as usize <= index) {
            let _infallible = write!(text, "\n; {} // Line {:3}", line.text.trim(), line.number);
        }
        let _infallible = write!(text, "\n{insn}");
    }
    text
}

/// That a network device exists.
pub(crate) fn check_device(device: &str) -> PyResult<()> {
    match nix::net::if_::if_nametoindex(device) {
        Ok(_) => Ok(()),
        Err(errno) => Err(MapError::new_err(format!("device {device}: {}", errno.desc()))),
    }
}
