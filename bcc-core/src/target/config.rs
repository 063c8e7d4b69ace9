//! The kernel's configuration.

use super::Target;
use std::io::Read;
use std::path::Path;

/// Lines `CONFIG_X=value`; empty when the Target has no configuration.
#[derive(Debug, Clone, Default)]
pub struct Config(String);

impl Target {
    /// Reads the whole configuration; an unreadable one is an empty one.
    pub fn config(&self) -> Config {
        Config(self.config.as_deref().and_then(read).unwrap_or_default())
    }
}

impl Config {
    /// The value of `CONFIG_X`: `y`, `m`, a number, or a string in quotes. `None` when it is not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.match_indices(name).find_map(|(at, _)| {
            let starts_line = at == 0 || self.0.as_bytes()[at - 1] == b'\n';
            let rest = self.0[at + name.len()..].strip_prefix('=')?;
            starts_line.then(|| rest.lines().next().unwrap_or("").trim_end())
        })
    }

    /// Whether anything is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn read(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return String::from_utf8(bytes).ok();
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_whole_name_at_the_start_of_a_line() {
        let text = "CONFIG_BPF=y\n# CONFIG_NET is not set\nCONFIG_HZ=250\nCONFIG_BPF_JIT=m\n";
        let config = Config(text.to_owned());
        assert_eq!(config.get("CONFIG_BPF"), Some("y"));
        assert_eq!(config.get("CONFIG_HZ"), Some("250"));
        assert_eq!(config.get("CONFIG_BPF_JIT"), Some("m"));
        assert_eq!(config.get("CONFIG_NET"), None);
        assert_eq!(config.get("BPF"), None);
    }
}
