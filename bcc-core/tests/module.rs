//! Modules attached by name, from hand-written instructions, seen to run; needs root.

mod common;

use anyhow::Result;
use bcc_core::program::LoadError;
use bcc_core::spec::{MapSpec, ModuleSpec, ProgramSpec, Relocation, RelocationKind};
use bcc_core::{Bpf, Error};
use bcc_sys::bpf::insn::{op, to_bytes};
use bcc_sys::bpf::object::{ObjectKind, fd_by_id};
use bcc_sys::bpf::{Insn, MapType, ProgType, info};
use common::Alone;

/// Counts in `counts[slot]` how often the calling thread gets there.
fn counter(name: &str, slot: i32) -> ProgramSpec {
    let tid = nix::unistd::gettid().as_raw();
    let insns = [
        // The low half of r0 is the thread; leave unless it is this one.
        &[
            Insn::call(14),
            Insn::new(op::ALU | 0xb0 | op::X, 0, 0, 0, 0),
            Insn::jump_imm(0x50, 0, tid, 10),
            Insn::store_imm(op::W, 10, -4, slot),
            Insn::mov_reg(2, 10),
            Insn::add_imm(2, -4),
        ][..],
        &Insn::ld_imm64(1, 0, 0),
        &[
            Insn::call(1),
            Insn::jump_imm(0x10, 0, 0, 3),
            Insn::load(op::DW, 1, 0, 0),
            Insn::add_imm(1, 1),
            Insn::store(op::DW, 0, 1, 0),
            Insn::mov_imm(0, 0),
            Insn::exit(),
        ],
    ]
    .concat();
    ProgramSpec {
        name: name.into(),
        insns: to_bytes(&insns),
        relocations: vec![Relocation { insn: 6, kind: RelocationKind::Map("counts".into()) }],
        ..Default::default()
    }
}

fn spec(programs: Vec<ProgramSpec>) -> ModuleSpec {
    let counts = MapSpec {
        name: "counts".into(),
        map_type: MapType::ARRAY.0,
        key_size: 4,
        value_size: 8,
        max_entries: 2,
        ..Default::default()
    };
    ModuleSpec { license: "GPL".into(), maps: vec![counts], programs, ..Default::default() }
}

/// A prime number of calls of no other use.
const CALLS: u64 = 31;

fn call() {
    for _ in 0..CALLS {
        std::hint::black_box(nix::unistd::getppid());
    }
}

#[test]
fn programs_are_attached_by_name_until_the_module_is_dropped() -> Result<()> {
    let _alone = Alone::as_root();
    let programs = vec![
        counter("raw_tracepoint__sys_enter", 0),
        counter("tracepoint__syscalls__sys_enter_getppid", 1),
        counter("unnamed", 1),
    ];
    let bpf = Bpf::builder().build_from_spec(spec(programs))?;
    assert_eq!(bpf.links().count(), 2);
    let counts = bpf.typed_map::<u32, u64>("counts")?;
    call();
    assert_eq!(counts.get(&1)?, Some(CALLS));
    assert!(counts.get(&0)? >= Some(CALLS));

    let ids: Vec<u32> = bpf
        .links()
        .flat_map(|(_, link)| link.fds().into_iter().filter_map(|fd| info::link_info(fd).ok()))
        .map(|link| link.id)
        .collect();
    assert!(!ids.is_empty());
    drop(bpf);
    let seen = counts.get(&1)?;
    call();
    assert_eq!(counts.get(&1)?, seen);
    for id in ids {
        assert!(fd_by_id(ObjectKind::Link, id).is_err());
    }
    Ok(())
}

#[test]
fn links_can_be_made_and_ended_one_by_one() -> Result<()> {
    let _alone = Alone::as_root();
    let mut bpf = Bpf::builder()
        .manual_attach()
        .build_from_spec(spec(vec![counter("raw_tracepoint__sys_enter", 0), counter("f", 1)]))?;
    assert_eq!(bpf.links().count(), 0);
    let counts = bpf.typed_map::<u32, u64>("counts")?;
    let link = bpf.attach_tracepoint("f", "syscalls", "sys_enter_getppid")?;
    call();
    assert_eq!(counts.get(&1)?, Some(CALLS));
    assert!(bpf.detach(link)?);
    assert!(!bpf.detach(link)?);
    call();
    assert_eq!(counts.get(&1)?, Some(CALLS));
    assert_eq!(counts.get(&0)?, Some(0));
    assert_eq!(bpf.load_program("f", ProgType::KPROBE)?.prog_type(), ProgType::TRACEPOINT);
    Ok(())
}

