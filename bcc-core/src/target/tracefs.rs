//! Event formats, from tracefs or a copy.

use super::Target;
use std::path::PathBuf;

/// Where tracefs is mounted, the place that upstream prefers first.
pub fn find() -> Option<PathBuf> {
    let mounts = ["/sys/kernel/debug/tracing", "/sys/kernel/tracing"].map(PathBuf::from);
    mounts.into_iter().find(|mount| mount.join("events").is_dir())
}

impl Target {
    /// The text of `events/CATEGORY/EVENT/format`.
    pub fn tracepoint_format(&self, category: &str, event: &str) -> Option<String> {
        let plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains('/');
        if !plain(category) || !plain(event) {
            return None;
        }
        let events = self.tracefs.as_ref()?.join("events");
        std::fs::read_to_string(events.join(category).join(event).join("format")).ok()
    }
}
