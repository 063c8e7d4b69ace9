//! Macros among the compiler's arguments (`-D NAME=VALUE`), which are text of the user's like any other.

use crate::parse::macros::LexedFile;
use crate::source::SourceFile;

/// Begins the path of a definition that is an argument; clang names no file so.
const PATH: &str = "<-D ";

/// The definitions in `args` that may hold something to rewrite, each as a file of one line.
pub(super) fn definitions(args: &[String]) -> Vec<LexedFile> {
    let mut files = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        let joined = arg.strip_prefix("-D").filter(|rest| !rest.is_empty());
        let separate = index.checked_sub(1).filter(|before| args[*before] == "-D").map(|_| arg);
        let Some(definition) = joined.or(separate.map(String::as_str)) else { continue };
        let Some((name, value)) = definition.split_once('=') else { continue };
        if (value.contains('.') || value.contains("->")) && !definition.contains(['\n', '\r']) {
            let text = format!("#define {name} {value}\n");
            files.push(LexedFile::new(format!("{PATH}{index} {}", name.len()), text.into_bytes()));
        }
    }
    files
}

/// Puts a changed definition back among the arguments; false when `file` is none.
pub(super) fn put_back(file: &SourceFile, args: &mut [String]) -> bool {
    let Some(place) = file.path.strip_prefix(PATH) else { return false };
    let mut numbers = place.split(' ').filter_map(|word| word.parse::<usize>().ok());
    let text = String::from_utf8_lossy(&file.text);
    let (Some(index), Some(name)) = (numbers.next(), numbers.next()) else { return true };
    let definition = text.strip_prefix("#define ").and_then(|text| text.strip_suffix('\n'));
    if let (Some(arg), Some(definition)) = (args.get_mut(index), definition)
        && let Some((name, value)) = definition.split_at_checked(name)
    {
        let dash = if arg.starts_with("-D") { "-D" } else { "" };
        *arg = format!("{dash}{name}={}", value.strip_prefix(' ').unwrap_or(value));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_come_back_as_they_were() {
        let args = ["-DX=h.f(1)", "-O2", "-D", "M(a)=a->f", "-DY", "-DZ=1"].map(str::to_owned);
        let files = definitions(&args);
        let texts: Vec<_> = files.iter().map(|f| String::from_utf8_lossy(&f.text)).collect();
        assert_eq!(texts, ["#define X h.f(1)\n", "#define M(a) a->f\n"]);
        let mut again = args.clone();
        for file in files {
            assert!(put_back(&SourceFile { path: file.path, text: file.text }, &mut again));
        }
        assert_eq!(again, args);
    }
}
