//! Changed inputs, one after the other, for parsers that must survive anything.
//!
//! Included by the tests of the crates whose parsers are fuzzed. Without `BCC_FUZZ_SECONDS` a target
//! sees its corpus and a hundred changed inputs, always the same; with it, new ones for that much
//! CPU time. An input that makes the check panic is kept in the corpus, where the next run finds it;
//! the input being looked at is in `LAST`, for a check that never returns or ends the process.

#![allow(clippy::print_stdout, clippy::cast_possible_truncation, reason = "a test's own words")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

const FEW: u64 = 100;
const LARGEST: usize = 8 << 10;
const POOL: usize = 4096;
/// Outcomes that are remembered: more would be taken for memory that the check gained.
const OUTCOMES: usize = 16 * POOL;
/// CPU time that no input of that size may take.
const SLOW: f64 = 20.0;
/// Memory that a run may gain over what its first inputs needed, in pages.
const GROWTH: u64 = 64 << 8;

/// Feeds `check` with the corpus `tests/fuzz/corpus/NAME`, with `seeds`, and with changes of them.
/// Inputs for which it gives a number not seen before are changed further.
pub(crate) fn fuzz(
    name: &str,
    seeds: Vec<Vec<u8>>,
    words: &[&[u8]],
    check: impl Fn(&[u8]) -> u64 + std::panic::RefUnwindSafe,
) {
    let seconds: f64 =
        std::env::var("BCC_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(0.0);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(name);
    let last = std::env::temp_dir().join(format!("bcc-fuzz-{name}-{}", std::process::id()));
    let mut pool = files(&corpus);
    pool.extend(seeds);
    pool.push(Vec::new());
    let mut random = Random(match seconds {
        0.0 => 0x9e37_79b9_7f4a_7c15,
        _ => now().to_bits() ^ u64::from(std::process::id()) << 32 | 1,
    });
    let mut seen: HashSet<u64> = HashSet::new();
    let mut one = |input: &[u8]| {
        fs::write(&last, input).expect("the input is kept");
        let start = now();
        let result = std::panic::catch_unwind(|| check(input));
        let took = now() - start;
        match result {
            Ok(outcome) if took < SLOW => seen.len() < OUTCOMES && seen.insert(outcome),
            _ => {
                let kept = corpus.join(format!("failed-{:016x}", hash(input)));
                fs::write(&kept, input).expect("the input is kept");
                panic!("{name}: {} panicked or took {took:.1} s of CPU", kept.display());
            }
        }
    };
    for input in &pool {
        one(input);
    }
    let (begin, memory) = (now(), pages());
    let mut count = 0;
    while if seconds > 0.0 { now() - begin < seconds } else { count < FEW } {
        let input = random.change(&pool, words);
        if one(&input) && pool.len() < POOL {
            pool.push(input);
        }
        count += 1;
    }
    drop(fs::remove_file(&last));
    let grown = pages().saturating_sub(memory);
    println!("{name}: {count} inputs, {} outcomes, {grown} pages gained", seen.len());
    assert!(grown < GROWTH, "{name}: {grown} pages gained in {count} inputs");
}

/// All files of a directory, by name.
pub(crate) fn files(directory: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// A number that differs where the bytes do.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// CPU seconds of this process; clang works on threads of its own.
fn now() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks =
        after_name.split_whitespace().skip(11).take(2).filter_map(|w| w.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn pages() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default()
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }

    /// One of the pool, changed in one to eight places.
    fn change(&mut self, pool: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
        let mut input = pool[self.below(pool.len())].clone();
        for _ in 0..=self.below(8) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(16)).min(input.len());
            match self.below(8) {
                0 => drop(input.drain(at..end)),
                1 if at < end => input[at] ^= 1 << self.below(8),
                2 if at < end => input[at] = self.below(256) as u8,
                3 => {
                    let copy = input[at..end].to_vec();
                    let to = self.below(input.len() + 1);
                    input.splice(to..to, copy);
                }
                4 => {
                    let other = &pool[self.below(pool.len())];
                    let from = self.below(other.len() + 1);
                    let piece = &other[from..(from + self.below(64)).min(other.len())];
                    input.splice(at..at, piece.iter().copied());
                }
                5 if at + 4 <= input.len() => {
                    let word = [0, 1, 0x7fff_ffff, u32::MAX, at as u32][self.below(5)];
                    input[at..at + 4].copy_from_slice(&word.to_le_bytes());
                }
                _ if words.is_empty() => {}
                _ => {
                    let word = words[self.below(words.len())];
                    input.splice(at..end.min(at + self.below(2) * 16), word.iter().copied());
                }
            }
        }
        input.truncate(LARGEST);
        input
    }
}
