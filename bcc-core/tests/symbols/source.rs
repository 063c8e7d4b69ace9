//! Source lines and inlined functions of a program, packed and kept in several ways.

use super::support::{PROGRAMS, Target, build_program, run};
use bcc_core::symbol::SourceFrame;
use std::path::Path;

/// The line, counted from 1, that holds `mark`.
fn line_of(file: &str, mark: &str) -> u32 {
    let text = std::fs::read_to_string(format!("{PROGRAMS}/{file}")).unwrap();
    let at = text.lines().position(|line| line.contains(mark)).unwrap();
    u32::try_from(at + 1).unwrap()
}

/// (function, file, line) of each frame.
fn plain(frames: &[SourceFrame]) -> Vec<(&str, &str, u32)> {
    frames
        .iter()
        .map(|frame| {
            let path = frame.file.as_deref().unwrap();
            let file = Path::new(path).file_name().unwrap().to_str().unwrap();
            (frame.function.as_deref().unwrap(), file, frame.line.unwrap())
        })
        .collect()
}

fn check(binary: &Path) {
    let target = Target::start(binary);
    let mut symbols = target.symbols();
    let outer = line_of("lines.c", "outer_place:");
    let inner = line_of("lines.h", "inner_place:");
    let call = line_of("lines.c", "value = inlined_function");
    let [(_, in_inner), (_, in_outer), (_, main)] = target.addresses.as_slice() else { panic!() };
    let frames = symbols.source(*in_inner);
    let wanted = [("inlined_function", "lines.h", inner), ("outer_function", "lines.c", call)];
    assert_eq!(plain(&frames), wanted);
    assert_eq!(plain(&symbols.source(*in_outer)), [("outer_function", "lines.c", outer)]);
    let line = line_of("lines.c", "int main(void)") + 1;
    assert_eq!(plain(&symbols.source(*main)), [("main", "lines.c", line)]);
    assert_eq!(symbols.source(16), []);
}

#[test]
fn lines_and_inlined_functions_are_told() {
    for flags in [&["-gdwarf-5"][..], &["-gdwarf-4", "-no-pie"], &["-gz=zlib"], &["-gz=zlib-gnu"]] {
        let directory = tempfile::tempdir().unwrap();
        check(&build_program(directory.path(), "lines.c", flags));
    }
}

#[test]
fn sections_packed_with_zstd_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let binary = build_program(directory.path(), "lines.c", &[]);
    run("objcopy", &["--compress-debug-sections=zstd", binary.to_str().unwrap()]);
    check(&binary);
}

#[test]
fn lines_of_a_stripped_program_come_from_its_debug_file() {
    let directory = tempfile::tempdir().unwrap();
    let binary = build_program(directory.path(), "lines.c", &["-Wl,--build-id=none"]);
    let (path, debug) = (binary.to_str().unwrap(), directory.path().join("target.debug"));
    run("objcopy", &["--only-keep-debug", path, debug.to_str().unwrap()]);
    run("strip", &[path]);
    run("objcopy", &[&format!("--add-gnu-debuglink={}", debug.display()), path]);
    check(&binary);
}
