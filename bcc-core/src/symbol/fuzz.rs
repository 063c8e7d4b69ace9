//! Damaged input for every parser of foreign bytes, for as long as is wanted.
//!
//! `./x test fuzz` gives each parser `BCC_FUZZ_SECONDS` (60) of processor time. What made one panic is
//! written below `BCC_FUZZ_FOUND` (the temporary directory) and belongs, once mended, into
//! `tests/fuzz/PARSER/`, whose files the ordinary tests read again.

use super::elf::ElfFile;
use super::source::SourceLines;
use super::{perf_map, zip};
use crate::kernel::kallsyms::Kallsyms;
use crate::symbol::debug::unpack;
use crate::symbol::demangle::demangle;
use crate::symbol::process::maps::parse_mapping;
use crate::usdt::{notes, operand};
use goblin::elf::header::{EM_386, EM_AARCH64, EM_PPC64, EM_RISCV, EM_S390, EM_X86_64};
use std::io::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A parser, and what it is fed.
struct Subject {
    name: &'static str,
    parse: fn(&[u8]),
    seeds: fn(&Path) -> Vec<Seed>,
}

/// A sound input, and which part of it is damaged.
struct Seed {
    bytes: Vec<u8>,
    part: Range<usize>,
}

impl Seed {
    fn whole(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self { part: 0..bytes.len(), bytes }
    }
}

const SUBJECTS: [Subject; 9] = [
    Subject { name: "elf", parse: parse_elf, seeds: elf_files },
    Subject { name: "note", parse: parse_notes, seeds: note_sections },
    Subject { name: "operand", parse: parse_operands, seeds: operands },
    Subject { name: "dwarf", parse: parse_dwarf, seeds: debug_sections },
    Subject { name: "perf_map", parse: parse_perf_map, seeds: perf_maps },
    Subject { name: "zip", parse: parse_zip, seeds: archives },
    Subject { name: "kallsyms", parse: parse_kallsyms, seeds: symbol_lists },
    Subject { name: "mapping", parse: parse_mappings, seeds: mappings },
    Subject { name: "mangled", parse: parse_mangled, seeds: mangled_names },
];

fn parse_elf(bytes: &[u8]) {
    let Ok(elf) = ElfFile::from_bytes(bytes.to_vec(), Path::new("x")) else { return };
    elf.build_id();
    elf.debug_link();
    unpack(&elf);
    elf.section_address(".text");
    drop((elf.section(".text"), elf.symbol_value("main")));
    for address in [0, 0x1000, 0x1139, u64::MAX] {
        elf.file_offset(address);
        elf.address_of(address);
        elf.is_code(address);
    }
    let Ok(functions) = elf.functions() else { return };
    for function in functions.iter().take(64) {
        assert!(functions.address_of(function.name).is_some());
        functions.at(function.address.wrapping_add(1));
    }
}

fn parse_notes(bytes: &[u8]) {
    let Ok(elf) = ElfFile::from_bytes(bytes.to_vec(), Path::new("x")) else { return };
    for probe in notes::read(&elf, Path::new("x")).unwrap_or_default() {
        assert!(probe.argument(probe.argument_count()).is_none());
        probe.full_name();
    }
}

fn parse_operands(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for machine in [EM_X86_64, EM_AARCH64, EM_RISCV, EM_S390, EM_PPC64, EM_386, 0] {
        for argument in operand::parse_arguments(&text, machine) {
            assert!(!argument.ctype().is_empty() && !argument.to_string().is_empty());
        }
    }
}

fn parse_dwarf(bytes: &[u8]) {
    let Ok(elf) = ElfFile::from_bytes(bytes.to_vec(), Path::new("x")) else { return };
    let Some(lines) = SourceLines::of_whole(&elf) else { return };
    for address in (0x1000..0x1400).step_by(13).chain([0, u64::MAX]) {
        lines.at(address);
    }
}

fn parse_perf_map(bytes: &[u8]) {
    let table = perf_map::parse(bytes);
    for function in table.iter() {
        table.at(function.address);
    }
}

fn parse_zip(bytes: &[u8]) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    for member in zip::members(&file).unwrap_or_default() {
        assert!(member.offset + member.len <= bytes.len() as u64);
    }
}

fn parse_kallsyms(bytes: &[u8]) {
    let Ok(table) = Kallsyms::parse(bytes) else { return };
    for symbol in table.iter() {
        assert!(table.at(symbol.address).is_some());
    }
}

