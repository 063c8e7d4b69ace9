//! Names of the functions behind system calls, which carry a prefix of the architecture's.

use super::kallsyms::{Kallsyms, PATH, parse_line};
use std::io::{BufRead, BufReader};
use std::sync::OnceLock;

/// What may stand in front of a system call's name, in the order of trial.
pub const PREFIXES: [&str; 8] = [
    "sys_",
    "__x64_sys_",
    "__x32_compat_sys_",
    "__ia32_compat_sys_",
    "__arm64_sys_",
    "__s390x_sys_",
    "__s390_sys_",
    "__riscv_sys_",
];

/// The prefix of the running kernel; the first of [`PREFIXES`] when it cannot be told.
///
/// Names are readable without privilege, so this works where addresses are hidden.
pub fn prefix() -> &'static str {
    static PREFIX: OnceLock<&'static str> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let Ok(file) = std::fs::File::open(PATH) else { return PREFIXES[0] };
        let mut found = [false; PREFIXES.len()];
        let lines = BufReader::with_capacity(1 << 18, file).split(b'\n');
        for line in lines.map_while(Result::ok) {
            // Cheap look first: there are two hundred thousand lines.
            if !line.ends_with(b"_bpf") {
                continue;
            }
            if let Some(line) = parse_line(&line) {
                mark(&mut found, line.name);
            }
        }
        first(found)
    })
}

/// The prefix that a symbol table shows.
pub fn prefix_of(symbols: &Kallsyms) -> &'static str {
    let known = |prefix: &&str| symbols.named(&format!("{prefix}bpf")).next().is_some();
    PREFIXES.into_iter().find(known).unwrap_or(PREFIXES[0])
}

fn mark(found: &mut [bool; PREFIXES.len()], name: &str) {
    for (seen, prefix) in found.iter_mut().zip(PREFIXES) {
        *seen |= name.strip_prefix(prefix) == Some("bpf");
    }
}

fn first(found: [bool; PREFIXES.len()]) -> &'static str {
    let known = found.into_iter().zip(PREFIXES).find(|(seen, _)| *seen);
    known.map_or(PREFIXES[0], |(_, prefix)| prefix)
}

/// `clone` → `__x64_sys_clone`.
pub fn function_name(syscall: &str) -> String {
    format!("{}{syscall}", prefix())
}

/// A name with any of the prefixes gets the running kernel's; others stay.
pub fn fix_function_name(name: &str) -> String {
    strip(name).map_or_else(|| name.to_owned(), function_name)
}

/// The system call's name behind any of the prefixes.
fn strip(name: &str) -> Option<&str> {
    PREFIXES.into_iter().find_map(|prefix| name.strip_prefix(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_prefix_with_the_symbol_wins() {
        let table = Kallsyms::parse(
            b"ffffffff81000100 t __ia32_compat_sys_bpf\nffffffff81000000 T __x64_sys_bpf\n",
        );
        assert_eq!(prefix_of(&table.unwrap()), "__x64_sys_");
        assert_eq!(prefix_of(&Kallsyms::parse(b"").unwrap()), "sys_");
        let mut found = [false; PREFIXES.len()];
        mark(&mut found, "__se_sys_bpf");
        assert_eq!(first(found), "sys_");
        mark(&mut found, "__arm64_sys_bpf");
        assert_eq!(first(found), "__arm64_sys_");
    }

    #[test]
    fn any_prefix_is_replaced_and_other_names_stay() {
        assert_eq!(strip("__ia32_compat_sys_open"), Some("open"));
        assert_eq!(strip("do_sys_open"), None);
        assert_eq!(fix_function_name("vfs_read"), "vfs_read");
        assert_eq!(fix_function_name("sys_clone"), function_name("clone"));
        assert_eq!(fix_function_name("__s390x_sys_clone"), function_name("clone"));
    }
}
