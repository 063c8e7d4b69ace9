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

/// (function, line) of the three addresses a program tells.
fn told(target: &Target) -> Vec<Vec<(Option<String>, Option<u32>)>> {
    let mut symbols = target.symbols();
    let mut frames = |address| {
        let frames = symbols.source(address);
        frames.into_iter().map(|frame| (frame.function, frame.line)).collect()
    };
    target.addresses.iter().map(|(_, address)| frames(*address)).collect()
}

/// A program with split DWARF whose part lies in the current directory of the compiler.
fn build_split(directory: &Path, version: &str) {
    let source = format!("{PROGRAMS}/lines.c");
    let mut cc = std::process::Command::new("cc");
    cc.current_dir(directory).args(["-O1", "-g", version, "-gsplit-dwarf", "-c", &source]);
    assert!(cc.args(["-o", "lines.o"]).status().unwrap().success());
    let object = directory.join("lines.o");
    run("cc", &[object.to_str().unwrap(), "-o", directory.join("target").to_str().unwrap()]);
}

#[test]
fn split_dwarf_is_read_from_parts_and_packages() {
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let directory = tempfile::tempdir().unwrap();
        build_split(directory.path(), version);
        let (binary, part) = (directory.path().join("target"), directory.path().join("lines.dwo"));
        check(&binary);
        // Moved away from where it was built, the part is found beside the binary.
        let other = tempfile::tempdir().unwrap();
        let moved = other.path().join("target");
        std::fs::copy(&binary, &moved).unwrap();
        std::fs::rename(&part, other.path().join("lines.dwo")).unwrap();
        check(&moved);
    }
}

#[test]
fn packages_of_split_dwarf_are_read() {
    let directory = tempfile::tempdir().unwrap();
    build_split(directory.path(), "-gdwarf-5");
    let (binary, part) = (directory.path().join("target"), directory.path().join("lines.dwo"));
    let package = directory.path().join("target.dwp");
    run("llvm-dwp-19", &[part.to_str().unwrap(), "-o", package.to_str().unwrap()]);
    std::fs::remove_file(&part).unwrap();
    check(&binary);
}

#[test]
fn without_its_part_split_dwarf_still_tells_lines() {
    let directory = tempfile::tempdir().unwrap();
    build_split(directory.path(), "-gdwarf-5");
    let (binary, part) = (directory.path().join("target"), directory.path().join("lines.dwo"));
    std::fs::remove_file(&part).unwrap();
    let inner = line_of("lines.h", "inner_place:");
    let outer = line_of("lines.c", "outer_place:");
    let target = Target::start(&binary);
    let told = told(&target);
    assert_eq!(told[0], [(None, Some(inner))]);
    assert_eq!(told[1], [(None, Some(outer))]);
    // A part of another build is not believed.
    std::fs::write(&part, b"\x7fELF").unwrap();
    let other = tempfile::tempdir().unwrap();
    build_split(other.path(), "-gdwarf-4");
    std::fs::copy(other.path().join("lines.dwo"), &part).unwrap();
    assert_eq!(self::told(&target)[0], [(None, Some(inner))]);
}