fn parse_mappings(bytes: &[u8]) {
    String::from_utf8_lossy(bytes).lines().for_each(|line| {
        parse_mapping(line);
    });
}

fn parse_mangled(bytes: &[u8]) {
    String::from_utf8_lossy(bytes).lines().for_each(|line| drop(demangle(line)));
}

/// Builds one of the test programs.
fn program(directory: &Path, source: &str, flags: &[&str]) -> Vec<u8> {
    let binary = directory.join("seed");
    let source = format!("{}/../tests/programs/{source}", env!("CARGO_MANIFEST_DIR"));
    let built = Command::new("cc").args(["-O1", &source, "-o"]).arg(&binary).args(flags).status();
    assert!(built.unwrap().success());
    std::fs::read(binary).unwrap()
}

/// One seed for each section whose name begins so; the section is what is damaged.
fn sections(bytes: &[u8], prefix: &str) -> Vec<Seed> {
    let elf = goblin::elf::Elf::parse(bytes).unwrap();
    let named = elf.section_headers.iter().filter(|section| {
        elf.shdr_strtab.get_at(section.sh_name).is_some_and(|name| name.starts_with(prefix))
    });
    named
        .filter_map(|section| section.file_range())
        .filter(|part| !part.is_empty())
        .map(|part| Seed { bytes: bytes.to_vec(), part })
        .collect()
}

fn elf_files(directory: &Path) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for flags in [&["-s"][..], &["-g", "-gz=zlib"], &["-no-pie"], &["-shared", "-fPIC"]] {
        let bytes = program(directory, "symbols.c", flags);
        let table = usize::from_le_bytes(*bytes[40..].first_chunk().unwrap());
        for part in [0..1024, table..bytes.len(), 0..bytes.len()] {
            seeds.push(Seed { bytes: bytes.clone(), part });
        }
        for prefix in [".dynsym", ".symtab", ".strtab", ".note", ".gnu.version"] {
            seeds.extend(sections(&bytes, prefix));
        }
    }
    seeds
}

fn note_sections(directory: &Path) -> Vec<Seed> {
    let bytes = program(directory, "usdt/library.c", &["-shared", "-fPIC"]);
    let mut seeds = sections(&bytes, ".note.stapsdt");
    seeds.extend(sections(&bytes, ".stapsdt.base"));
    seeds
}

fn operands(_: &Path) -> Vec<Seed> {
    let texts = [
        "-4@$0 8@%rdi 2@24(%rax,%rsi) -4@global+8(%rip) 8f@%xmm1 4@16(,%rsi,4) 8@$sym+4",
        "-4@5 8@x19 -4@[x29, -20] 8@[x0,x1,lsl 3] 8@sp",
        "-8@a0 -4@-20(s0) -4@8(31) 8@%r2 -4@164(%r15)",
    ];
    texts.map(Seed::whole).into()
}

fn debug_sections(directory: &Path) -> Vec<Seed> {
    let flags = [&["-gdwarf-5"][..], &["-gdwarf-4"], &["-g", "-gz=zlib"], &["-g", "-gsplit-dwarf"]];
    let programs = flags.map(|flags| program(directory, "lines.c", flags));
    programs.iter().flat_map(|bytes| sections(bytes, ".debug_")).collect()
}

fn perf_maps(_: &Path) -> Vec<Seed> {
    vec![Seed::whole("7f00 10 LazyCompile:~f a.js:1\n0x8000 20 g\nffffffffffffff00 100 end\n")]
}

fn archives(_: &Path) -> Vec<Seed> {
    vec![Seed::whole(zip::tests::archive())]
}

fn symbol_lists(_: &Path) -> Vec<Seed> {
    vec![Seed::whole(
        "ffffffff81000000 T _text\nffffffff81000100 t helper\nffffffffc0000000 t f\t[ext4]\n",
    )]
}

fn mappings(_: &Path) -> Vec<Seed> {
    vec![Seed::whole(std::fs::read("/proc/self/maps").unwrap())]
}

