//! Probes, tracepoints, BTF programs, perf events: attached, hit, detached.

use super::{counting, getpgid, has_kprobes, hits, needs, row};
use anyhow::Result;
use bcc_core::Bpf;
use bcc_core::kernel::features::{Feature, supported};
use bcc_core::kernel::syscalls;
use bcc_core::link::kprobe::KprobeOpts;
use bcc_core::link::perf_event::{PerfEventOpts, Sampling};
use bcc_core::link::uprobe::UprobeOpts;
use bcc_core::program::Hook;
use bcc_core::symbol::build_id::BuildIdCache;
use bcc_core::symbol::elf::ElfFile;
use bcc_core::symbol::place::{self, Wanted};
use bcc_core::symbol::process::ProcessSymbols;
use bcc_core::usdt::Usdt;
use bcc_sys::perf::TYPE_SOFTWARE;
use std::io::Read;
use std::process::Command;

#[test]
fn kernel_probes() -> Result<()> {
    needs!(has_kprobes(), "kprobes");
    let mut bpf = counting("int f(void *ctx) { return hit(); }")?;
    let function = syscalls::function_name("getpgid");
    let entry = bpf.attach_kprobe("f", &function)?;
    getpgid();
    assert_eq!(hits(&bpf), 1);
    row("Rust attach_kprobe", "1 hit");
    bpf.attach_kretprobe("f", &function)?;
    getpgid();
    assert_eq!(hits(&bpf), 3);
    row("Rust attach_kretprobe", "1 hit more");
    let opts = KprobeOpts { function, on_return: true, maxactive: 4, ..Default::default() };
    bpf.attach_kprobe_with("f", &opts)?;
    getpgid();
    assert_eq!(hits(&bpf), 6);
    row("Rust attach_kprobe_with maxactive", "1 hit more");
    bpf.detach(entry)?;
    getpgid();
    assert_eq!(hits(&bpf), 8);
    row("Rust detach (C++ detach_kprobe)", "1 hit fewer");
    bpf.detach_all()?;
    let many = bpf.attach_kprobes("f", ".*sys_getp(gid|riority)")?;
    getpgid();
    assert!(hits(&bpf) > 8 && many.attached >= 2);
    row("Rust attach_kprobes (pattern)", format!("{} functions", many.attached));
    Ok(())
}

fn getppid_of_libc() -> UprobeOpts {
    UprobeOpts::function("c", "getppid", Some(std::process::id().cast_signed())).unwrap()
}

#[test]
fn user_probes() -> Result<()> {
    let mut bpf = counting("int f(void *ctx) { return hit(); }")?;
    let opts = getppid_of_libc();
    let id = bpf.attach_uprobe("f", &opts)?;
    nix::unistd::getppid();
    assert_eq!(hits(&bpf), 1);
    row("Rust attach_uprobe", "1 hit");
    bpf.attach_uprobe("f", &UprobeOpts { on_return: true, ..opts })?;
    nix::unistd::getppid();
    assert_eq!(hits(&bpf), 3);
    row("Rust attach_uprobe on_return (Uretprobe)", "1 hit more");
    bpf.detach(id)?;
    nix::unistd::getppid();
    assert_eq!(hits(&bpf), 4);
    row("Rust detach (C++ detach_uprobe)", "1 hit fewer");
    bpf.detach_all()?;
    let many = bpf.attach_uprobes("f", "c", "getp(pid|gid)$", None)?;
    nix::unistd::getppid();
    assert_eq!((hits(&bpf), many.attached), (5, 2));
    row("Rust attach_uprobes (pattern)", format!("{} places", many.attached));
    Ok(())
}

#[test]
fn tracepoints() -> Result<()> {
    let mut bpf = counting("int f(void *ctx) { return hit(); }")?;
    bpf.attach_tracepoint("f", "syscalls", "sys_enter_getpgid")?;
    getpgid();
    assert_eq!(hits(&bpf), 1);
    row("Rust attach_tracepoint", "1 hit");
    let text = "int f(struct bpf_raw_tracepoint_args *ctx) { return hit(); }";
    let mut bpf = counting(text)?;
    bpf.attach_raw_tracepoint("f", "sys_enter")?;
    getpgid();
    assert!(hits(&bpf) > 0);
    row("Rust attach_raw_tracepoint", "hits > 0");
    Ok(())
}

#[test]
fn functions_by_trampoline() -> Result<()> {
    needs!(supported(Feature::Fentry), "fentry");
    let text =
        "KFUNC_PROBE(vfs_statx) { return hit(); } KRETFUNC_PROBE(vfs_statx) { return hit(); }";
    let bpf = counting(text)?;
    assert!(!std::path::Path::new("/nonexistent").exists());
    assert_eq!(hits(&bpf), 2);
    row("Rust KFUNC_PROBE, KRETFUNC_PROBE (own)", "2 hits");
    Ok(())
}

