//! `tests/rewrite/*.c` against `*.expected`: the rewritten text, and that stock clang accepts it.
//!
//! `BCC_BLESS=1` writes the expected files anew.

mod common;

use std::path::{Path, PathBuf};

fn cases(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(directory);
    let entries = std::fs::read_dir(directory).expect("the directory of cases");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = paths.filter(|p| p.extension().is_some_and(|e| e == "c")).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// Compares with the expected file, or writes it; the difference if there is one.
fn compare(case: &Path, got: &str) -> Option<String> {
    let expected = case.with_extension("expected");
    if std::env::var_os("BCC_BLESS").is_some() {
        std::fs::write(&expected, got).expect("a writable expected file");
        return None;
    }
    let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
    (wanted != got).then(|| format!("{}:\n--- wanted\n{wanted}\n--- got\n{got}", case.display()))
}

#[test]
fn rewritten_texts_are_as_expected_and_compile() {
    let mut failures = Vec::new();
    for case in cases("rewrite") {
        let text = std::fs::read(&case).expect("a readable case");
        match common::run(&text, &[]) {
            Ok(rewritten) => {
                failures.extend(compare(&case, &common::main_text(&rewritten)));
                let errors = common::errors_of_clang(&rewritten);
                failures.extend(errors.into_iter().map(|e| format!("{}: {e}", case.display())));
                let lines = |t: &[u8]| t.iter().filter(|c| **c == b'\n').count();
                assert_eq!(lines(&text), lines(common::main_text(&rewritten).as_bytes()));
            }
            Err(messages) => failures.push(format!("{}:\n{}", case.display(), messages.join("\n"))),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn messages_are_as_expected() {
    let mut failures = Vec::new();
    for case in cases("diag") {
        let text = std::fs::read(&case).expect("a readable case");
        let messages = match common::run(&text, &[]) {
            Ok(rewritten) => rewritten.warnings.iter().map(ToString::to_string).collect(),
            Err(messages) => messages,
        };
        failures.extend(compare(&case, &(messages.join("\n") + "\n")));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
