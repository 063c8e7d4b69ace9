//! Addresses to names and names to addresses, of the kernel and of processes.
//!
//! [`elf`] reads files piece by piece, [`table`] holds a file's functions, `debug` finds the file
//! with the fuller symbol table, [`library`] finds files by short names, [`place`] turns names into
//! file offsets for uprobes (for IFUNCs through `indirect`), [`process`] turns addresses of a process into names. The kernel's own
//! symbols are [`crate::kernel::kallsyms`].
//!
//! # Why not blazesym
//! Measured with `tests/bench/symbols` against blazesym 0.2.7 without DWARF, one byte into functions that
//! `/proc/kallsyms` or `nm -D` names, in an order caches do not help, on a busy machine of two
//! processors (processor time; first call with opening, rates of later passes in addresses per second):
//!
//! | addresses | first call | one by one | in one call | memory | right |
//! |---|---|---|---|---|---|
//! | 10,000 of the kernel, ours | 69 ms (46 the kernel's own) | 9.3 M/s | 9.8 M/s | 7.0 MiB | all |
//! | … blazesym | 74 ms | 0.18 M/s | 0.93 M/s | 4.3 MiB | all |
//! | 2,200 of libc, ours | 4.9 ms | 7.6 M/s | 7.7 M/s | 1.6 MiB | all but 9 |
//! | … blazesym | 0.3 ms | 0.02 M/s | 0.20 M/s | 1.0 MiB | all but 9 |
//! | 1,472 of libpython, ours | 1.5 ms | 8.7 M/s | 8.8 M/s | 0.6 MiB | all but 3 |
//! | … blazesym | 0.3 ms | 0.02 M/s | 0.21 M/s | 0.8 MiB | all but 3 |
//! | 10,000 of libLLVM, ours | 35 ms | 4.6 M/s | 4.7 M/s | 12.4 MiB | 9,882 |
//! | … blazesym | 2.6 ms | 0.01 M/s | 0.18 M/s | 4.8 MiB | 9,879 |
//!
//! The ones without a right name are functions of one byte (`ret`), where the address asked for lies
//! behind the function. Ours is kept: naming a stack costs least of all there, and it follows libraries
//! that are loaded later, replaced files and perf maps in other namespaces. The price is the first call
//! per file, since all names are sorted then. The kernel's list is kept for the other processes of a
//! boot, whose first call takes 7 ms.
//!
//! Above it, `tests/bench/stacks.py` names 10,000 different user stacks of 30 frames out of a stack
//! table in Python: 90 ms of processor time to read them, 190 ms with `walk` and `BPF.sym`, 280 ms as
//! folded lines, the same in the first pass as later.
//!
//! # DWARF in parts
//! Split DWARF is read from `.dwo` files, where the compiler put them or beside the binary, and from a
//! `.dwp` beside it; where a part is missing or of another build, there are lines without functions.

pub mod build_id;
mod compressed;
mod debug;
pub mod demangle;
pub mod elf;
mod indirect;
pub mod library;
pub mod perf_map;
pub mod place;
pub mod process;
pub(crate) mod search;
mod source;
pub mod table;
mod vector;
pub mod zip;

#[cfg(test)]
mod fuzz;

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
    /// The linker chooses between several functions of that name, and none of them is known.
    #[error(
        "symbol {symbol} in {} is chosen when a program is linked (IFUNC), and no running process \
         shows a choice in that file",
        .path.display()
    )]
    Unchosen {
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