#[test]
fn lsm_and_iterator() -> Result<()> {
    needs!(supported(Feature::Lsm), "BPF LSM");
    let text = "LSM_PROBE(path_mkdir) { return bpf_get_current_pid_tgid() >> 32 == PID ? -1 : 0; }";
    let mut bpf = super::builder().manual_attach().build_from_text(text)?;
    bpf.attach_tracing(Hook::Lsm, "path_mkdir")?;
    let directory = std::env::temp_dir().join(format!("bcc_rows_{}", std::process::id()));
    let made = std::fs::create_dir(&directory).unwrap_err();
    assert_eq!(made.kind(), std::io::ErrorKind::PermissionDenied);
    row("Rust attach_tracing(Lsm) (own)", "mkdir gave EPERM");
    let text = "BPF_ITER(task) {
        struct task_struct *task = ctx->task;
        if (task == (void *)0) return 0;
        u32 id = task->tgid;
        bpf_seq_write(ctx->meta->seq, &id, sizeof(id));
        return 0;
    }";
    let mut ids = Vec::new();
    Bpf::from_text(text)?.open_iterator("bpf_iter__task")?.read_to_end(&mut ids)?;
    let own = std::process::id().to_ne_bytes();
    assert!(ids.chunks_exact(4).any(|id| id == own));
    row("Rust open_iterator (own)", "this process is listed");
    Ok(())
}

#[test]
fn sampled_perf_events() -> Result<()> {
    let mut bpf = counting("int f(struct bpf_perf_event_data *ctx) { return hit(); }")?;
    bpf.attach_perf_event(
        "f",
        &PerfEventOpts {
            kind: TYPE_SOFTWARE,
            // PERF_COUNT_SW_CPU_CLOCK
            config: 0,
            sampling: Sampling::Frequency(999),
            pid: None,
            cpu: None,
            group: None,
        },
    )?;
    while hits(&bpf) == 0 {
        std::hint::spin_loop();
    }
    row("Rust attach_perf_event", "samples > 0");
    bpf.detach_all()?;
    let seen = hits(&bpf);
    for _ in 0..10_000_000 {
        std::hint::spin_loop();
    }
    assert_eq!(hits(&bpf), seen);
    row("Rust detach (C++ detach_perf_event)", "no sample after");
    Ok(())
}

#[test]
fn usdt() -> Result<()> {
    let path = std::fs::canonicalize("/usr/bin/python3")?;
    let mut usdt = Usdt::of_path(path.to_str().unwrap())?;
    needs!(usdt.probes().iter().any(|probe| probe.name == "gc__start"), "probes in its python3");
    usdt.enable("python:gc__start", "started")?;
    let text = "BPF_HASH(generations, int);
        int started(struct pt_regs *ctx) {
            int generation = -1;
            bpf_usdt_readarg(1, ctx, &generation);
            generations.increment(generation);
            return 0;
        }";
    let bpf = Bpf::builder().usdt(usdt).attach_usdt_ignore_pid(true).build_from_text(text)?;
    let script = "import gc; gc.disable(); [gc.collect(1) for _ in range(7)]";
    assert!(Command::new(&path).args(["-S", "-c", script]).status()?.success());
    // Collections of generation 2 may come at the interpreter's end.
    assert_eq!(bpf.typed_map::<i32, u64>("generations")?.get(&1)?, Some(7));
    row("Rust builder.usdt (C++ attach_usdt, crate USDTContext)", "7 collections of generation 1");
    Ok(())
}

#[test]
fn symbols() -> Result<()> {
    let own = std::process::id().cast_signed();
    let opts = getppid_of_libc();
    let mut process = ProcessSymbols::new(own)?;
    // The maps name the file itself, not a link to it.
    let library = std::fs::canonicalize(&opts.path)?;
    let address = process.resolve_name(library.to_str().unwrap(), "getppid").unwrap();
    let symbol = process.resolve(address + 1).unwrap();
    assert_eq!((symbol.offset, symbol.name.unwrap().contains("getppid")), (1, true));
    row("Rust ProcessSymbols (crate SymbolCache)", "getppid+1 there and back");
    let place = place::resolve("c", Wanted::Symbol("getppid", 0), Some(own))?;
    assert_eq!(place.offset, opts.offset);
    row("Rust place::resolve (crate resolve_symname)", format!("{:#x}", place.offset));
    let id = ElfFile::open(&place.path)?.build_id().unwrap();
    let mut cache = BuildIdCache::default();
    cache.add_module(&place.path)?;
    assert!(cache.resolve(&id, place.offset).unwrap().name.unwrap().contains("getppid"));
    row("Rust BuildIdCache (C++ add_module)", "getppid by build-id");
    Ok(())
}
