//! Texts to modules: options, diagnostics, programs, shared tables.

use super::{builder, counting, needs, row};
use anyhow::Result;
use bcc_core::compile::CompileError;
use bcc_core::link::xdp;
use bcc_core::module::DEBUG_BPF;
use bcc_core::program::ProgType;
use bcc_core::{Bpf, Error, disasm, kernel};
use std::os::fd::AsFd;

#[test]
fn a_file_and_the_header_beside_it() -> Result<()> {
    needs!(std::env::var_os("BCC_COMPILE_SPOOL").is_none(), "compiler that sees this file");
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("n.h"), "#define N 5\n")?;
    let file = directory.path().join("text.c");
    std::fs::write(
        &file,
        "#include \"n.h\"\nBPF_ARRAY(t, u64, N + M); int f(void *c) { return 1; }",
    )?;
    let bpf = Bpf::builder().cflags(["-DM=2"]).build_from_file(&file)?;
    assert_eq!(bpf.map("t")?.max_entries(), 7);
    row("Rust builder.cflags, build_from_file", "N + M = 7");
    Ok(())
}

#[test]
fn builder_options() -> Result<()> {
    let text = "BPF_ARRAY(t, u64, M); int f(void *c) { return 1; }";
    let bpf = Bpf::builder().cflags(["-DM=2"]).debug(DEBUG_BPF).build_from_text(text)?;
    assert_eq!(bpf.map("t")?.max_entries(), 2);
    let program = bpf.load_program("f", ProgType::SOCKET_FILTER)?;
    assert!(program.verifier_log().is_some());
    row("Rust builder.debug(DEBUG_BPF)", "verifier log kept");
    let error = Bpf::builder().device("no_such").build_from_text("BPF_ARRAY(t, u64, 1);");
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Map(_)), "{error}");
    row("Rust builder.device", error);
    Ok(())
}

#[test]
fn headers_that_the_caller_names() -> Result<()> {
    needs!(std::env::var_os("BCC_COMPILE_SPOOL").is_none(), "compiler that sees this tree");
    let tree = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/kernel_source");
    let text = "#include <linux/only_here.h>\nBPF_ARRAY(t, struct only_here, 1);";
    let bpf = Bpf::builder().kernel_source(tree).build_from_text(text)?;
    assert_eq!(bpf.map("t")?.value_size(), 4711);
    row("Rust builder.kernel_source", "a struct of 4711 bytes that no kernel has");
    let absent = Bpf::builder().kernel_source("/no/such/tree").build_from_text(text);
    let error = absent.unwrap_err().to_string();
    assert!(error.contains("/no/such/tree (BCC_KERNEL_SOURCE or kernel_source) does not exist"));
    row("Rust builder.kernel_source, absent", error);
    Ok(())
}

