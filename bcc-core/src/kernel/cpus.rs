//! CPU lists of sysfs.

use std::io;

/// Where the online CPUs are listed.
pub const ONLINE: &str = "/sys/devices/system/cpu/online";
/// Where the possible CPUs are listed.
pub const POSSIBLE: &str = "/sys/devices/system/cpu/possible";

/// CPUs that run now, ascending.
///
/// # Errors
/// When sysfs cannot be read or holds something else than a CPU list.
pub fn online() -> io::Result<Vec<u32>> {
    read(ONLINE)
}

/// CPUs that may ever run, ascending; per-CPU maps have a value for each.
///
/// # Errors
/// As [`online`].
pub fn possible() -> io::Result<Vec<u32>> {
    read(POSSIBLE)
}

fn read(path: &str) -> io::Result<Vec<u32>> {
    let text = std::fs::read_to_string(path)?;
    parse(&text).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("{path}: not a CPU list: {text:?}"))
    })
}

/// `0-2,4` → 0, 1, 2, 4; `None` when it is not a list of at least one CPU.
pub fn parse(text: &str) -> Option<Vec<u32>> {
    /// More than any kernel can be built for.
    const MOST: u32 = 1 << 16;
    let mut cpus = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last >= MOST {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_are_read() {
        assert_eq!(parse("0\n"), Some(vec![0]));
        assert_eq!(parse("0-2,4,8-9\n"), Some(vec![0, 1, 2, 4, 8, 9]));
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "\n", "a", "3-1", "0-", "-1", "0,,2", "0-4000000000"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn this_machine_runs_some_of_its_possible_cpus() {
        let (online, possible) = (online().unwrap(), possible().unwrap());
        assert!(!online.is_empty());
        assert!(online.iter().all(|cpu| possible.contains(cpu)));
    }
}
