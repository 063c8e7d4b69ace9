//! Which kernel functions can have a kprobe.

use super::kallsyms::{PATH, parse_line};
use super::tracefs;
use regex::Regex;
use std::collections::BTreeSet;
use std::io;
use std::sync::{Mutex, PoisonError};

/// Functions that can be probed while these modules are loaded.
#[derive(Debug, Default)]
struct Known {
    /// A name a line, as the kernel lists them.
    modules: String,
    functions: BTreeSet<String>,
}

/// Kernel functions whose whole name matches `pattern` and that can be probed.
///
/// A list that the kernel lacks or forbids to read forbids nothing. None can be probed on a kernel
/// without kprobes. The lists are long: they are read again only when other modules are loaded.
///
/// # Errors
/// When a list is there and cannot be read.
pub fn kprobe_functions(pattern: &Regex) -> io::Result<BTreeSet<String>> {
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    if !kernel_has_kprobes() {
        return Ok(BTreeSet::new());
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let modules = loaded_modules();
    let current = match known.take().filter(|known| known.modules == modules) {
        Some(current) => current,
        None => Known { modules, functions: all_functions()? },
    };
    Ok(matching(&known.insert(current).functions, pattern))
}

fn matching(functions: &BTreeSet<String>, pattern: &Regex) -> BTreeSet<String> {
    functions.iter().filter(|name| is_whole_match(pattern, name)).cloned().collect()
}

/// The first word of each line: the others count users.
fn loaded_modules() -> String {
    let text = std::fs::read_to_string("/proc/modules").unwrap_or_default();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    names.join("\n")
}

/// Every function that can be probed.
fn all_functions() -> io::Result<BTreeSet<String>> {
    let forbidden = optional(debugfs("kprobes/blacklist"))?;
    let traceable = optional(tracefs::root().join("available_filter_functions"))?;
    let symbols = std::fs::read(PATH)?;
    let forbidden = forbidden.as_deref().map(blacklist).unwrap_or_default();
    let traceable = traceable.as_deref().map(filter_functions);
    Ok(choose(&symbols, &forbidden, traceable.as_ref()))
}

fn kernel_has_kprobes() -> bool {
    std::path::Path::new("/sys/bus/event_source/devices/kprobe").exists()
        || tracefs::root().join("kprobe_events").exists()
}

fn debugfs(name: &str) -> std::path::PathBuf {
    std::path::Path::new("/sys/kernel/debug").join(name)
}

/// `None` for what is absent or forbidden.
fn optional(path: std::path::PathBuf) -> io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A range of addresses, a tab, a name per line.
fn blacklist(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.split_whitespace().nth(1)).collect()
}

/// `name [module]` per line.
fn filter_functions(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

/// Names that are never offered, as they are no functions or must not be probed.
fn is_excluded(name: &str) -> bool {
    const PREFIXES: [&str; 4] = ["_kbl_addr_", "__perf", "perf_", "__SCT__"];
    PREFIXES.into_iter().any(|prefix| name.starts_with(prefix)) || name.contains(".cold")
}

/// Sections whose code is gone after boot, or runs where a probe must not.
#[derive(Debug, Default)]
struct Sections {
    in_init: u8,
    in_irq: u8,
}

impl Sections {
    /// Whether the symbol lies inside one of the sections; the marks themselves do.
    fn covers(&mut self, name: &str) -> bool {
        match (self.in_init, name) {
            (0, "__init_begin") => self.in_init = 1,
            (1, "__init_end") => self.in_init = 2,
            _ => {}
        }
        match (self.in_irq, name) {
            (0, "__irqentry_text_start") => self.in_irq = 1,
            (1, "__irqentry_text_end") => self.in_irq = 2,
            _ => {}
        }
        let mark = matches!(
            name,
            "__init_begin" | "__init_end" | "__irqentry_text_start" | "__irqentry_text_end"
        );
        mark || self.in_init == 1 || self.in_irq == 1
    }
}

fn choose(
    symbols: &[u8],
    forbidden: &BTreeSet<&str>,
    traceable: Option<&BTreeSet<&str>>,
) -> BTreeSet<String> {
    let mut sections = Sections::default();
    let mut chosen = BTreeSet::new();
    for line in symbols.split(|&byte| byte == b'\n') {
        let Some(line) = parse_line(line) else { continue };
        let covered = line.module.is_empty() && sections.covers(line.name);
        if covered
            || !matches!(line.kind.to_ascii_lowercase(), b't' | b'w')
            || is_excluded(line.name)
            || forbidden.contains(line.name)
            || traceable.is_some_and(|names| !names.contains(line.name))
        {
            continue;
        }
        chosen.insert(line.name.to_owned());
    }
    chosen
}

/// Whether `pattern` matches all of `name`, as Python's `fullmatch`; [`whole`] makes such patterns.
fn is_whole_match(pattern: &Regex, name: &str) -> bool {
    pattern.find(name).is_some_and(|found| found.range() == (0..name.len()))
}

/// Compiles `pattern` so that it can match only a whole name.
///
/// # Errors
/// When it is no regular expression.
pub fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?:{pattern})$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS: &[u8] = b"ffffffff81000000 T _text\n\
        ffffffff81000100 T vfs_read\n\
        ffffffff81000200 t vfs_read_helper.cold\n\
        ffffffff81000300 W vfs_weak\n\
        ffffffff81000400 T perf_vfs_event\n\
        ffffffff81000500 D vfs_data\n\
        ffffffff81000600 T __irqentry_text_start\n\
        ffffffff81000610 T vfs_irq\n\
        ffffffff81000620 T __irqentry_text_end\n\
        ffffffff82000000 D __init_begin\n\
        ffffffff82000010 t vfs_init\n\
        ffffffff82000020 R __init_end\n\
        ffffffff82000030 t vfs_after\n\
        ffffffffc0000000 t vfs_module\t[mod]\n";

    fn chosen(pattern: &str, forbidden: &[&str], traceable: Option<&[&str]>) -> Vec<String> {
        let traceable = traceable.map(|names| names.iter().copied().collect());
        let forbidden = forbidden.iter().copied().collect();
        let functions = choose(SYMBOLS, &forbidden, traceable.as_ref());
        matching(&functions, &whole(pattern).unwrap()).into_iter().collect()
    }

    #[test]
    fn only_functions_outside_of_init_and_interrupt_entry_match() {
        let all = ["vfs_after", "vfs_module", "vfs_read", "vfs_weak"];
        assert_eq!(chosen(".*vfs_.*", &[], None), all);
        assert_eq!(chosen("vfs_read", &[], None), ["vfs_read"]);
        assert!(chosen("vfs_rea", &[], None).is_empty());
        assert_eq!(chosen("vfs|vfs_weak", &[], None), ["vfs_weak"]);
    }

    #[test]
    fn lists_of_the_kernel_narrow_the_choice() {
        assert_eq!(chosen("vfs_.*", &["vfs_read"], Some(&["vfs_read", "vfs_weak"])), ["vfs_weak"]);
        assert_eq!(blacklist("0xffff-0xfffff\tnot_me\nbad\n").len(), 1);
        assert!(filter_functions("vfs_read\next4_x [ext4]\n").contains("ext4_x"));
    }

    #[test]
    fn running_kernel_offers_its_file_reading_functions_if_it_has_kprobes() {
        let found = kprobe_functions(&whole("vfs_re.*").unwrap()).unwrap();
        assert_eq!(found.contains("vfs_read"), kernel_has_kprobes(), "{found:?}");
        assert!(found.iter().all(|name| name.starts_with("vfs_re")));
    }
}
