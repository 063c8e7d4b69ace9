//! Statically defined probes of user programs: notes, arguments, semaphores.
//!
//! [`notes`] reads a file's probes, [`operand`] where their arguments are, [`context`] chooses what
//! to attach to, [`reader`] writes the C functions that fetch arguments.

pub mod context;
pub mod notes;
pub mod operand;
pub mod reader;
pub mod semaphore;

pub use context::{Attachment, Usdt, with_semaphore};
pub use notes::{Location, Probe};
pub use operand::{Argument, Operand};
pub use reader::generate;

use crate::symbol::SymbolError;

/// Why probes could not be found or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsdtError {
    /// A file or process could not be read.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// There is no such process, or it may not be looked at.
    #[error("cannot look at process {pid}")]
    Process {
        /// Process id.
        pid: i32,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// With a process, the path must be absolute.
    #[error("path {0} must be absolute when a process is given")]
    RelativePath(String),
    /// No file of that name.
    #[error("could not find executable or library {0}")]
    NoFile(String),
    /// No probe of that name.
    #[error("no probe {0}")]
    NoProbe(String),
    /// Several providers have a probe of that name.
    #[error("probe {name} exists in providers {}; write provider:name", .providers.join(", "))]
    Ambiguous {
        /// Probe name.
        name: String,
        /// Providers that have it.
        providers: Vec<String>,
    },
    /// The probe has no such argument.
    #[error("probe {probe} has no argument {index}")]
    NoArgument {
        /// Probe name.
        probe: String,
        /// Counted from 1.
        index: usize,
    },
    /// A probe inlined at several places of a relocatable file cannot be told apart without the
    /// process.
    #[error(
        "can't generate USDT probe arguments of {0}; possible cause is missing pid when a probe in \
         a shared object has multiple locations"
    )]
    NeedsPid(String),
    /// The kernel is too old to count semaphores, and no process was named to write it into.
    #[error(
        "probe {0} has a semaphore, which this kernel can only raise in a process given by its id"
    )]
    Semaphore(String),
    /// The machine type of a file is none the readers know registers of.
    #[error("no argument readers for machine type {0}")]
    Machine(u16),
}
