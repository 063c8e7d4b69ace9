//! Lines of `/proc/PID/maps`.

/// A line of `/proc/PID/maps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// First address.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
    /// Whether it holds code.
    pub executable: bool,
    /// Where in the file it starts.
    pub offset: u64,
    /// `major:minor` in hexadecimal.
    pub device: &'a str,
    /// Inode; 0 for none.
    pub inode: u64,
    /// Without the mark of a deleted file; may be empty.
    pub path: &'a str,
}

/// `start-end perms offset device inode path`.
pub fn parse_mapping(line: &str) -> Option<Mapping<'_>> {
    let (range, rest) = line.split_once(' ')?;
    let (permissions, rest) = rest.split_once(' ')?;
    let (offset, rest) = rest.split_once(' ')?;
    let (device, rest) = rest.split_once(' ')?;
    let (inode, path) = rest.split_once(' ').unwrap_or((rest, ""));
    let (start, end) = range.split_once('-')?;
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let path = path.trim_start();
    Some(Mapping {
        start: hex(start)?,
        end: hex(end)?,
        executable: permissions.as_bytes().get(2) == Some(&b'x'),
        offset: hex(offset)?,
        device,
        inode: inode.parse().ok()?,
        path: path.strip_suffix(" (deleted)").unwrap_or(path),
    })
}

/// Whether a mapping's name is that of a file.
pub fn is_file(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//anon")
        && !path.starts_with("/dev/zero")
        && !path.starts_with("/anon_hugepage")
        && !path.starts_with("/SYSV")
        && !path.starts_with("/memfd:")
}