#[test]
fn a_target_the_kernel_does_not_have_is_named() {
    let _alone = Alone::as_root();
    let build = |name: &str| {
        let return_0 = to_bytes(&[Insn::mov_imm(0, 0), Insn::exit()]);
        let program = ProgramSpec { name: name.into(), insns: return_0, ..Default::default() };
        Bpf::builder().build_from_spec(spec(vec![program])).map(drop)
    };
    let error = build("kfunc__vmlinux__no_such_function").unwrap_err();
    assert_eq!(error.to_string(), "no_such_function is not found in vmlinux BTF");
    assert!(matches!(error, Error::Load(LoadError::Target { .. })));
    let error = build("kfunc__nosuchmodule__f").unwrap_err();
    assert_eq!(error.to_string(), "nosuchmodule BTF is not found");
    let error = build("lsm__no_such_hook").unwrap_err();
    assert_eq!(error.to_string(), "bpf_lsm_no_such_hook is not found in vmlinux BTF");
    let error = build("tracepoint__syscalls__no_such_call").unwrap_err();
    assert!(matches!(error, Error::Attach(_)), "{error}");
}

#[test]
fn a_program_without_privilege_names_the_capability() -> Result<()> {
    let _alone = Alone::as_root();
    // In a child, whose capabilities can be dropped without a way back.
    let exe = std::env::current_exe()?;
    let child = std::process::Command::new(exe)
        .args(["--exact", "--nocapture", "child_without_capabilities"])
        .env("BCC_TEST_CHILD", "1")
        .output()?;
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(
        output.contains("missing CAP_BPF"),
        "{output}{}",
        String::from_utf8_lossy(&child.stderr)
    );
    Ok(())
}

#[test]
fn child_without_capabilities() -> Result<()> {
    if std::env::var_os("BCC_TEST_CHILD").is_none() {
        return Ok(());
    }
    let nobody = nix::unistd::Uid::from_raw(65534);
    nix::unistd::setresuid(nobody, nobody, nobody)?;
    let error = Bpf::builder().build_from_spec(spec(vec![counter("f", 0)])).unwrap_err();
    println!("{error}");
    Ok(())
}

mod targets {
    /// Functions of this executable that nothing else has.
    #[inline(never)]
    pub(super) fn matching_target_one(n: u64) -> u64 {
        std::hint::black_box(n + 1)
    }

    #[inline(never)]
    pub(super) fn matching_target_two(n: u64) -> u64 {
        std::hint::black_box(n + 2)
    }
}

#[test]
fn many_user_functions_are_attached_by_pattern() -> Result<()> {
    let _alone = Alone::as_root();
    let pid = nix::unistd::getpid().as_raw();
    for only in [None, Some(pid)] {
        let mut bpf = Bpf::builder().build_from_spec(spec(vec![counter("f", 1)]))?;
        let exe = std::env::current_exe()?;
        let made =
            bpf.attach_uprobes("f", &exe.to_string_lossy(), ".*matching_target_(one|two)", only)?;
        assert_eq!((made.attached, made.skipped.len()), (2, 0));
        let counts = bpf.typed_map::<u32, u64>("counts")?;
        for n in 0..CALLS {
            std::hint::black_box(targets::matching_target_one(n) + targets::matching_target_two(n));
        }
        assert_eq!(counts.get(&1)?, Some(CALLS * 2), "{only:?}");
    }
    Ok(())
}

#[test]
fn many_kernel_functions_are_attached_and_untraceable_ones_skipped() -> Result<()> {
    let _alone = Alone::as_root();
    let bpf = Bpf::builder().build_from_spec(spec(vec![counter("f", 1)]))?;
    let functions = ["__x64_sys_getppid", "no_such_function_anywhere", "__x64_sys_getpgid"];
    let made = bcc_core::module::matching::kprobes(bpf.module(), "f", &functions, false);
    let has_kprobes = std::path::Path::new("/sys/bus/event_source/devices/kprobe").exists();
    let Ok(made) = made else {
        assert!(!has_kprobes);
        return Ok(());
    };
    assert!(has_kprobes);
    assert_eq!(made.skipped, ["no_such_function_anywhere"]);
    assert_eq!(made.attached, 2);
    let counts = bpf.typed_map::<u32, u64>("counts")?;
    call();
    assert_eq!(counts.get(&1)?, Some(CALLS));
    Ok(())
}

#[test]
fn a_device_that_is_not_there_is_named() {
    let _alone = Alone::as_root();
    let built = Bpf::builder().device("nosuchdev").build_from_spec(spec(Vec::new()));
    let Err(Error::Map(error)) = built else { panic!("{built:?}") };
    assert_eq!(error.errno(), Some(nix::errno::Errno::ENODEV));
    assert_eq!(error.to_string(), "device nosuchdev: No such device");
}
