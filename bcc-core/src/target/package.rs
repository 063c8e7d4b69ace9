//! BTF from kernel packages that were unpacked, not booted.

use super::{Target, TargetError, capture, notes_build_id};
use std::io::Read;
use std::path::{Path, PathBuf};

impl Target {
    /// A snapshot, written to `out`, of the kernel whose packages are unpacked below `root` (which has
    /// `boot/config-RELEASE`, `boot/vmlinuz-RELEASE` or a `vmlinux`, and `lib/modules/RELEASE` or
    /// `usr/lib/modules/RELEASE`). It has no event formats: those exist only in a running kernel.
    ///
    /// # Errors
    /// [`TargetError`] when there is no image with BTF, or `out` cannot be written.
    pub fn from_package(root: &Path, release: &str, out: &Path) -> Result<Self, TargetError> {
        let boot = root.join("boot");
        let first = |paths: Vec<PathBuf>| paths.into_iter().find(|path| path.exists());
        let images = vec![
            boot.join(format!("vmlinux-{release}")),
            root.join(format!("usr/lib/debug/boot/vmlinux-{release}")),
            root.join(format!("usr/lib/modules/{release}/vmlinux")),
            boot.join(format!("vmlinuz-{release}")),
            root.join(format!("usr/lib/modules/{release}/vmlinuz")),
        ];
        let tried = images.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
        let image = first(images).ok_or(TargetError::NoBtf { tried })?;
        let elf = unpack_image(&image)?;
        let section = |name| {
            section(&elf, name)
                .ok_or_else(|| TargetError::NoBtf { tried: format!("{} {name}", image.display()) })
        };
        let btf = section(".BTF")?;
        let build_id = section(".notes").ok().and_then(notes_build_id).unwrap_or_default();
        capture::create_dir(out)?;
        capture::write(&out.join("vmlinux.btf"), btf)?;
        let modules = first(vec![
            root.join("usr/lib/modules").join(release),
            root.join("lib/modules").join(release),
        ]);
        let mut configs = vec![boot.join(format!("config-{release}"))];
        configs.extend(modules.iter().map(|modules| modules.join("config")));
        configs.push(root.join(format!("usr/src/linux-headers-{release}/.config")));
        if let Some(config) = first(configs) {
            capture::copy(&config, &out.join("config"))?;
        }
        let target = Self {
            release: release.to_owned(),
            arch: elf_machine(&elf).to_owned(),
            build_id,
            modules,
            online_cpus: 1,
            possible_cpus: 1,
            page_size: 4096,
            ..Self::default()
        };
        target.write_facts(out)?;
        Self::from_dir(out)
    }
}

/// The `.BTF` section of a module file, packed or not.
pub(super) fn module_btf(path: &Path) -> Result<Vec<u8>, TargetError> {
    let bytes = std::fs::read(path).map_err(TargetError::io("read", path))?;
    let elf = unpack(bytes, path)?;
    // One that was built apart from its kernel refers to types of its own choice, not to the kernel's ids.
    let apart = section(&elf, ".BTF.base").is_some();
    let btf = section(&elf, ".BTF").filter(|_| !apart).map(<[u8]>::to_vec);
    btf.ok_or_else(|| TargetError::NoBtf { tried: path.display().to_string() })
}

fn section<'a>(elf: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let parsed = goblin::elf::Elf::parse(elf).ok()?;
    let header = parsed
        .section_headers
        .iter()
        .find(|header| parsed.shdr_strtab.get_at(header.sh_name) == Some(name))?;
    elf.get(header.file_range()?)
}

fn elf_machine(elf: &[u8]) -> &'static str {
    match goblin::elf::Elf::parse(elf).map(|elf| elf.header.e_machine) {
        Ok(goblin::elf::header::EM_AARCH64) => "aarch64",
        Ok(goblin::elf::header::EM_S390) => "s390x",
        Ok(goblin::elf::header::EM_PPC64) => "ppc64le",
        Ok(goblin::elf::header::EM_RISCV) => "riscv64",
        Ok(goblin::elf::header::EM_X86_64) => "x86_64",
        _ => std::env::consts::ARCH,
    }
}

/// The ELF in a kernel image: an ELF itself, or an x86 bzImage around a packed one.
fn unpack_image(path: &Path) -> Result<Vec<u8>, TargetError> {
    let bytes = std::fs::read(path).map_err(TargetError::io("read", path))?;
    if bytes.starts_with(b"\x7fELF") {
        return Ok(bytes);
    }
    let bad =
        |reason: &str| TargetError::Image { path: path.to_owned(), reason: reason.to_owned() };
    let word = |at: usize| {
        let bytes = bytes.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    if bytes.get(0x202..0x206) != Some(b"HdrS") {
        return unpack(bytes, path);
    }
    let setup = match bytes[0x1f1] {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let place = word(0x248).zip(word(0x24c)).map(|(off, len)| ((setup + 1) * 512 + off, len));
    let (start, len) = place.ok_or_else(|| bad("the header is cut off"))?;
    let payload = start.checked_add(len).and_then(|end| bytes.get(start..end));
    // The last four bytes are the unpacked size, not part of the stream.
    let stream = payload.and_then(|p| p.get(..p.len().checked_sub(4)?));
    unpack(stream.ok_or_else(|| bad("the packed kernel is cut off"))?.to_vec(), path)
}

pub(super) fn unpack(bytes: Vec<u8>, path: &Path) -> Result<Vec<u8>, TargetError> {
    let failed = |error: std::io::Error| TargetError::Image {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let mut out = Vec::new();
    match bytes.get(..4) {
        Some(b"\x7fELF") => return Ok(bytes),
        Some([0x1f, 0x8b, ..]) => {
            flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut out).map_err(failed)?;
        }
        Some(b"\xfd7zX") => {
            lzma_rust2::XzReader::new(&*bytes, false).read_to_end(&mut out).map_err(failed)?;
        }
        Some([0x28, 0xb5, 0x2f, 0xfd]) => {
            let mut stream = ruzstd::decoding::StreamingDecoder::new(&*bytes)
                .map_err(|error| failed(std::io::Error::other(error.to_string())))?;
            stream.read_to_end(&mut out).map_err(failed)?;
        }
        _ => return Err(failed(std::io::Error::other("packed in an unknown way"))),
    }
    Ok(out)
}
