//! Code that a process compiled itself.

use crate::regular;
use crate::symbol::perf_map;
use crate::symbol::table::SymbolTable;
use std::os::unix::fs::MetadataExt;

/// What a runtime wrote of the code it made.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) path: String,
    /// Length and time of change when it was read.
    state: (u64, i64, i64),
    pub(super) functions: SymbolTable,
}

impl Compiled {
    /// The map of process `pid`; `None` when there is none, or it is as `known` has it.
    pub(super) fn read(pid: i32, known: Option<&Self>) -> Option<Self> {
        for path in perf_map::paths(pid) {
            let Ok(meta) = std::fs::metadata(&path) else { continue };
            let state = (meta.len(), meta.mtime(), meta.mtime_nsec());
            let name = path.to_string_lossy().into_owned();
            if known.is_some_and(|known| known.state == state && known.path == name) {
                return None;
            }
            if let Ok(text) = regular::read(&path) {
                return Some(Self { path: name, state, functions: perf_map::parse(&text) });
            }
        }
        None
    }
}
