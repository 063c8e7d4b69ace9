//! What clang is given, before and after the rewriting.

use super::flags;
use crate::source::{ClangInput, SourceFile};
use bcc_core::compile::CompileRequest;

/// Where the generated USDT readers are, so that the user's text starts at its own line 1.
const READERS: &str = "/virtual/include/bcc/usdt_readers.h";

/// Adds facts of the Target, and moves generated readers from the main text to a file in front.
pub(super) fn prepare(request: &CompileRequest, mut input: ClangInput) -> ClangInput {
    let target = &request.target;
    // In front of the user's cflags, which may say something else.
    let mut args = vec![format!("-DBCC_NUM_CPUS={}", target.online_cpus.max(1))];
    if target.page_size > 0 {
        args.push(format!("-DBCC_PAGE_SIZE={}", target.page_size));
    }
    args.append(&mut input.args);
    input.args = args;
    let main = input.main.clone();
    if request.preamble_lines > 0
        && let Some(file) = input.files.iter_mut().find(|file| file.path == main)
    {
        let own = after_lines(&file.text, request.preamble_lines);
        let text = file.text.split_off(own);
        let readers = std::mem::replace(&mut file.text, text);
        input.files.push(SourceFile { path: READERS.to_owned(), text: readers });
        input.args.extend(["-include".to_owned(), READERS.to_owned()]);
    }
    input
}

/// Offset of the text after the first `lines` lines.
fn after_lines(text: &[u8], lines: u32) -> usize {
    let ends = text.iter().enumerate().filter(|(_, c)| **c == b'\n');
    let mut ends = ends.map(|(i, _)| i + 1);
    ends.nth(lines as usize - 1).unwrap_or(text.len())
}

/// Puts the changed texts in place and the license behind the main one.
pub(super) fn finish(
    mut input: ClangInput,
    changed: Vec<SourceFile>,
    arguments: Vec<String>,
    has_license: bool,
) -> ClangInput {
    for file in changed {
        if flags::put_back(&file, &mut input.args) {
            continue;
        }
        match input.files.iter_mut().find(|old| old.path == file.path) {
            Some(old) => old.text = file.text,
            None => input.files.push(file),
        }
    }
    input.args.extend(arguments);
    if has_license {
        input.args.push("-DBCC_HAS_LICENSE".to_owned());
    }
    let main = input.main.clone();
    if let Some(file) = input.files.iter_mut().find(|file| file.path == main) {
        // The empty line ends a line comment whose last byte is a backslash.
        file.text.extend_from_slice(b"\n\n#include <bcc/footer.h>\n");
    }
    input
}

#[cfg(test)]
mod tests {
    use super::after_lines;

    #[test]
    fn readers_end_where_the_users_text_begins() {
        assert_eq!(after_lines(b"a\nb\nint x;\n", 2), 4);
        assert_eq!(after_lines(b"a\n", 5), 2);
        assert_eq!(after_lines(b"", 1), 0);
    }
}
