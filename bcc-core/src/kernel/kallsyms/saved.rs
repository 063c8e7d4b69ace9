//! The list as a process of this boot read it, beside the compiled modules: the kernel takes longer to
//! print its list than all else takes together.
//!
//! What was loaded goes with it, so that [`super::live`] knows what of it may have changed since.

use super::live::Loaded;
use super::{Entry, Kallsyms, PATH, each_line, parse_line};
use crate::compile::cache;
use crate::symbol::search::Steps;
use flate2::Crc;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Of the list's start; the kernel gives a page at once.
const START: usize = 4096;

/// Bytes of an [`Entry`] in the file.
const RECORD: usize = 16;

#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    /// How the list starts: another kernel's, or one elsewhere in memory, starts differently.
    start: &'a [u8],
    loaded: Loaded,
    modules: Vec<&'a str>,
    names: &'a str,
    entries: &'a [u8],
}

/// The list of this boot, and what was loaded when it was read. `None` when there is none, or when
/// the kernel hides its addresses from this process.
pub(super) fn read() -> Option<(Kallsyms, Loaded)> {
    let directory = cache::directory()?;
    let start = start()?;
    let (_, bytes) = cache::read(&path(&directory)?).ok()?;
    decode(&bytes, &start)
}

/// Keeps the list for other processes; they do without when that fails.
pub(super) fn write(table: &Kallsyms, loaded: &Loaded) {
    let Some((directory, start)) = cache::directory().zip(start()) else { return };
    let written = path(&directory).map(|path| {
        remove_others(&directory, &path);
        let body = encode(table, loaded, &start).map_err(io::Error::other)?;
        cache::write(&path, &[&checksum(&body), &body])
    });
    if let Some(Err(error)) = written {
        log::debug!("kernel symbols were not kept in {}: {error}", directory.display());
    }
}

/// The first lines of the list, if they show addresses.
fn start() -> Option<Vec<u8>> {
    let mut start = vec![0; START];
    let got = File::open(PATH).ok()?.read(&mut start).ok()?;
    start.truncate(got);
    let mut shown = false;
    each_line(&start[..], |line| shown |= parse_line(line).is_some_and(|line| line.address != 0))
        .ok()?;
    shown.then_some(start)
}

/// One file per boot: addresses differ from boot to boot.
fn path(directory: &Path) -> Option<PathBuf> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(directory.join(boot.trim()).with_extension("kallsyms"))
}

/// Lists of earlier boots are of no use to anybody.
fn remove_others(directory: &Path, own: &Path) {
    let Ok(entries) = directory.read_dir() else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path != own && path.extension().is_some_and(|extension| extension == "kallsyms") {
            // Another process may have been faster.
            drop(std::fs::remove_file(path));
        }
    }
}

fn checksum(body: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(body);
    crc.sum().to_le_bytes()
}

fn encode(table: &Kallsyms, loaded: &Loaded, start: &[u8]) -> postcard::Result<Vec<u8>> {
    let mut entries = Vec::with_capacity(table.by_address.len() * RECORD);
    for entry in &table.by_address {
        entries.extend_from_slice(&entry.address.to_le_bytes());
        entries.extend_from_slice(&entry.start.to_le_bytes());
        entries.extend_from_slice(&entry.name_len.to_le_bytes());
        entries.extend_from_slice(&entry.module.to_le_bytes());
    }
    let modules = table.modules.iter().map(String::as_str).collect();
    let loaded = loaded.clone();
    postcard::to_stdvec(&Saved { start, loaded, modules, names: &table.names, entries: &entries })
}

/// A file's list, if its list starts like `start` and nothing in it is damaged.
fn decode(bytes: &[u8], start: &[u8]) -> Option<(Kallsyms, Loaded)> {
    let (sum, body) = bytes.split_first_chunk()?;
    let saved: Saved<'_> = (checksum(body) == *sum).then(|| postcard::from_bytes(body).ok())??;
    if saved.start != start {
        return None;
    }
    let (records, _) = saved.entries.as_chunks::<RECORD>();
    let by_address: Vec<Entry> = records.iter().map(entry).collect();
    let is_sound = |entry: &Entry| {
        let start = entry.start as usize;
        saved.names.get(start..start + usize::from(entry.name_len)).is_some()
            && usize::from(entry.module) < saved.modules.len()
    };
    if !by_address.iter().all(is_sound) || !by_address.is_sorted_by_key(|entry| entry.address) {
        return None;
    }
    let table = Kallsyms {
        names: saved.names.to_owned(),
        modules: saved.modules.iter().map(|&module| module.to_owned()).collect(),
        steps: Steps::new(by_address.iter().map(|entry| entry.address)),
        by_address,
        by_name: OnceLock::new(),
    };
    Some((table, saved.loaded))
}

fn entry(record: &[u8; RECORD]) -> Entry {
    let [a, b, c, d, e, f, g, h, start @ .., l, m, n, o] = *record;
    Entry {
        address: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        start: u32::from_le_bytes(start),
        name_len: u16::from_le_bytes([l, m]),
        module: u16::from_le_bytes([n, o]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &[u8] = b"ffffffff81000000 T _text\n";

    fn example() -> (Kallsyms, Loaded) {
        let text = b"ffffffff81000000 T _text\nffffffff81000100 t helper\n\
            ffffffffc0000000 t helper\t[ext4]\nffffffffc0100000 t bpf_prog_1_f\t[bpf]\n";
        let loaded =
            Loaded { modules: b"ext4 Live 0xffffffffc0000000".to_vec(), programs: vec![7] };
        (Kallsyms::parse(text).unwrap(), loaded)
    }

    fn file() -> Vec<u8> {
        let (table, loaded) = example();
        let body = encode(&table, &loaded, START).unwrap();
        [checksum(&body).as_slice(), &body].concat()
    }

    #[test]
    fn what_was_kept_is_the_same_list() {
        let (table, loaded) = example();
        let (read, then) = decode(&file(), START).unwrap();
        assert!(read.iter().eq(table.iter()));
        assert_eq!(then, loaded);
        assert_eq!(read.address_in("ext4", "helper"), Some(0xffff_ffff_c000_0000));
        assert_eq!(read.at(0xffff_ffff_8100_0101).unwrap().name, "helper");
    }

    #[test]
    fn another_kernels_list_is_not_believed() {
        assert!(decode(&file(), b"ffffffff82000000 T _text\n").is_none());
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_file_is_none(at: proptest::sample::Index, bit in 0u8..8, cut: bool) {
            let mut bytes = file();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
            assert!(decode(&bytes, START).is_none());
        }

        #[test]
        fn a_body_of_anything_never_panics(body: Vec<u8>) {
            let bytes = [checksum(&body).as_slice(), &body].concat();
            if let Some((table, _)) = decode(&bytes, b"") {
                table.iter().for_each(drop);
            }
        }
    }
}
