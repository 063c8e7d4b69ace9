//! Programs in mount and pid namespaces of their own, in archives, and such that become others.

use super::support::{Target, build, build_program, run};
use bcc_core::symbol::place::{Wanted, resolve};
use bcc_core::symbol::process::ProcessSymbols;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A shell in namespaces of its own.
fn unshared(flags: &[&str], script: &str, directory: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(flags).args(["sh", "-ec", script]).env("DIR", directory);
    command
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The only child of `pid`.
fn child_of(pid: i32) -> i32 {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.trim().parse().unwrap()
}

#[test]
fn program_on_a_mount_of_its_own_is_named() {
    if !is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let binary = build(directory.path(), &[]);
    let script = "mkdir $DIR/in; mount -t tmpfs none $DIR/in; cp $DIR/target $DIR/in/target; \
                  exec $DIR/in/target";
    let target = Target::spawn(&mut unshared(&["-m"], script, directory.path()), 3);
    let inside = directory.path().join("in/target");
    assert!(!inside.exists());
    target.check(&inside);
    let wanted = Wanted::Symbol("public_function", 0);
    let place = resolve(inside.to_str().unwrap(), wanted, Some(target.pid())).unwrap();
    let outside = resolve(binary.to_str().unwrap(), wanted, None).unwrap();
    assert_eq!((place.offset, place.address), (outside.offset, outside.address));
    assert!(place.path.starts_with(format!("/proc/{}/root", target.pid())));
}

#[test]
fn perf_map_is_read_in_the_namespaces_of_its_process() {
    if !is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    build_program(directory.path(), "jit.c", &[]);
    let script = "mount --bind $DIR /tmp; exec /tmp/target";
    let flags = ["-m", "-p", "-f", "--kill-child"];
    let target = Target::spawn(&mut unshared(&flags, script, directory.path()), 1);
    let pid = child_of(target.pid());
    let mut symbols = ProcessSymbols::new(pid).unwrap();
    let (_, address) = target.addresses[0];
    let symbol = symbols.resolve(address + 5).unwrap();
    assert_eq!((symbol.name, symbol.offset), (Some("compiled function"), 5));
    assert_eq!(symbol.module, format!("/proc/{pid}/root/tmp/perf-1.map"));
    assert_eq!(symbols.resolve(address + 0x40), None);
    // A runtime adds to its map.
    let map = directory.path().join("perf-1.map");
    let more = format!("{:x} 10 later function\n", address + 0x40);
    let old = std::fs::read_to_string(&map).unwrap();
    std::fs::write(&map, old + &more).unwrap();
    assert_eq!(symbols.resolve(address + 0x41).unwrap().name, Some("later function"));
}

#[test]
fn program_that_a_process_became_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let binary = build(directory.path(), &[]);
    let mut command = Command::new("sh");
    command.args(["-c", "echo before 0x1; read line; exec $DIR/target"]);
    let mut target = Target::spawn(command.env("DIR", directory.path()), 1);
    let mut symbols = target.symbols();
    assert!(symbols.modules().all(|path| !path.ends_with("/target")));
    target.go_on("", 3);
    target.check_with(&mut symbols, &binary);
}

/// The kernel places a program elsewhere when it starts itself again.
#[test]
fn program_that_starts_itself_again_is_named_where_it_is_now() {
    let directory = tempfile::tempdir().unwrap();
    let binary = build(directory.path(), &[]);
    let mut command = Command::new("sh");
    let again =
        "echo before 0x1; read line; exec sh -c 'echo then 0x1; read line; exec $DIR/target'";
    command.args(["-c", again]);
    let mut target = Target::spawn(command.env("DIR", directory.path()), 1);
    let mut symbols = target.symbols();
    let generation = symbols.generation();
    assert_eq!(symbols.generation(), generation);
    target.go_on("", 1);
    // It looks once in a millisecond at most.
    let changed = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        symbols.generation() != generation
    });
    assert!(changed);
    target.go_on("", 3);
    target.check_with(&mut symbols, &binary);
}

/// An archive with one member, stored at a page's start.
fn archive(member: &[u8]) -> (Vec<u8>, usize) {
    const AT: usize = 8192;
    let name = b"lib/member.so";
    let name_len = u16::try_from(name.len()).unwrap().to_le_bytes();
    let len = u32::try_from(member.len()).unwrap().to_le_bytes();
    let extra = u16::try_from(AT - 30 - name.len()).unwrap();
    let crc = &mut flate2::Crc::new();
    crc.update(member);
    let crc = crc.sum().to_le_bytes();
    // Method 0 (stored), no time, checksum, both sizes, lengths of name and extra field.
    let common =
        |extra: u16| [&[0; 6], &crc[..], &len, &len, &name_len, &extra.to_le_bytes()].concat();
    let mut bytes = [b"PK\x03\x04\x0a\0\0\0".as_slice(), &common(extra), name].concat();
    bytes.resize(AT, 0);
    bytes.extend_from_slice(member);
    let start = bytes.len();
    bytes.extend(b"PK\x01\x02\x14\0\x0a\0\0\0");
    bytes.extend(common(0));
    bytes.extend([0; 14]);
    bytes.extend(name);
    let size = u32::try_from(bytes.len() - start).unwrap();
    bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend(size.to_le_bytes());
    bytes.extend(u32::try_from(start).unwrap().to_le_bytes());
    bytes.extend([0; 2]);
    (bytes, AT)
}

#[test]
fn library_in_an_archive_is_named_by_its_member() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (source, library, apk) = (path("member.c"), path("member.so"), path("app.apk"));
    std::fs::write(&source, "int before(void) { return 1; } int answer(void) { return 4242; }\n")
        .unwrap();
    run("cc", &["-O1", "-shared", "-fPIC", &source, "-o", &library]);
    let nm = Command::new("nm").arg(&library).stderr(Stdio::inherit()).output().unwrap();
    let nm = String::from_utf8(nm.stdout).unwrap();
    let line = nm.lines().find(|line| line.ends_with(" answer")).unwrap();
    let address = line.split(' ').next().unwrap();
    let (bytes, at) = archive(&std::fs::read(&library).unwrap());
    std::fs::write(&apk, &bytes).unwrap();
    // The archive is one for others too.
    run("unzip", &["-tq", &apk]);
    let binary = build_program(directory.path(), "archive.c", &[]);
    let len = (bytes.len() - at).to_string();
    let mut command = Command::new(&binary);
    let target = Target::spawn(command.args([&apk, &at.to_string(), &len, address]), 1);
    let (name, function) = &target.addresses[0];
    assert_eq!(name, "returned_4242");
    let mut symbols = target.symbols();
    let symbol = symbols.resolve(function + 1).unwrap();
    let member = format!("{apk}!/lib/member.so");
    assert_eq!((symbol.name, symbol.offset), (Some("answer"), 1));
    assert_eq!(symbol.module, member);
    assert_eq!(symbols.resolve_name(&member, "answer"), Some(*function));
    let place = resolve(&member, Wanted::Symbol("answer", 0), Some(target.pid())).unwrap();
    let offset = at as u64 + u64::from_str_radix(address, 16).unwrap();
    assert_eq!(place.offset, offset);
    assert!(place.path.ends_with("app.apk"));
}
