//! The user's own text and headers: what they mention, and which includes are the kernel's.

use super::args::Options;
use super::mentions::Mentions;
use super::{absolute, tree};
use crate::source::SourceFile;
use bcc_core::compile::{CompileRequest, Inputs};
use bcc_core::regular;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Walks the main text and every header of the user's that it reaches.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    request: &'a CompileRequest,
    options: &'a Options,
    inputs: &'a mut Inputs,
    /// Kernel, `bcc/` and C headers that were included, without `uapi/`.
    pub(super) virtual_headers: HashSet<String>,
    seen: HashSet<PathBuf>,
    /// FIFOs and devices: reading one might take for ever.
    endless: Vec<PathBuf>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(
        request: &'a CompileRequest,
        options: &'a Options,
        inputs: &'a mut Inputs,
    ) -> Self {
        let (virtual_headers, seen) = (HashSet::new(), HashSet::new());
        Self { request, options, inputs, virtual_headers, seen, endless: Vec::new() }
    }

    /// What clang reads instead of what it had better not open.
    pub(super) fn refusals(&self) -> Vec<SourceFile> {
        let refused = |path: &PathBuf| SourceFile {
            path: path.to_string_lossy().into_owned(),
            text: b"#error this is no regular file\n".to_vec(),
        };
        self.endless.iter().map(refused).collect()
    }

    /// Adds all that is reached to `names`.
    pub(super) fn scan(&mut self, names: &mut Mentions) {
        let directory = Path::new(&self.request.file).parent().map(Path::to_owned);
        let request = self.request;
        self.text(&request.text, directory.as_deref(), names);
        for file in &self.options.includes {
            self.operand(&format!("\"{file}\""), Some(&request.cwd), names);
        }
    }

    fn text(&mut self, text: &[u8], directory: Option<&Path>, names: &mut Mentions) {
        let first = names.includes.len();
        names.scan(text);
        let includes = names.includes[first..].to_vec();
        for operand in includes {
            self.operand(&operand, directory, names);
        }
    }

    fn operand(&mut self, operand: &str, directory: Option<&Path>, names: &mut Mentions) {
        let quoted = operand.starts_with('"');
        let name = operand.trim_matches(['"', '<', '>']);
        let own = directory.filter(|_| quoted).into_iter();
        let directories: Vec<PathBuf> = own
            .chain(std::iter::once(self.request.cwd.as_path()))
            .map(Path::to_owned)
            .chain(self.options.directories.iter().map(|d| absolute(&self.request.cwd, d)))
            .collect();
        for directory in directories {
            if directory.starts_with("/virtual") || directory.as_os_str().is_empty() {
                continue;
            }
            let path = directory.join(name);
            if self.seen.contains(&path) {
                return;
            }
            match regular::read(&path) {
                Ok(text) => {
                    self.seen.insert(path.clone());
                    self.inputs.files.push(path.clone());
                    self.text(&text, path.parent(), names);
                    return;
                }
                Err(error) if error.kind() == ErrorKind::InvalidInput && !path.is_dir() => {
                    self.seen.insert(path.clone());
                    self.endless.push(path);
                    return;
                }
                Err(_) => {}
            }
            if !self.inputs.absent.contains(&path) {
                self.inputs.absent.push(path);
            }
        }
        let is_bcc = name.starts_with("bcc/");
        if is_bcc || tree::is_kernel_header(name) {
            self.virtual_headers.insert(name.strip_prefix("uapi/").unwrap_or(name).to_owned());
        }
    }
}

