//! The user's arguments to clang that no text is compiled with.

use crate::clang::Index;
use crate::headers;
use crate::source::{ClangInput, SourceFile};
use bcc_core::spec::{Diagnostic, Severity, Stage};

/// They make clang write files beside the module, or do something else than compile. Those that end
/// in `*` stand for all that begin so.
const REFUSED: &[&str] = &[
    "--dependencies",
    "--help*",
    "--save-temps*",
    "--serialize-diagnostics",
    "--user-dependencies",
    "--version",
    "--write-dependencies",
    "--write-user-dependencies",
    "-###",
    "-M",
    "-MD",
    "-MF*",
    "-MJ*",
    "-MM",
    "-MMD",
    "-Wp,*",
    "-dependency-dot",
    "-dependency-file",
    "-diagnostic-log-file",
    "-foptimization-record-file*",
    "-fsave-optimization-record*",
    "-gen-cdb-fragment-path*",
    "-header-include-file",
    "-help",
    "-opt-record-file",
    "-save-temps*",
    "-serialize-diagnostic-file",
    "-serialize-diagnostics",
    "-stats-file*",
];

/// The value of these is the argument after them, which must not be one of ours.
const WITH_VALUE: &[&str] = &[
    "-D",
    "-I",
    "-U",
    "-Xclang",
    "-idirafter",
    "-imacros",
    "-include",
    "-iquote",
    "-isystem",
    "-mllvm",
    "-x",
];

fn error(argument: &str, what: &str) -> Vec<Diagnostic> {
    vec![Diagnostic::new(Severity::Error, Stage::Parse, format!("argument {argument:?} {what}"))]
}

/// Refuses what would be written to disk or mistaken for an answer, and an option without its value.
///
/// # Errors
/// A message that names the argument.
pub(crate) fn check(cflags: &[String]) -> Result<(), Vec<Diagnostic>> {
    let is_refused = |flag: &&String| {
        REFUSED.iter().any(|refused| match refused.strip_suffix('*') {
            Some(prefix) => flag.starts_with(prefix),
            None => flag == refused,
        })
    };
    if let Some(flag) = cflags.iter().find(is_refused) {
        return Err(error(flag, "has no place here: a text is compiled in memory, and only that"));
    }
    match cflags.last() {
        Some(last) if WITH_VALUE.contains(&last.as_str()) => Err(error(last, "lacks its value")),
        _ => Ok(()),
    }
}

/// Which of the arguments clang does not take, when it does not even begin to read a text with them.
pub(crate) fn culprit<'f>(index: &Index, cflags: &'f [String]) -> Option<&'f str> {
    let fixed = headers::fixed_arguments();
    let main = "/virtual/empty.c".to_owned();
    let files = vec![SourceFile { path: main.clone(), text: Vec::new() }];
    let accepted = |count: &usize| {
        let args = [&fixed[..], &cflags[..*count]].concat();
        index.parse(&ClangInput { main: main.clone(), files: files.clone(), args }).is_ok()
    };
    // From the end: an option without its value is refused, but not the two of them.
    let accepted = (0..cflags.len()).rev().find(accepted)?;
    cflags.get(accepted).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(flags: &[&str]) -> Vec<String> {
        flags.iter().map(|flag| (*flag).to_owned()).collect()
    }

    #[test]
    fn what_writes_files_or_lacks_its_value_is_named() {
        for refused in [
            &["-DX=1", "-MMD"][..],
            &["-Xclang", "-dependency-file", "-Xclang", "x"],
            &["-MFx"],
            &["-save-temps=obj"],
            &["-M"],
            &["--help"],
            &["-O2", "-include"],
        ] {
            let messages = check(&flags(refused)).expect_err("refused");
            let named = refused.iter().any(|flag| messages[0].message.contains(flag));
            assert!(named, "{messages:?}");
        }
        check(&flags(&["-DM", "-MP", "-include", "-x", "c", "-mcpu=v3"])).expect("accepted");
    }

    #[test]
    fn the_argument_that_clang_does_not_take_is_found_among_others() {
        let index = Index::new().expect("index");
        for (culprit_is, all) in [
            ("-junk", &["-DX=1", "-junk", "-I", "/tmp"][..]),
            ("-std=junk", &["-include", "/nope.h", "-std=junk", "-DY"]),
            ("@/nope", &["@/nope"]),
            ("/etc/passwd", &["-O1", "/etc/passwd"]),
        ] {
            let all = flags(all);
            assert_eq!(culprit(&index, &all), Some(culprit_is));
        }
    }
}
