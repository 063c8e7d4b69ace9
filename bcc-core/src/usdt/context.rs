//! Which probes are to be attached, of which process or file.

use super::notes::{self, Probe};
use super::semaphore::{self, Semaphore};
use super::{Argument, UsdtError};
use crate::link::uprobe::{UprobeOpts, counts_semaphores};
use crate::symbol::elf::ElfFile;
use crate::symbol::library::{find_executable, find_library};
use crate::symbol::process::maps::{Mapping, is_file, parse_mapping};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The probes of a process or of a file, and which of them a program wants.
#[derive(Debug)]
pub struct Usdt {
    pid: Option<i32>,
    probes: Vec<Probe>,
    /// Index of the probe, and the function that handles it.
    enabled: Vec<(usize, String)>,
    /// Where the process has the files' pages, to tell its addresses.
    mappings: Vec<MappedAt>,
    /// Those that the kernel does not count by itself.
    raised: Vec<Semaphore>,
}

/// An executable mapping of a file.
#[derive(Debug, Clone)]
struct MappedAt {
    path: PathBuf,
    start: u64,
    end: u64,
    offset: u64,
}

/// One uprobe that an enabled probe needs.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The handler.
    pub function: String,
    /// The file, as its process knows it.
    pub path: PathBuf,
    /// Virtual address for the file.
    pub address: u64,
    /// What to attach.
    pub opts: UprobeOpts,
}

impl Usdt {
    /// The probes of the files process `pid` has mapped, or of one of them.
    ///
    /// # Errors
    /// [`UsdtError::Process`], [`UsdtError::RelativePath`], [`UsdtError::NoFile`].
    pub fn of_process(pid: i32, path: Option<&Path>) -> Result<Self, UsdtError> {
        let maps = std::fs::read(format!("/proc/{pid}/maps"))
            .map_err(|source| UsdtError::Process { pid, source })?;
        let maps = String::from_utf8_lossy(&maps);
        let mut usdt = Self::new(Some(pid), Vec::new());
        for mapping in maps.lines().filter_map(parse_mapping) {
            if mapping.executable && is_file(mapping.path) {
                usdt.mappings.push(MappedAt::new(&mapping));
            }
        }
        let root = PathBuf::from(format!("/proc/{pid}/root"));
        let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
        if let Some(path) = path {
            if !path.is_absolute() {
                return Err(UsdtError::RelativePath(path.display().to_string()));
            }
            let elf = ElfFile::open(&inside(path))?;
            // The maps name files by their own paths, not by links to them.
            let identity = |path: &Path| {
                std::fs::metadata(inside(path)).ok().map(|meta| (meta.dev(), meta.ino()))
            };
            let wanted = identity(path);
            let mapped = usdt.mappings.iter().map(|mapping| mapping.path.as_path());
            let known = mapped.into_iter().find(|known| identity(known) == wanted);
            usdt.probes = notes::read(&elf, known.unwrap_or(path))?;
            return Ok(usdt);
        }
        let mut paths: Vec<&Path> = Vec::new();
        for mapping in &usdt.mappings {
            if !paths.contains(&mapping.path.as_path()) {
                paths.push(&mapping.path);
            }
        }
        let mut probes = Vec::new();
        for path in paths {
            // A mapped file may be gone, or be no ELF file: then it has no probes.
            let found = ElfFile::open(&inside(path)).and_then(|elf| notes::read(&elf, path));
            match found {
                Ok(found) => probes.extend(found),
                Err(error) => log::debug!("{error}"),
            }
        }
        usdt.probes = probes;
        Ok(usdt)
    }

    /// The probes of a file: a path, a program of PATH, or a library without its `lib`.
    ///
    /// # Errors
    /// [`UsdtError::NoFile`], [`UsdtError::Symbol`].
    pub fn of_path(path: &str) -> Result<Self, UsdtError> {
        let found = if path.contains('/') {
            Some(PathBuf::from(path)).filter(|path| path.exists())
        } else {
            find_executable(path).or_else(|| find_library(path, None))
        };
        let found = found.ok_or_else(|| UsdtError::NoFile(path.to_owned()))?;
        let probes = notes::read(&ElfFile::open(&found)?, &found)?;
        Ok(Self::new(None, probes))
    }

    fn new(pid: Option<i32>, probes: Vec<Probe>) -> Self {
        let (enabled, mappings, raised) = (Vec::new(), Vec::new(), Vec::new());
        Self { pid, probes, enabled, mappings, raised }
    }

    /// The process, if the probes are one's.
    pub fn pid(&self) -> Option<i32> {
        self.pid
    }

    /// All probes.
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// Indices of the probes called `name` or `provider:name`: several when files share it.
    fn find(&self, name: &str) -> Result<Vec<usize>, UsdtError> {
        let (provider, short) = match name.split_once(':') {
            Some((provider, short)) => (Some(provider), short),
            None => (None, name),
        };
        let found: Vec<usize> = (self.probes.iter().enumerate())
            .filter(|(_, probe)| probe.name == short)
            .filter(|(_, probe)| provider.is_none_or(|provider| probe.provider == provider))
            .map(|(index, _)| index)
            .collect();
        let mut providers: Vec<String> =
            found.iter().map(|&index| self.probes[index].provider.clone()).collect();
        providers.sort_unstable();
        providers.dedup();
        match providers.len() {
            0 => Err(UsdtError::NoProbe(name.to_owned())),
            1 => Ok(found),
            _ => Err(UsdtError::Ambiguous { name: name.to_owned(), providers }),
        }
    }

