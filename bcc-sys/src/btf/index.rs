//! From names to types: a bucket table that is built in one pass and can be kept in a file.

use super::reader::{self, Btf};
use super::types::{Type, TypeId};
use super::wire::{BtfError, kind, kind_of, u32_at};
use super::words::Words;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"BCCBTFI3";
const ENUMERATOR: u32 = 1 << 31;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A type, function or variable.
    Type(TypeId),
    /// An enumerator of this enum.
    Enumerator(TypeId),
}

/// Types with an index of their names. A module's covers its own types; ask its base for the rest.
#[derive(Debug)]
pub struct Index {
    btf: Arc<Btf>,
    /// First entry per bucket, and one past the last.
    starts: Words,
    /// Pairs of a name's hash and an id: a record is touched only when its name's hash is the right one.
    entries: Words,
}

/// A file that keeps an index between runs.
#[derive(Debug, Clone, Copy)]
pub struct Cache<'a> {
    /// The file.
    pub path: &'a Path,
    /// What the index belongs to: the kernel's build-id.
    pub key: &'a [u8],
}

impl Index {
    /// Indexes the names of `btf`'s own types.
    pub fn build(btf: Arc<Btf>) -> Self {
        let mut hashed = Vec::with_capacity(btf.offsets().len());
        for id in btf.own_ids() {
            let Ok((name, info, ..)) = btf.record(id) else { continue };
            if name != 0 && kind_of(info) != kind::DECL_TAG {
                hashed.push((hash(btf.string_bytes(name)), id.0));
            }
            if matches!(kind_of(info), kind::ENUM | kind::ENUM64)
                && let Ok(Type::Enum(values)) = btf.get(id)
            {
                let names = values.values().map(|(name, _)| hash(name.as_bytes()));
                hashed.extend(names.map(|hash| (hash, id.0 | ENUMERATOR)));
            }
        }
        let bits = (hashed.len().max(2).ilog2()).clamp(4, 17);
        let bucket = |hash: u32| (hash >> (32 - bits)) as usize;
        let mut starts = vec![0u32; (1 << bits) + 1];
        for (hash, _) in &hashed {
            starts[bucket(*hash) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut entries = vec![0u32; hashed.len() * 2];
        for (hash, entry) in &hashed {
            let slot = &mut next[bucket(*hash)];
            let at = *slot as usize * 2;
            entries[at..at + 2].copy_from_slice(&[*hash, *entry]);
            *slot += 1;
        }
        Self { btf, starts: starts.into(), entries: entries.into() }
    }

    /// Opens the blob at `path` with the index that `cache` keeps, or builds it and writes it there.
    /// A cache that cannot be read, does not belong to the blob, or cannot be written costs time only.
    ///
    /// # Errors
    /// [`BtfError`] of the blob itself.
    pub fn open(
        path: &Path,
        base: Option<Arc<Btf>>,
        cache: Option<Cache<'_>>,
    ) -> Result<Self, BtfError> {
        let bytes = reader::open(path)?;
        let kept = cache.and_then(|cache| load(&cache, bytes.len()));
        if let Some([offsets, starts, entries]) = kept {
            let btf = Btf::build(bytes, base, Some(offsets))?;
            return Ok(Self { btf: Arc::new(btf), starts, entries });
        }
        let index = Self::build(Arc::new(Btf::build(bytes, base, None)?));
        if let Some(cache) = cache {
            // A read-only or full disk must not fail a compile.
            let _unwritten = index.save(&cache);
        }
        Ok(index)
    }

    /// The types.
    pub fn btf(&self) -> &Arc<Btf> {
        &self.btf
    }

    /// Everything named `name`, in order of ids.
    pub fn find<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Found> + 'a {
        let bits = self.starts.len().saturating_sub(1).max(1).ilog2();
        let wanted = hash(name.as_bytes());
        let bucket = (wanted >> (32 - bits.clamp(1, 31))) as usize;
        // A damaged file must not send the search beyond its entries.
        let most = self.entries.len() / 2;
        let bound = |at| (self.starts.get(at).unwrap_or(0) as usize).min(most);
        let entries = bound(bucket)..bound(bucket + 1);
        entries.filter_map(move |at| {
            let at = at.checked_mul(2)?;
            let entry =
                self.entries.get(at + 1).filter(|_| self.entries.get(at) == Some(wanted))?;
            let id = TypeId(entry & !ENUMERATOR);
            if entry & ENUMERATOR != 0 {
                let Ok(Type::Enum(values)) = self.btf.get(id) else { return None };
                return values.values().any(|(n, _)| n == name).then_some(Found::Enumerator(id));
            }
            let (offset, ..) = self.btf.record(id).ok()?;
            (self.btf.string_bytes(offset) == name.as_bytes()).then_some(Found::Type(id))
        })
    }

    /// The struct or union with this tag.
    pub fn composite(&self, name: &str) -> Option<TypeId> {
        self.first(name, |ty| matches!(ty, Type::Composite(_)))
    }

    /// The typedef of this name.
    pub fn typedef(&self, name: &str) -> Option<TypeId> {
        self.first(name, |ty| matches!(ty, Type::Typedef { .. }))
    }

    /// The function of this name: what a program that attaches to it names as `attach_btf_id`.
    pub fn func(&self, name: &str) -> Option<TypeId> {
        self.first(name, |ty| matches!(ty, Type::Func { .. }))
    }

    /// The first type of this name that `wanted` accepts.
    pub fn first(&self, name: &str, wanted: impl Fn(&Type<'_>) -> bool) -> Option<TypeId> {
        self.find(name).find_map(|found| match found {
            Found::Type(id) => self.btf.get(id).ok().filter(&wanted).map(|_| id),
            Found::Enumerator(_) => None,
        })
    }

    /// The value of an enumerator.
    pub fn enum_value(&self, name: &str) -> Option<i128> {
        self.find(name).find_map(|found| match found {
            Found::Enumerator(id) => match self.btf.get(id) {
                Ok(Type::Enum(values)) => {
                    values.values().find(|(n, _)| *n == name).map(|(_, value)| value)
                }
                _ => None,
            },
            Found::Type(_) => None,
        })
    }

    /// Whether the struct or union `tag` has a member `member`, possibly inside of anonymous ones.
    pub fn has_member(&self, tag: &str, member: &str) -> bool {
        self.composite(tag).is_some_and(|id| super::lookup::member(&self.btf, id, member).is_some())
    }

    fn save(&self, cache: &Cache<'_>) -> std::io::Result<()> {
        let tables = [self.btf.offsets(), &self.starts, &self.entries];
        let mut out = Vec::new();
        out.extend(MAGIC);
        let blob = self.btf.bytes().len() as u32;
        let head = [blob, cache.key.len() as u32].into_iter();
        head.chain(tables.map(|t| t.len() as u32)).for_each(|w| out.extend(w.to_ne_bytes()));
        out.extend(cache.key);
        tables.iter().for_each(|table| table.write(&mut out));
        let mut temporary = cache.path.as_os_str().to_owned();
        temporary.push(format!(".{}", std::process::id()));
        let written = std::fs::File::options()
            .write(true)
            .create_new(true)
            .open(&temporary)
            .and_then(|mut file| file.write_all(&out))
            .and_then(|()| std::fs::rename(&temporary, cache.path));
        if written.is_err() {
            let _absent = std::fs::remove_file(&temporary);
        }
        written
    }
}

fn load(cache: &Cache<'_>, blob: usize) -> Option<[Words; 3]> {
    let bytes = Arc::new(std::fs::read(cache.path).ok()?);
    let word = |i: usize| u32_at(&bytes, 8 + i * 4).map(|w| w as usize);
    let key = bytes.get(28..28usize.checked_add(word(1)?)?)?;
    if !bytes.starts_with(MAGIC) || word(0)? != blob || key != cache.key {
        return None;
    }
    let mut start = 28 + key.len();
    let mut table = |len: usize| {
        let words = Words::InFile { bytes: bytes.clone(), start, len };
        start = start.checked_add(len.checked_mul(4)?)?;
        Some(words)
    };
    let tables = [table(word(2)?)?, table(word(3)?)?, table(word(4)?)?];
    (start == bytes.len() && tables[1].len() > 1).then_some(tables)
}

/// Eight bytes a step: names are short and there are a hundred thousand of them.
fn hash(name: &[u8]) -> u32 {
    let mut state = name.len() as u64;
    for chunk in name.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = (state.rotate_left(5) ^ u64::from_le_bytes(word))
            .wrapping_mul(0x51_7c_c1_b7_27_22_0a_95);
    }
    (state >> 32) as u32
}
