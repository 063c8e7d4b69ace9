//! The one table from the library's errors to Python's exceptions.

use bcc_core::compile::CompileError as CoreCompileError;
use bcc_core::kernel::kallsyms::KallsymsError;
use bcc_core::link::AttachError as CoreAttachError;
use bcc_core::map::MapError as CoreMapError;
use bcc_core::program::LoadError as CoreLoadError;
use bcc_core::symbol::SymbolError as CoreSymbolError;
use bcc_core::usdt::UsdtError as CoreUsdtError;
use bcc_sys::SysError;
use nix::errno::Errno;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(bcc, BPFError, PyException, "Any failure of this library.");
create_exception!(
    bcc,
    CompileError,
    BPFError,
    "The text did not compile; `.diagnostics` lists what the compiler said."
);
create_exception!(
    bcc,
    LoadError,
    BPFError,
    "The kernel refused a program; `.log` is the verifier's, `.errno` the system's answer."
);
create_exception!(bcc, AttachError, BPFError, "A program could not be attached.");
create_exception!(bcc, MapError, BPFError, "A map operation failed.");
create_exception!(bcc, SymbolError, BPFError, "A symbol or binary could not be read.");
create_exception!(bcc, EventError, BPFError, "A perf or ring buffer failed.");
create_exception!(bcc, USDTException, BPFError, "A USDT probe could not be found or enabled.");

/// Sets an attribute of an exception. Its attributes are an ordinary dict, so this fails only for want
/// of memory, and then the exception without it is the better answer.
fn set<'py>(error: &PyErr, py: Python<'py>, name: &str, value: impl IntoPyObject<'py>) {
    drop(error.value(py).setattr(name, value));
}

fn with_errno(error: PyErr, errno: Option<Errno>) -> PyErr {
    Python::attach(|py| set(&error, py, "errno", errno.map(|errno| errno as i32)));
    error
}

/// A failed compile of `name`, the compiler's messages after upstream's words.
pub(crate) fn compile_error(name: &str, error: &CoreCompileError) -> PyErr {
    let made = CompileError::new_err(format!("Failed to compile BPF module {name}\n{error}"));
    let diagnostics: Vec<_> = match error {
        CoreCompileError::Diagnostics { diagnostics } => diagnostics
            .iter()
            .map(|d| {
                let (severity, stage) = (d.severity.to_string(), format!("{:?}", d.stage));
                let place = (d.file.clone(), d.line, d.column);
                (severity, stage.to_lowercase(), place, d.message.clone(), d.hint.clone())
            })
            .collect(),
        _ => Vec::new(),
    };
    Python::attach(|py| {
        set(&made, py, "diagnostics", diagnostics);
        set(&made, py, "errno", None::<i32>);
    });
    made
}

/// A program that did not load.
pub(crate) fn load_error(error: &CoreLoadError) -> PyErr {
    let text = match error {
        CoreLoadError::Unknown { .. } => format!("{error}").replacen("unknown", "Unknown", 1),
        CoreLoadError::Kernel { program, source, hint, .. } if !hint.is_empty() => {
            format!("Failed to load BPF program {program}: {} ({hint})", source.errno.desc())
        }
        CoreLoadError::Kernel { program, source, .. } => {
            format!("Failed to load BPF program {program}: {}", source.errno.desc())
        }
        CoreLoadError::Verifier { program, errno, .. } => {
            format!("Failed to load BPF program {program}: {}\n{error}", errno.desc())
        }
        other => format!("Failed to load BPF program: {other}"),
    };
    let made = LoadError::new_err(text);
    Python::attach(|py| set(&made, py, "log", error.log().map(|log| format!("{log:#}"))));
    with_errno(made, error.errno())
}

/// `text`, and why.
pub(crate) fn attach_failed(text: &str, error: &CoreAttachError) -> PyErr {
    with_errno(AttachError::new_err(format!("{text}: {error}")), error.errno())
}

/// `text`, and the kernel's answer.
pub(crate) fn attach_refused(text: &str, error: SysError) -> PyErr {
    let made = AttachError::new_err(format!("{text}: {}", error.errno.desc()));
    with_errno(made, Some(error.errno))
}

/// A map that could not be made or used.
pub(crate) fn map_error(error: &CoreMapError) -> PyErr {
    with_errno(MapError::new_err(error.to_string()), error.errno())
}

/// `what`, and the kernel's answer.
pub(crate) fn map_failed(what: &str, error: SysError) -> PyErr {
    let made = MapError::new_err(format!("{what}: {}", error.errno.desc()));
    with_errno(made, Some(error.errno))
}

/// Kernel symbols that could not be read.
pub(crate) fn kallsyms_error(error: &KallsymsError) -> PyErr {
    SymbolError::new_err(error.to_string())
}

/// A symbol or binary that could not be read.
pub(crate) fn symbol_error(error: &CoreSymbolError) -> PyErr {
    SymbolError::new_err(error.to_string())
}

/// A probe that could not be found or used.
pub(crate) fn usdt_error(error: &CoreUsdtError) -> PyErr {
    USDTException::new_err(error.to_string())
}