#[test]
fn diagnostics() {
    let error = Bpf::from_text("int f(void *c) {\n  return nothing;\n}").unwrap_err();
    let Error::Compile(CompileError::Diagnostics { diagnostics, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!(diagnostics[0].line, 2);
    row("Rust compile errors", format!("line {}: {}", diagnostics[0].line, diagnostics[0].message));
    let bad = "int f(struct __sk_buff *s) { char *p = 0; return p[1]; }";
    let error = Bpf::from_text(bad).unwrap().load_program("f", ProgType::SOCKET_FILTER);
    let error = error.unwrap_err();
    assert!(error.log().is_some(), "{error}");
    row("Rust verifier errors", "the log comes with the error");
    let error = Bpf::from_text("int f(void *c) { return 0; }").unwrap();
    let error = error.load_program("no_such", ProgType::XDP).unwrap_err();
    row("Rust unknown program", error);
}

#[test]
fn programs() -> Result<()> {
    let bpf = Bpf::from_text("int f(struct __sk_buff *skb) { return 3; }")?;
    let program = bpf.load_program("f", ProgType::SOCKET_FILTER)?;
    assert_eq!(program.test_run(&[0; 64], &[], 1)?.retval, 3);
    row("Rust load_program (C++ load_func), test_run", 3);
    assert_eq!(program.info()?.name, "f");
    row("Rust Program::info", program.info()?.name);
    let insns = bpf.module().dump("f")?;
    assert_eq!(insns, [0xb7, 0, 0, 0, 3, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
    row("Rust dump (crate dump_func)", disasm::lines(&insns).join("; "));
    drop(program);
    assert!(bpf.module().unload_program("f") && !bpf.module().unload_program("f"));
    row("Rust unload_program (C++ unload_func)", "once");
    Ok(())
}

#[test]
fn shared_tables_are_of_their_namespace() -> Result<()> {
    let text = "BPF_TABLE_SHARED(\"hash\", u32, u64, shared, 8);";
    let used = "BPF_TABLE(\"extern\", u32, u64, shared, 8);";
    let one = Bpf::builder().maps_namespace("one").build_from_text(text)?;
    let other = Bpf::builder().maps_namespace("one").build_from_text(used)?;
    one.typed_map::<u32, u64>("shared")?.insert(&1, &11)?;
    assert_eq!(other.typed_map::<u32, u64>("shared")?.get(&1)?, Some(11));
    assert!(Bpf::builder().maps_namespace("two").build_from_text(used).is_err());
    row("Rust maps_namespace (C++ createSharedTableStorage)", "11 in its own, unknown in another");
    Ok(())
}

#[test]
fn questions_about_the_kernel() -> Result<()> {
    use kernel::{cpus, functions, kallsyms::Kallsyms, syscalls, tracefs};
    let symbols = Kallsyms::read()?;
    let name = syscalls::function_name("getpgid");
    assert!(symbols.address_of(&name).is_some(), "{name}");
    row("Rust syscalls::function_name (get_syscall_fnname)", &name);
    row("Rust syscalls::prefix (get_syscall_prefix)", syscalls::prefix());
    let truth = std::fs::read_to_string("/proc/kallsyms")?;
    let line = truth.lines().find(|line| line.ends_with(" schedule")).unwrap();
    let address = u64::from_str_radix(line.split(' ').next().unwrap(), 16)?;
    assert_eq!(symbols.address_of("schedule"), Some(address));
    assert_eq!(symbols.at(address + 1).unwrap().name, "schedule");
    row("Rust Kallsyms (crate ksymname)", "schedule as in /proc/kallsyms");
    let online = std::thread::available_parallelism()?.get();
    assert!(cpus::online()?.len() >= online);
    row("Rust cpus::online (crate cpuonline::get)", format!("{:?}", cpus::online()?));
    assert!(tracefs::exists("sched", "sched_switch"));
    let found = functions::kprobe_functions(&functions::whole("vfs_re[a]d")?)?;
    assert_eq!(found.contains("vfs_read"), super::has_kprobes());
    row("Rust functions::kprobe_functions (get_kprobe_functions)", format!("{found:?}"));
    use kernel::features::{Feature, supported};
    row("Rust features::supported (support_raw_tracepoint)", supported(Feature::RawTracepoint));
    assert!(supported(Feature::RawTracepoint));
    Ok(())
}

#[test]
fn links_end_one_by_one_and_all_together() -> Result<()> {
    let mut bpf =
        counting("int f(void *ctx) { return hit(); } int g(void *ctx) { return hit(); }")?;
    let one = bpf.attach_tracepoint("f", "syscalls", "sys_enter_getpgid")?;
    let _other = bpf.attach_tracepoint("g", "syscalls", "sys_exit_getpgid")?;
    super::getpgid();
    assert_eq!(super::hits(&bpf), 2);
    assert!(bpf.detach(one)? && !bpf.detach(one)?);
    super::getpgid();
    assert_eq!((super::hits(&bpf), bpf.links().count()), (3, 1));
    row("Rust detach(LinkId)", "once; the other stays");
    bpf.detach_all()?;
    super::getpgid();
    assert_eq!((super::hits(&bpf), bpf.links().count()), (3, 0));
    row("Rust detach_all", "0 links, 0 hits after");
    Ok(())
}

#[test]
fn attach_by_name_or_by_hand() -> Result<()> {
    let text = "TRACEPOINT_PROBE(syscalls, sys_enter_getpgid) { return 0; }";
    assert_eq!(builder().build_from_text(text)?.links().count(), 1);
    assert_eq!(builder().manual_attach().build_from_text(text)?.links().count(), 0);
    row("Rust attach by function name, manual_attach", "1 link, none");
    Ok(())
}

#[test]
fn xdp_of_a_device_of_its_own() -> Result<()> {
    let mut bpf = Bpf::from_text("int f(struct xdp_md *ctx) { return XDP_PASS; }")?;
    super::hooks::in_own_network(|| {
        let id = bpf.attach_xdp("f", "lo", 2).unwrap();
        assert!(super::hooks::shown(&["ip", "-d", "link", "show", "lo"]).contains("xdpgeneric"));
        bpf.detach(id).unwrap();
        assert!(!super::hooks::shown(&["ip", "-d", "link", "show", "lo"]).contains("xdp"));
        row("Rust attach_xdp (crate XDP)", "xdpgeneric, then gone");
        let program = bpf.load_program("f", ProgType::XDP).unwrap();
        let link = xdp::attach_link(program.as_fd(), "lo", 2).unwrap();
        assert!(super::hooks::shown(&["ip", "-d", "link", "show", "lo"]).contains("xdp"));
        drop(link);
        assert!(!super::hooks::shown(&["ip", "-d", "link", "show", "lo"]).contains("xdp"));
        row("Rust xdp::attach_link (own)", "ends with the link");
    });
    Ok(())
}
