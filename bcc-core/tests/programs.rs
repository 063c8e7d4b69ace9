//! Programs in the running kernel, from hand-written instructions; needs root.

mod common;

use anyhow::Result;
use bcc_core::module::{LoadOptions, Module};
use bcc_core::program::LoadError;
use bcc_core::spec::{MapSpec, ModuleSpec, ProgramSpec, Relocation, RelocationKind};
use bcc_sys::bpf::insn::{op, to_bytes};
use bcc_sys::bpf::{AttachType, Insn, MapType, ProgType};
use common::Alone;
use std::sync::Arc;

fn program(name: &str, insns: &[Insn], relocations: Vec<Relocation>) -> ProgramSpec {
    ProgramSpec { name: name.into(), insns: to_bytes(insns), relocations, ..Default::default() }
}

fn load(programs: Vec<ProgramSpec>) -> Result<Module> {
    let counts = MapSpec {
        name: "counts".into(),
        map_type: MapType::ARRAY.0,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        ..Default::default()
    };
    let spec =
        ModuleSpec { license: "GPL".into(), maps: vec![counts], programs, ..Default::default() };
    Ok(Module::load(spec, LoadOptions::default())?)
}

const RETURN_7: [Insn; 2] = [Insn::mov_imm(0, 7), Insn::exit()];

/// `counts[0] += 1; return 3`, the map to be patched in at instruction 2.
fn counter() -> ProgramSpec {
    let insns = [
        &[Insn::store_imm(op::W, 10, -4, 0)][..],
        &[Insn::mov_reg(2, 10)],
        &Insn::ld_imm64(1, 0, 0),
        &[
            Insn::add_imm(2, -4),
            Insn::call(1),
            Insn::jump_imm(0x10, 0, 0, 3),
            Insn::load(op::DW, 1, 0, 0),
            Insn::add_imm(1, 1),
            Insn::store(op::DW, 0, 1, 0),
            Insn::mov_imm(0, 3),
            Insn::exit(),
        ],
    ]
    .concat();
    let map = Relocation { insn: 2, kind: RelocationKind::Map("counts".into()) };
    program("counter", &insns, vec![map])
}

/// A frame of 64 bytes.
const PACKET: [u8; 64] = [0; 64];

#[test]
fn a_program_runs_with_the_map_patched_in() -> Result<()> {
    let _alone = Alone::as_root();
    let module = load(vec![counter()])?;
    let counter = module.load_program("counter", Some(ProgType::SOCKET_FILTER), None)?;
    let run = counter.test_run(&PACKET, &[], 5)?;
    assert_eq!(run.retval, 3);
    let counts = module.map("counts").expect("declared above");
    assert_eq!(counts.lookup(&[0; 4])?, Some(5u64.to_ne_bytes().to_vec()));
    // What was loaded names the real descriptor.
    let dump = module.dump("counter")?;
    assert_eq!(dump, counter.insns());
    assert_ne!(dump, module.spec().programs[0].insns);
    assert!(!counter.translated()?.is_empty());
    Ok(())
}

#[test]
fn a_map_value_address_reaches_the_value() -> Result<()> {
    let _alone = Alone::as_root();
    let insns =
        [&Insn::ld_imm64(1, 0, 0)[..], &[Insn::load(op::W, 0, 1, 0), Insn::exit()]].concat();
    let kind = RelocationKind::MapValue { map: "counts".into(), offset: 4 };
    let module = load(vec![program("get", &insns, vec![Relocation { insn: 0, kind }])])?;
    let counts = module.map("counts").expect("declared above");
    counts.update(&[0; 4], &[1, 1, 1, 1, 42, 0, 0, 0], 0)?;
    let get = module.load_program("get", Some(ProgType::SOCKET_FILTER), None)?;
    assert_eq!(get.test_run(&PACKET, &[], 1)?.retval, 42);
    Ok(())
}

#[test]
fn the_types_a_name_stands_for_are_loaded() -> Result<()> {
    let _alone = Alone::as_root();
    let names = [
        ("kprobe__vfs_read", ProgType::KPROBE, "vfs_read"),
        ("tracepoint__sched__sched_switch", ProgType::TRACEPOINT, "sched__sched_sw"),
        ("raw_tracepoint__sys_enter", ProgType::RAW_TRACEPOINT, "sys_enter"),
    ];
    let module = load(names.iter().map(|(name, ..)| program(name, &RETURN_7, vec![])).collect())?;
    for (name, prog_type, kernel_name) in names {
        let program = module.load_program(name, None, None)?;
        let info = program.info()?;
        assert_eq!((info.prog_type, info.name.as_str()), (prog_type, kernel_name));
        assert!(info.gpl_compatible);
    }
    Ok(())
}

