//! Symbols of compiled-at-run-time code: the `perf-PID.map` files that runtimes write.

use super::table::{Rank, SymbolTable, TableBuilder};
use std::path::PathBuf;

/// Where process `pid` may have written its map, the likeliest first: in its own mount namespace
/// under the id it knows itself by, then in ours.
pub fn paths(pid: i32) -> Vec<PathBuf> {
    let inner = inner_pid(pid).unwrap_or(pid);
    vec![
        format!("/proc/{pid}/root/tmp/perf-{inner}.map").into(),
        format!("/tmp/perf-{pid}.map").into(),
    ]
}

/// The id of process `pid` in its innermost pid namespace.
pub fn inner_pid(pid: i32) -> Option<i32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("NStgid:"))?;
    line.split_whitespace().next_back()?.parse().ok()
}

/// Reads a map: `START SIZE name` per line, in hexadecimal; other lines are skipped.
pub fn parse(text: &[u8]) -> SymbolTable {
    let mut builder = TableBuilder::default();
    for line in text.split(|&byte| byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let mut parts = line.splitn(3, ' ');
        let (Some(start), Some(size), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let hex = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
        if let (Some(start), Some(size)) = (hex(start), hex(size)) {
            builder.add(name, start, size, Rank::Public);
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_blanks_are_kept_and_nonsense_is_skipped() {
        let table = parse(b"7f00 10 LazyCompile:~f a.js:1\nnonsense\n\n0x8000 20 g\nzz 10 x\n");
        assert_eq!(table.len(), 2);
        assert_eq!(table.at(0x7f05).unwrap().name, "LazyCompile:~f a.js:1");
        assert_eq!(table.at(0x7f10), None);
        assert_eq!(table.at(0x801f).unwrap().name, "g");
    }

    #[test]
    fn own_map_is_looked_for_in_both_places() {
        let pid = std::process::id().cast_signed();
        assert_eq!(inner_pid(pid), Some(pid));
        assert_eq!(paths(pid)[1], PathBuf::from(format!("/tmp/perf-{pid}.map")));
    }
}
