//! Versions, architectures, CPUs and pages.

use std::path::Path;

/// `KERNEL_VERSION` of a release string, the last number capped at 255 as the kernel's own
/// `LINUX_VERSION_CODE` is.
pub fn version_code(release: &str) -> u32 {
    let mut numbers = release.split(['.', '-', '+', '_', '~']).map(|part| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        part[..digits].parse::<u32>().unwrap_or(0)
    });
    let mut next = || numbers.next().unwrap_or(0).min(255);
    let (major, minor) = (next(), next());
    // Debian's release strings name no sublevel: `6.1.0-56-amd64` and `6.12.117+deb13` both parse,
    // `7.3-rc1` has none.
    let sublevel = if release.split(['-', '+']).next().unwrap_or("").matches('.').count() >= 2 {
        next()
    } else {
        0
    };
    (major << 16) | (minor << 8) | sublevel
}

/// The name of an architecture in `arch/` of the kernel, from a machine name of `uname -m`.
pub fn bpf_arch(machine: &str) -> &str {
    match machine {
        "x86_64" | "i386" | "i486" | "i586" | "i686" | "x86" => "x86",
        "aarch64" | "aarch64_be" | "arm64" => "arm64",
        m if m.starts_with("arm") => "arm",
        m if m.starts_with("s390") => "s390",
        m if m.starts_with("ppc") || m.starts_with("powerpc") => "powerpc",
        m if m.starts_with("mips") => "mips",
        m if m.starts_with("riscv") => "riscv",
        m if m.starts_with("loongarch") => "loongarch",
        m if m.starts_with("sh") => "sh",
        m if m.starts_with("parisc") => "parisc",
        other => other,
    }
}

/// `uname -r` and `uname -m`.
pub(super) fn uname() -> (String, String) {
    match nix::sys::utsname::uname() {
        Ok(name) => (
            name.release().to_string_lossy().into_owned(),
            name.machine().to_string_lossy().into_owned(),
        ),
        Err(_) => (String::new(), std::env::consts::ARCH.to_owned()),
    }
}

/// The number of CPUs in one of the kernel's lists (`0-3,8`); 1 when it cannot be read.
pub(super) fn cpus(list: &str) -> u32 {
    std::fs::read_to_string(Path::new("/sys/devices/system/cpu").join(list))
        .ok()
        .and_then(|text| count(text.trim()))
        .unwrap_or(1)
}

fn count(list: &str) -> Option<u32> {
    let mut total = 0u32;
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        total = total.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(total)
}

/// Bytes per page.
pub(super) fn page_size() -> u32 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
        .ok()
        .flatten()
        .and_then(|size| u32::try_from(size).ok())
        .unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_codes_of_release_strings() {
        let code = |a: u32, b: u32, c: u32| (a << 16) | (b << 8) | c;
        assert_eq!(version_code("6.18.44-fc-v657"), code(6, 18, 44));
        assert_eq!(version_code("5.10.0-46-amd64"), code(5, 10, 0));
        assert_eq!(version_code("4.9.337"), code(4, 9, 255));
        assert_eq!(version_code("7.3-rc1"), code(7, 3, 0));
        assert_eq!(version_code("6.12.117+deb13-amd64"), code(6, 12, 117));
        assert_eq!(version_code(""), 0);
    }

    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(count("0-3,8"), Some(5));
        assert_eq!(count("0"), Some(1));
        assert_eq!(count("3-1"), None);
        assert_eq!(count(""), None);
    }
}
