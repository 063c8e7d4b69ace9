//! Addresses to names and names to addresses, of the kernel and of processes.
//!
//! [`elf`] reads files piece by piece, [`table`] holds a file's functions, [`debug`] finds the file
//! with the fuller symbol table, [`library`] finds files by short names, [`place`] turns names into
//! file offsets for uprobes, [`process`] turns addresses of a process into names. The kernel's own
//! symbols are [`crate::kernel::kallsyms`].

pub mod build_id;
mod compressed;
mod debug;
pub mod demangle;
pub mod elf;
pub mod library;
pub mod perf_map;
pub mod place;
pub mod process;
pub(crate) mod search;
mod source;
pub mod table;
mod zip;

pub use source::SourceFrame;

use std::io;
use std::path::PathBuf;

/// Why a symbol could not be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SymbolError {
    /// A file could not be read.
    #[error("cannot read {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not ELF, or damaged.
    #[error("{} is no usable ELF file: {reason}", .path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No library or executable of that name.
    #[error("could not find library or executable {0}")]
    NoModule(String),
    /// The file has no such symbol.
    #[error("could not determine address of symbol {symbol} in {}", .path.display())]
    NoSymbol {
        /// The symbol asked for.
        symbol: String,
        /// The file.
        path: PathBuf,
    },
    /// No loaded part of the file holds the address.
    #[error("address {address:#x} is in no loaded segment of {}", .path.display())]
    NoSegment {
        /// The virtual address asked for.
        address: u64,
        /// The file.
        path: PathBuf,
    },
    /// A pattern is no regular expression.
    #[error(transparent)]
    Pattern(#[from] regex::Error),
}
