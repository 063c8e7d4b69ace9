//! Snapshots: a kernel's facts in a directory, so that others can compile for it.

use super::{Target, TargetError};
use std::fmt::Write;
use std::path::{Path, PathBuf};

impl Target {
    /// Opens a snapshot.
    ///
    /// # Errors
    /// [`TargetError::Io`] when `directory` has no `facts`.
    pub fn from_dir(directory: &Path) -> Result<Self, TargetError> {
        let facts = directory.join("facts");
        let text = std::fs::read_to_string(&facts).map_err(TargetError::io("read", &facts))?;
        let fact = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or("").to_owned()
        };
        let number = |name: &str, default| fact(name).parse().unwrap_or(default);
        let existing = |name: &str| Some(directory.join(name)).filter(|path| path.exists());
        let modules = Some(PathBuf::from(fact("modules"))).filter(|path| path.is_dir());
        Ok(Self {
            release: fact("release"),
            arch: fact("arch"),
            build_id: unhex(&fact("build_id")),
            vmlinux_btf: existing("vmlinux.btf"),
            module_btf: existing("btf"),
            modules,
            tracefs: existing("events").map(|_| directory.to_owned()),
            config: existing("config"),
            kernel_source: std::env::var_os("BCC_KERNEL_SOURCE").map(PathBuf::from),
            kheaders: existing("kheaders.tar.xz"),
            online_cpus: number("online_cpus", 1),
            possible_cpus: number("possible_cpus", 1),
            page_size: number("page_size", 4096),
            index_cache: crate::compile::cache::directory(),
        })
    }

    /// Writes a snapshot of the running kernel into `directory`.
    ///
    /// # Errors
    /// [`TargetError::Io`] for what could not be written, or read although it is there.
    pub fn capture(directory: &Path) -> Result<Self, TargetError> {
        let live = Self::live();
        create_dir(directory)?;
        if let Some(btf) = &live.vmlinux_btf {
            copy(btf, &directory.join("vmlinux.btf"))?;
        }
        if let Some(from) = &live.module_btf {
            create_dir(&directory.join("btf"))?;
            for module in live.loaded_modules() {
                copy(&from.join(&module), &directory.join("btf").join(&module))?;
            }
        }
        if let Some(tracefs) = &live.tracefs {
            copy_formats(&tracefs.join("events"), &directory.join("events"))?;
        }
        if let Some(config) = &live.config {
            copy(config, &directory.join("config"))?;
        }
        if let Some(archive) = &live.kheaders {
            copy(archive, &directory.join("kheaders.tar.xz"))?;
        }
        live.write_facts(directory)?;
        Self::from_dir(directory)
    }

    pub(super) fn write_facts(&self, directory: &Path) -> Result<(), TargetError> {
        let build_id = self.build_id.iter().fold(String::new(), |mut hex, byte| {
            let _infallible = write!(hex, "{byte:02x}");
            hex
        });
        let mut text = format!(
            "release {}\narch {}\nbuild_id {build_id}\nonline_cpus {}\npossible_cpus {}\npage_size {}\n",
            self.release, self.arch, self.online_cpus, self.possible_cpus, self.page_size,
        );
        if let Some(modules) = &self.modules {
            let _infallible = writeln!(text, "modules {}", modules.display());
        }
        write(&directory.join("facts"), text.as_bytes())
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks_exact(2);
    pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Format files are hard links of size 0: they are copied by reading, and only they.
fn copy_formats(from: &Path, to: &Path) -> Result<(), TargetError> {
    for category in subdirectories(from)? {
        for event in subdirectories(&from.join(&category))? {
            let format = from.join(&category).join(&event).join("format");
            // Events may vanish while they are listed, with their module.
            let Ok(text) = std::fs::read(&format) else { continue };
            let directory = to.join(&category).join(&event);
            create_dir(&directory)?;
            write(&directory.join("format"), &text)?;
        }
    }
    Ok(())
}

fn subdirectories(directory: &Path) -> Result<Vec<std::ffi::OsString>, TargetError> {
    let entries = std::fs::read_dir(directory).map_err(TargetError::io("list", directory))?;
    let directories = entries.flatten().filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(directories.map(|entry| entry.file_name()).collect())
}

pub(super) fn create_dir(path: &Path) -> Result<(), TargetError> {
    std::fs::create_dir_all(path).map_err(TargetError::io("create", path))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), TargetError> {
    std::fs::write(path, bytes).map_err(TargetError::io("write", path))
}

pub(super) fn copy(from: &Path, to: &Path) -> Result<(), TargetError> {
    let bytes = std::fs::read(from).map_err(TargetError::io("read", from))?;
    write(to, &bytes)
}
