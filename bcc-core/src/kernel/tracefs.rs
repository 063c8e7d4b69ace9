//! tracefs: its root, and what it tells of events.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where tracefs is: below debugfs when that is mounted, as upstream, else by itself.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<&'static Path> = OnceLock::new();
    ROOT.get_or_init(|| {
        let below_debugfs = Path::new("/sys/kernel/debug/tracing");
        if below_debugfs.join("events").is_dir() {
            below_debugfs
        } else {
            Path::new("/sys/kernel/tracing")
        }
    })
}

/// Directory of an event.
pub fn event_dir(category: &str, name: &str) -> PathBuf {
    root().join("events").join(category).join(name)
}

/// Whether names could be those of an event: no way out of the events directory.
fn is_event_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains('/') && !name.contains('\0')
}

/// Whether the kernel has a tracepoint of that name.
pub fn exists(category: &str, name: &str) -> bool {
    is_event_name(category) && is_event_name(name) && event_dir(category, name).is_dir()
}

/// The number by which `perf_event_open` knows the tracepoint.
///
/// # Errors
/// `NotFound` without such a tracepoint, `PermissionDenied` without privilege.
pub fn event_id(category: &str, name: &str) -> io::Result<u64> {
    if !is_event_name(category) || !is_event_name(name) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let text = std::fs::read_to_string(event_dir(category, name).join("id"))?;
    text.trim().parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The tracepoint's `format` file.
///
/// # Errors
/// As [`event_id`].
pub fn format(category: &str, name: &str) -> io::Result<String> {
    if !is_event_name(category) || !is_event_name(name) {
        return Err(io::ErrorKind::NotFound.into());
    }
    std::fs::read_to_string(event_dir(category, name).join("format"))
}

/// Every `category:name`, sorted.
///
/// # Errors
/// When tracefs is not mounted or may not be read.
pub fn events() -> io::Result<Vec<String>> {
    let mut events = Vec::new();
    for category in std::fs::read_dir(root().join("events"))? {
        let category = category?;
        if !category.file_type()?.is_dir() {
            continue;
        }
        let category_name = category.file_name().to_string_lossy().into_owned();
        let Ok(names) = std::fs::read_dir(category.path()) else { continue };
        for name in names.flatten() {
            if name.file_type().is_ok_and(|kind| kind.is_dir()) {
                events.push(format!("{category_name}:{}", name.file_name().to_string_lossy()));
            }
        }
    }
    events.sort_unstable();
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_directory_do_not_exist() {
        assert!(!exists("..", "events"));
        assert!(!exists("sched", "../sched/sched_switch"));
        assert!(!exists("", ""));
        assert_eq!(event_id("sched", "..").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn known_tracepoint_has_id_and_format_and_is_listed() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        assert!(exists("sched", "sched_switch"));
        assert!(event_id("sched", "sched_switch").unwrap() > 0);
        assert!(format("sched", "sched_switch").unwrap().contains("name: sched_switch"));
        let events = events().unwrap();
        assert!(events.binary_search(&"sched:sched_switch".to_owned()).is_ok());
    }
}