fn mangled_names(_: &Path) -> Vec<Seed> {
    let names = "_ZN4core3ptr13drop_in_place17h0123456789abcdefE\n_RNvC6_123foo3bar\n\
         _ZNSt6vectorIiSaIiEE9push_backERKi\n_ZZN1AC1EvENKUlvE_clEv\n\
         _RINvNtC3std3mem8align_ofdE\n_ZSt4sortIPiEvT_S1_\n";
    vec![Seed::whole(names)]
}

/// Numbers without a pattern (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end as u64).unwrap()
    }
}

/// Numbers that lie at the edges of types.
const EDGES: [u64; 9] =
    [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, i64::MAX.cast_unsigned()];

fn damage(seed: &Seed, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.bytes.clone();
    let part = &seed.part;
    for _ in 0..=dice.below(12) {
        let at = part.start + dice.below(part.len());
        let Some(place) = bytes.get_mut(at..) else { continue };
        if place.is_empty() {
            continue;
        }
        match dice.below(8) {
            0 => place[0] ^= 1 << dice.below(8),
            1 => place[0] = dice.roll().to_le_bytes()[0],
            2 | 3 => {
                let edge = EDGES[dice.below(EDGES.len())].wrapping_neg().to_le_bytes();
                let len = [1, 2, 4, 8][dice.below(4)].min(place.len());
                place[..len].copy_from_slice(&edge[..len]);
            }
            4 => {
                let edge = EDGES[dice.below(EDGES.len())].to_le_bytes();
                let len = [1, 2, 4, 8][dice.below(4)].min(place.len());
                place[..len].copy_from_slice(&edge[..len]);
            }
            5 => {
                let len = (1 + dice.below(32)).min(place.len());
                let from = dice.below(place.len() - len + 1);
                place.copy_within(from..from + len, 0);
            }
            6 if part.len() == seed.bytes.len() => {
                let len = (1 + dice.below(16)).min(place.len());
                bytes.drain(at..at + len);
            }
            7 if part.len() == seed.bytes.len() && dice.below(8) == 0 => bytes.truncate(at),
            _ => place[0] = b" ,@$()-+%[]\n\0"[dice.below(13)],
        }
    }
    bytes
}

fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

fn fuzz(name: &str) {
    let subject = SUBJECTS.iter().find(|subject| subject.name == name).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let seeds = (subject.seeds)(directory.path());
    let seconds = std::env::var("BCC_FUZZ_SECONDS").map_or(60, |text| text.parse().unwrap());
    let start = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    let start: u64 =
        std::env::var("BCC_FUZZ_START").map_or(start.into(), |text| text.parse().unwrap());
    eprintln!("{name}: {} seeds, BCC_FUZZ_START={start}", seeds.len());
    seeds.iter().for_each(|seed| (subject.parse)(&seed.bytes));
    let (mut dice, mut count, mut slowest) = (Dice(start | 1), 0u64, Duration::ZERO);
    let end = cpu_time() + Duration::from_secs(seconds);
    while cpu_time() < end {
        let input = damage(&seeds[dice.below(seeds.len())], &mut dice);
        let before = Instant::now();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (subject.parse)(&input))) {
            let found =
                std::env::var_os("BCC_FUZZ_FOUND").map_or_else(std::env::temp_dir, PathBuf::from);
            let path = found.join(format!("{name}-{start}-{count}"));
            std::fs::write(&path, &input).unwrap();
            eprintln!("{name}: input {count} in {}", path.display());
            resume_unwind(panic);
        }
        slowest = slowest.max(before.elapsed());
        count += 1;
    }
    eprintln!("{name}: {count} inputs in {seconds} s, the slowest took {slowest:?}");
}

macro_rules! fuzzed {
    ($($name:ident)*) => { $(
        #[test]
        #[ignore = "takes as long as it is given: x test fuzz"]
        fn $name() {
            fuzz(stringify!($name));
        }
    )* };
}

fuzzed!(elf note operand dwarf perf_map zip kallsyms mapping mangled);

#[test]
fn inputs_that_once_failed_are_harmless() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz");
    for subject in &SUBJECTS {
        let Ok(files) = corpus.join(subject.name).read_dir() else { continue };
        for file in files {
            (subject.parse)(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
}

#[test]
fn damaged_seeds_are_harmless() {
    let directory = tempfile::tempdir().unwrap();
    for subject in &SUBJECTS {
        let seeds = (subject.seeds)(directory.path());
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..64 {
            (subject.parse)(&damage(&seeds[dice.below(seeds.len())], &mut dice));
        }
    }
}