    /// Wants `function` to run at the probe `name` or `provider:name`.
    ///
    /// # Errors
    /// [`UsdtError::NoProbe`], [`UsdtError::Ambiguous`]; on kernels that don't count semaphores also
    /// [`UsdtError::Semaphore`] and [`UsdtError::Process`].
    pub fn enable(&mut self, name: &str, function: &str) -> Result<(), UsdtError> {
        for index in self.find(name)? {
            let wanted = (index, function.to_owned());
            if self.enabled.contains(&wanted) {
                continue;
            }
            if !counts_semaphores() && self.probes[index].semaphore != 0 {
                let probe = &self.probes[index];
                let place = self.pid.zip(self.semaphore_address(probe));
                let (pid, address) =
                    place.ok_or_else(|| UsdtError::Semaphore(probe.full_name()))?;
                self.raised.push(Semaphore::raise(pid, address)?);
            }
            self.enabled.push(wanted);
        }
        Ok(())
    }

    /// Where the process has the semaphore of one of its probes; `None` without a process or a
    /// semaphore.
    pub fn semaphore_address(&self, probe: &Probe) -> Option<u64> {
        let location = probe.locations.first().filter(|_| probe.semaphore != 0)?;
        let there = self.address_in_process(&probe.path, location.offset)?;
        // As far from the probe as in the file.
        Some(probe.semaphore.wrapping_sub(location.address).wrapping_add(there))
    }

    /// Adds `by` to the semaphore of the probe `name` or `provider:name`, in the process, as a tracer
    /// does that attaches by other means; nothing without a semaphore.
    ///
    /// # Errors
    /// As [`Usdt::enable`], [`UsdtError::Semaphore`] without a process.
    pub fn step_semaphore(&self, name: &str, by: i16) -> Result<(), UsdtError> {
        for index in self.find(name)? {
            let probe = &self.probes[index];
            if probe.semaphore == 0 {
                continue;
            }
            let place = self.pid.zip(self.semaphore_address(probe));
            let (pid, address) = place.ok_or_else(|| UsdtError::Semaphore(probe.full_name()))?;
            semaphore::step(pid, address, by)?;
        }
        Ok(())
    }

    /// The probe called `name` or `provider:name`.
    ///
    /// # Errors
    /// As [`Usdt::enable`].
    pub fn probe(&self, name: &str) -> Result<&Probe, UsdtError> {
        let found = self.find(name)?;
        found
            .first()
            .map(|&index| &self.probes[index])
            .ok_or_else(|| UsdtError::NoProbe(name.to_owned()))
    }

    /// C type of argument `index`, counted from 0, of a probe.
    ///
    /// # Errors
    /// As [`Usdt::enable`]; [`UsdtError::NoArgument`].
    pub fn argument_type(&self, name: &str, index: usize) -> Result<&'static str, UsdtError> {
        let argument = self.probe(name)?.argument(index).map(Argument::ctype);
        argument.ok_or_else(|| UsdtError::NoArgument { probe: name.to_owned(), index: index + 1 })
    }

    /// Enabled probes with their handlers.
    pub fn enabled(&self) -> impl Iterator<Item = (&Probe, &str)> {
        self.enabled.iter().map(|(index, function)| (&self.probes[*index], function.as_str()))
    }

    /// The uprobes that the enabled probes need; the kernel counts their semaphores up as long as
    /// they are attached. `ignore_pid` attaches to every process.
    pub fn attachments(&self, ignore_pid: bool) -> Vec<Attachment> {
        let mut all = Vec::new();
        for (probe, function) in self.enabled() {
            for location in &probe.locations {
                all.push(Attachment {
                    function: function.to_owned(),
                    path: probe.path.clone(),
                    address: location.address,
                    opts: UprobeOpts {
                        path: probe.open_path.clone(),
                        offset: location.offset,
                        pid: self.pid.filter(|_| !ignore_pid),
                        ref_ctr_offset: u32::try_from(probe.semaphore_offset)
                            .ok()
                            .filter(|_| counts_semaphores())
                            .unwrap_or(0),
                        ..UprobeOpts::default()
                    },
                });
            }
        }
        all
    }

    /// The address, in the process, of the file offset `offset` of `path`.
    pub(super) fn address_in_process(&self, path: &Path, offset: u64) -> Option<u64> {
        self.mappings.iter().find_map(|mapping| {
            let into = offset.checked_sub(mapping.offset)?;
            (mapping.path == path && into < mapping.end - mapping.start)
                .then(|| mapping.start + into)
        })
    }
}

/// `opts` with the semaphore of the probe that is at their place, if they name none and one is there.
///
/// A probe with a semaphore is off unless somebody counts it up, and the kernel refuses a place to whoever
/// names another semaphore, or none, than those who have attached there.
#[must_use]
pub fn with_semaphore(mut opts: UprobeOpts) -> UprobeOpts {
    if opts.ref_ctr_offset != 0 || !counts_semaphores() {
        return opts;
    }
    // What is no ELF file has no probes; the kernel says what it thinks of it.
    let found = ElfFile::open(&opts.path).and_then(|elf| notes::read(&elf, &opts.path));
    let here = found
        .unwrap_or_default()
        .into_iter()
        .find(|probe| probe.locations.iter().any(|location| location.offset == opts.offset));
    opts.ref_ctr_offset =
        here.and_then(|probe| u32::try_from(probe.semaphore_offset).ok()).unwrap_or(0);
    opts
}

impl MappedAt {
    fn new(mapping: &Mapping<'_>) -> Self {
        Self {
            path: mapping.path.into(),
            start: mapping.start,
            end: mapping.end.max(mapping.start),
            offset: mapping.offset,
        }
    }
}