/// The lines at the beginning of the text that include kernel headers, with the plain macros between
/// them, up to the first of any other kind but our own headers, which do nothing to the kernel's.
/// `kernel` are the headers that no directory of the user's has.
pub(super) fn first_includes(request: &CompileRequest, kernel: &HashSet<String>) -> String {
    let text = String::from_utf8_lossy(&request.text);
    let mut out = String::new();
    let mut in_comment = false;
    let own = text.split_inclusive('\n').skip(request.preamble_lines as usize);
    for line in own {
        let Some(code) = without_comments(line, &mut in_comment) else { break };
        let code = code.trim();
        if code.is_empty() {
            continue;
        }
        let Some(directive) = code.strip_prefix('#').map(str::trim_start) else { break };
        let keep = match directive.split_once(|c: char| !c.is_ascii_alphabetic()) {
            Some(("include", _)) => match included(directive) {
                Some(name) if !kernel.contains(name.strip_prefix("uapi/").unwrap_or(name)) => false,
                Some(name) if name.starts_with("bcc/") => continue,
                operand => operand.is_some(),
            },
            // A body that the rewriter may change is not the same there and in the text.
            Some(("define", rest)) => !rest.contains(['.', '(', '\\', '>']),
            _ => false,
        };
        if !keep {
            break;
        }
        out.push_str(code);
        out.push('\n');
    }
    // A last macro before code may be of no use to headers, and would tell apart texts that include alike.
    let end = out.rfind("include").and_then(|at| Some(at + out[at..].find('\n')? + 1));
    out.truncate(end.unwrap_or(0));
    out
}

/// The operand of `include <…>`.
fn included(directive: &str) -> Option<&str> {
    let rest = directive.strip_prefix("include")?.trim_start().strip_prefix('<')?;
    Some(rest.split_once('>')?.0)
}

/// A line of no string; `None` when comments and code alternate in a way that is not worth following.
fn without_comments<'l>(line: &'l str, in_comment: &mut bool) -> Option<&'l str> {
    let mut rest = line;
    if *in_comment {
        let Some((_, after)) = rest.split_once("*/") else { return Some("") };
        (rest, *in_comment) = (after, false);
    }
    let rest = rest.trim_start();
    if let Some(comment) = rest.strip_prefix("/*") {
        return match comment.split_once("*/") {
            Some((_, after)) if after.trim().is_empty() => Some(""),
            Some(_) => None,
            None => {
                *in_comment = true;
                Some("")
            }
        };
    }
    let code = rest.split_once("//").map_or(rest, |(code, _)| code);
    match code.split_once("/*") {
        Some((code, comment)) => match comment.split_once("*/") {
            Some((_, after)) if after.trim().is_empty() => Some(code),
            Some(_) => None,
            None => {
                *in_comment = true;
                Some(code)
            }
        },
        None => Some(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> String {
        let request = CompileRequest { text: text.as_bytes().to_vec(), ..Default::default() };
        let kernel =
            ["linux/fs.h", "linux/sched.h", "net/sock.h", "bcc/proto.h"].map(str::to_owned);
        first_includes(&request, &HashSet::from(kernel))
    }

    #[test]
    fn the_first_includes_end_at_the_first_other_line() {
        assert_eq!(
            first("#include <linux/fs.h>\nint x;\n#include <net/sock.h>\n"),
            "#include <linux/fs.h>\n"
        );
        let commented =
            "/* a\n * b */\n\n# include <uapi/linux/sched.h> // c\n#include <net/sock.h> /* d */\n";
        assert_eq!(first(commented), "# include <uapi/linux/sched.h>\n#include <net/sock.h>\n");
        let ours = "#include <bcc/proto.h>\n#include <linux/fs.h>\n";
        assert_eq!(first(ours), "#include <linux/fs.h>\n");
        assert_eq!(first("#include <bcc/users.h>\n#include <linux/fs.h>\n"), "");
        assert_eq!(first("#include \"own.h\"\n#include <linux/fs.h>\n"), "");
        assert_eq!(first("#ifdef X\n#include <linux/fs.h>\n#endif\n"), "");
        assert_eq!(first("/* a */ int x; /* b */\n#include <linux/fs.h>\n"), "");
    }

    #[test]
    fn plain_macros_between_includes_are_taken_along_and_others_are_not() {
        let text = "#define KBUILD_MODNAME \"x\"\n#include <linux/fs.h>\n#define N 3\nint x;\n";
        assert_eq!(first(text), "#define KBUILD_MODNAME \"x\"\n#include <linux/fs.h>\n");
        assert_eq!(first("#define INC(t) t.increment(1)\n#include <linux/fs.h>\n"), "");
        assert_eq!(first("#define A \\\n 1\n#include <linux/fs.h>\n"), "");
    }
}
