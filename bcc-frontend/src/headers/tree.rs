//! The files of `headers/`, which are part of the compiler, and where clang sees them.

use crate::source::SourceFile;

/// Root of the include path that clang is given.
pub(super) const INCLUDE: &str = "/virtual/include";

/// Paths below `headers/`, sorted, with their bytes.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/headers.rs"));

/// Names of all headers that some kernel has below its include directories, sorted.
static KNOWN: &str = include_str!("../../../headers/known.txt");

/// The files of one directory of `headers/`, with their path inside of it.
pub(super) fn directory(name: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().filter_map(move |(path, bytes)| {
        Some((path.strip_prefix(name)?.strip_prefix('/')?, *bytes))
    })
}

/// The dialect's own headers: their paths as texts include them (`bcc/proto.h`), and their texts.
pub fn own() -> impl Iterator<Item = (String, &'static str)> {
    let text = |(name, bytes)| Some((format!("bcc/{name}"), std::str::from_utf8(bytes).ok()?));
    directory("bcc").filter_map(text)
}

/// What users' programs may include as `<bcc/…>`, and the few headers of the C language itself.
pub(super) fn includable() -> Vec<SourceFile> {
    let bcc = directory("bcc").map(|(name, bytes)| (format!("{INCLUDE}/bcc/{name}"), bytes));
    let language = directory("std").map(|(name, bytes)| (format!("{INCLUDE}/{name}"), bytes));
    bcc.chain(language)
        .map(|(path, text)| SourceFile {
            path,
            text: bcc_core::mutation::header(text).into_owned(),
        })
        .collect()
}

/// Whether some kernel has a header of this name.
pub(super) fn is_kernel_header(name: &str) -> bool {
    let name = name.strip_prefix("uapi/").unwrap_or(name);
    let (mut low, mut high) = (0, KNOWN.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        let start = KNOWN[..middle].rfind('\n').map_or(0, |at| at + 1).max(low);
        let line = KNOWN[start..].lines().next().unwrap_or("");
        match line.cmp(name) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = (start + line.len() + 1).min(high),
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_headers_is_sorted_and_every_name_is_found() {
        let lines: Vec<&str> = KNOWN.lines().collect();
        assert!(lines.is_sorted(), "headers/known.txt is not sorted");
        for line in &lines {
            assert!(is_kernel_header(line), "{line}");
        }
        assert!(is_kernel_header("uapi/linux/ptrace.h"));
        assert!(!is_kernel_header("linux/nothing_of_the_kind.h"));
        assert!(!is_kernel_header(""));
    }
}
