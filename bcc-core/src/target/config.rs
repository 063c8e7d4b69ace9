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

    /// `(major, minor, sublevel)` of the kernel that it was made for, from its heading.
    pub fn version(&self) -> Option<(u32, u32, u32)> {
        let heading = self.0.lines().take(4).find(|l| l.ends_with(" Kernel Configuration"))?;
        let version = heading.split(' ').find(|w| w.starts_with(|c: char| c.is_ascii_digit()))?;
        let mut numbers = version.split(['.', '-']).map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??, numbers.next().flatten().unwrap_or(0)))
    }

    /// Whether anything is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The beginning of a configuration, enough for [`Config::version`].
pub(super) fn heading(path: &Path) -> Option<Config> {
    let (mut first, mut text) = ([0; 512], Vec::new());
    let mut file = std::fs::File::open(path).ok()?;
    let read = file.read(&mut first).ok()?;
    if first.starts_with(&[0x1f, 0x8b]) {
        let file = std::fs::File::open(path).ok()?;
        flate2::read::GzDecoder::new(file).take(512).read_to_end(&mut text).ok()?;
    } else {
        text.extend_from_slice(&first[..read]);
    }
    Some(Config(String::from_utf8_lossy(&text).into_owned()))
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
    fn the_heading_says_the_version() {
        let config = |text: &str| Config(text.to_owned());
        let debian = "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.1.192 Kernel Configuration\n#\n";
        assert_eq!(config(debian).version(), Some((6, 1, 192)));
        assert_eq!(
            config("# Linux/x86 7.3.0-rc1 Kernel Configuration\n").version(),
            Some((7, 3, 0))
        );
        assert_eq!(config("CONFIG_X=y\n").version(), None);

        let directory = tempfile::tempdir().expect("a directory");
        let packed = directory.path().join("config.gz");
        let file = std::fs::File::create(&packed).expect("created");
        let mut writer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        std::io::Write::write_all(&mut writer, debian.as_bytes()).expect("written");
        writer.finish().expect("finished");
        assert_eq!(heading(&packed).and_then(|c| c.version()), Some((6, 1, 192)));
    }

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
