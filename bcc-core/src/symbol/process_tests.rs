//! This process, and mapping lines.

use super::*;

fn own() -> ProcessSymbols {
    ProcessSymbols::new(std::process::id().cast_signed()).unwrap()
}

#[inline(never)]
fn marker_of_process_tests(value: u32) -> u32 {
    std::hint::black_box(value) + 1
}

#[test]
fn own_function_is_named_with_its_offset() {
    assert_eq!(marker_of_process_tests(1), 2);
    let address = marker_of_process_tests as fn(u32) -> u32 as usize as u64;
    let mut symbols = own();
    let symbol = symbols.resolve(address + 2).unwrap();
    assert!(symbol.name.unwrap().contains("marker_of_process_tests"));
    assert_eq!(symbol.offset, 2);
    let exe = std::fs::read_link("/proc/self/exe").unwrap();
    assert_eq!(symbol.module, exe.to_str().unwrap());
}

#[test]
fn name_and_address_agree_for_the_c_library() {
    let mut symbols = own();
    let path = symbols.modules().find(|path| path.contains("/libc.so")).unwrap().to_owned();
    let address = symbols.resolve_name(&path, "getppid").unwrap();
    let symbol = symbols.resolve(address).unwrap();
    assert_eq!((symbol.name, symbol.offset), (Some("getppid"), 0));
    let by_file = symbols.resolve_name("libc.so.6", "getppid");
    assert_eq!(by_file, Some(address));
    assert_eq!(symbols.resolve_name("libc.so.6", "no_such_function"), None);
    assert_eq!(symbols.resolve_name("libnothere.so", "getppid"), None);
}

#[test]
fn vdso_has_names() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.ends_with("[vdso]")).unwrap();
    let start = parse_mapping(line).unwrap().start;
    let mut symbols = own();
    let symbol = symbols.resolve(start).unwrap();
    assert_eq!(symbol.module, "[vdso]");
    let address = symbols.resolve_name("[vdso]", "__vdso_clock_gettime");
    if std::env::consts::ARCH == "x86_64" {
        assert!(symbols.resolve(address.unwrap()).unwrap().name.unwrap().contains("clock_gettime"));
    }
}

#[test]
fn address_in_no_module_is_none_and_absent_process_an_error() {
    assert_eq!(own().resolve(16), None);
    assert!(matches!(ProcessSymbols::new(i32::MAX), Err(SymbolError::Io { .. })));
}

#[test]
fn dead_process_is_answered_from_its_last_known_map() {
    let mut child = std::process::Command::new("cat")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // When it has echoed, it is past its exec and its loader.
    use std::io::{Read, Write};
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let mut symbols = ProcessSymbols::new(child.id().cast_signed()).unwrap();
    let address = symbols.resolve_name("libc.so.6", "getppid").unwrap();
    drop(child.stdin.take());
    child.wait().unwrap();
    let symbol = symbols.resolve(address + 1).unwrap();
    assert_eq!((symbol.name, symbol.offset), (Some("getppid"), 1));
}

#[test]
fn a_perf_map_that_is_a_fifo_keeps_nobody_waiting() {
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let path = format!("/tmp/perf-{}.map", child.id());
    nix::unistd::mkfifo(path.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut symbols = ProcessSymbols::new(child.id().cast_signed()).unwrap();
    let found = symbols.resolve(16).is_some();
    std::fs::remove_file(path).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!found);
}

#[test]
fn mapping_lines_are_read() {
    let line = "7f00-8f00 r-xp 00001000 fe:01 1234      /tmp/a b.so (deleted)";
    let mapping = parse_mapping(line).unwrap();
    assert_eq!((mapping.start, mapping.end, mapping.offset), (0x7f00, 0x8f00, 0x1000));
    assert!(mapping.executable);
    assert_eq!((mapping.inode, mapping.path), (1234, "/tmp/a b.so"));
    assert_eq!(parse_mapping("7f00-8f00 rw-p 0 00:00 0").unwrap().path, "");
    assert_eq!(parse_mapping("nonsense"), None);
    assert!(!is_file("//anon") && !is_file("[heap]") && is_file("/bin/sh"));
}
