//! What a user installs to have a kernel's real headers, by the distribution's names for its packages.

/// The command for the kernel `release` on the distribution that `os_release` (`/etc/os-release`) tells of.
pub(super) fn command(os_release: &str, release: &str) -> String {
    let of = |key: &str| {
        let value = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.unwrap_or("").trim_matches(['"', '\'']).to_owned()
    };
    let family = format!("{} {}", of("ID"), of("ID_LIKE"));
    let is = |names: &[&str]| family.split(' ').any(|word| names.contains(&word));
    // The last part of a release is the flavour on distributions with several kernels.
    let flavour = |known: &[&'static str]| {
        let last = release.rsplit('-').next().unwrap_or("");
        known.iter().find(|name| **name == last).copied()
    };
    if is(&["debian", "ubuntu"]) {
        return format!("apt-get install linux-headers-{release}");
    }
    if is(&["fedora", "rhel", "centos"]) {
        return format!("dnf install kernel-devel-{release}");
    }
    if is(&["suse", "opensuse"]) {
        let flavour = flavour(&["default", "azure", "rt", "longterm"]).unwrap_or("default");
        return format!("zypper install kernel-{flavour}-devel");
    }
    if is(&["arch"]) {
        return match flavour(&["lts", "zen", "hardened", "rt"]) {
            Some(flavour) => format!("pacman -S linux-{flavour}-headers"),
            None => "pacman -S linux-headers".to_owned(),
        };
    }
    if is(&["alpine"]) {
        let flavour = flavour(&["lts", "virt", "stable"]).unwrap_or("lts");
        return format!("apk add linux-{flavour}-dev");
    }
    format!("the package with the kernel headers of {release}")
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn each_distribution_is_told_by_its_own_package_names() {
        let cases = [
            ("ID=debian\n", "6.12.9-amd64", "apt-get install linux-headers-6.12.9-amd64"),
            (
                "NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                "6.8.0-31-generic",
                "apt-get install linux-headers-6.8.0-31-generic",
            ),
            (
                "ID=ubuntu\nID_LIKE=debian\n",
                "6.8.0-31-generic",
                "apt-get install linux-headers-6.8.0-31-generic",
            ),
            (
                "ID=fedora\n",
                "6.11.4-301.fc41.x86_64",
                "dnf install kernel-devel-6.11.4-301.fc41.x86_64",
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                "5.14.0-427.el9.x86_64",
                "dnf install kernel-devel-5.14.0-427.el9.x86_64",
            ),
            ("ID=arch\n", "6.11.5-arch1-1", "pacman -S linux-headers"),
            ("ID=manjaro\nID_LIKE=arch\n", "6.6.58-1-lts", "pacman -S linux-lts-headers"),
            ("ID=alpine\n", "6.6.58-0-lts", "apk add linux-lts-dev"),
            ("ID=alpine\n", "6.6.58-0-virt", "apk add linux-virt-dev"),
            (
                "ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n",
                "6.11.3-1-default",
                "zypper install kernel-default-devel",
            ),
            ("ID=nixos\n", "6.6.1", "the package with the kernel headers of 6.6.1"),
            ("", "6.6.1", "the package with the kernel headers of 6.6.1"),
        ];
        for (os_release, release, expected) in cases {
            assert_eq!(command(os_release, release), expected, "{os_release}");
        }
    }
}