#[test]
fn every_common_type_is_loaded_when_asked_for() -> Result<()> {
    let _alone = Alone::as_root();
    let return_0 = [Insn::mov_imm(0, 0), Insn::exit()];
    let module = load(vec![program("f", &return_0, vec![])])?;
    for (prog_type, attach_type) in [
        (ProgType::SOCKET_FILTER, AttachType(0)),
        (ProgType::KPROBE, AttachType(0)),
        (ProgType::SCHED_CLS, AttachType(0)),
        (ProgType::SCHED_ACT, AttachType(0)),
        (ProgType::TRACEPOINT, AttachType(0)),
        (ProgType::XDP, AttachType(0)),
        (ProgType::PERF_EVENT, AttachType(0)),
        (ProgType::CGROUP_SKB, AttachType(0)),
        (ProgType::SOCK_OPS, AttachType(0)),
        (ProgType::SK_SKB, AttachType(0)),
        (ProgType::SK_MSG, AttachType(0)),
        (ProgType::RAW_TRACEPOINT, AttachType(0)),
        (ProgType::CGROUP_SOCK_ADDR, AttachType::CGROUP_INET4_CONNECT),
        (ProgType::SK_LOOKUP, AttachType::SK_LOOKUP),
    ] {
        let loaded = module.load_program_for("f", prog_type, attach_type);
        // Two types may share an attach type, which is what they are cached by.
        assert!(module.unload_program("f"));
        let loaded = loaded.unwrap_or_else(|error| panic!("{prog_type}: {error}"));
        assert_eq!(loaded.info()?.prog_type, prog_type);
    }
    Ok(())
}

#[test]
fn the_first_type_wins() -> Result<()> {
    let _alone = Alone::as_root();
    let module = load(vec![program("f", &RETURN_7, vec![])])?;
    assert!(matches!(module.load_program("f", None, None), Err(LoadError::NoType { .. })));
    let first = module.load_program("f", Some(ProgType::KPROBE), None)?;
    let second = module.load_program("f", Some(ProgType::XDP), None)?;
    assert!(Arc::ptr_eq(&first, &second));
    assert!(matches!(module.load_program("g", None, None), Err(LoadError::Unknown { .. })));
    Ok(())
}

#[test]
fn a_rejected_program_gives_the_verifiers_telling_lines() -> Result<()> {
    let _alone = Alone::as_root();
    // r0 = *(u32 *)r2 with r2 never set.
    let bad = [Insn::mov_imm(3, 1), Insn::load(op::W, 0, 2, 0), Insn::exit()];
    let module = load(vec![program("bad", &bad, vec![])])?;
    let error = module.load_program("bad", Some(ProgType::KPROBE), None).unwrap_err();
    let LoadError::Verifier { program, errno, log, .. } = &error else { panic!("{error}") };
    assert_eq!((program.as_str(), *errno), ("bad", nix::errno::Errno::EACCES));
    assert!(log.telling().0.iter().any(|line| line.contains("R2 !read_ok")), "{log:#}");
    assert_eq!(log.last_insn(), Some(1));
    assert!(error.to_string().contains("R2 !read_ok"));
    Ok(())
}

#[test]
fn a_log_longer_than_the_first_buffer_is_whole() -> Result<()> {
    let _alone = Alone::as_root();
    // Forty thousand moves make a log of megabytes; the last instruction is at fault.
    let mut insns = vec![Insn::mov_imm(3, 1); 40_000];
    insns.extend([Insn::mov_reg(0, 4), Insn::exit()]);
    let module = load(vec![program("long", &insns, vec![])])?;
    let error = module.load_program("long", Some(ProgType::KPROBE), None).unwrap_err();
    let log = error.log().expect("the verifier said why");
    assert!(log.text().len() > 64 * 1024);
    assert_eq!(log.last_insn(), Some(40_000));
    assert!(log.telling().0.iter().any(|line| line.contains("R4 !read_ok")), "{log}");
    Ok(())
}

#[test]
fn debug_flags_keep_the_log_of_good_programs() -> Result<()> {
    let _alone = Alone::as_root();
    let spec = ModuleSpec {
        license: "GPL".into(),
        programs: vec![program("f", &RETURN_7, vec![])],
        ..Default::default()
    };
    let options = LoadOptions { debug: bcc_core::module::DEBUG_BPF, ..Default::default() };
    let module = Module::load(spec, options)?;
    let program = module.load_program("f", Some(ProgType::KPROBE), None)?;
    assert!(program.verifier_log().is_some_and(|log| log.text().contains("processed 2 insns")));
    Ok(())
}
