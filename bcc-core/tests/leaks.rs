//! What is left of maps and programs once they are dropped: nothing. One test per process, since it
//! counts the process's descriptors; needs root.

mod common;

use anyhow::Result;
use bcc_core::map::create::{self, Context};
use bcc_core::module::{LoadOptions, Module};
use bcc_core::spec::{MapSpec, ModuleSpec, ProgramSpec, Relocation, RelocationKind};
use bcc_sys::bpf::object::{ObjectKind, fd_by_id};
use bcc_sys::bpf::{Insn, MapType, ProgType, insn};
use common::Alone;

fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Objects are freed after a grace period: asks until the kernel has.
fn wait_until_gone(kind: ObjectKind, id: u32) {
    while fd_by_id(kind, id).is_ok() {
        std::thread::yield_now();
    }
}

fn hash(name: &str, max_entries: u32) -> MapSpec {
    MapSpec {
        name: name.into(),
        map_type: MapType::HASH.0,
        key_size: 4,
        value_size: 4,
        max_entries,
        ..Default::default()
    }
}

fn module() -> ModuleSpec {
    let insns: Vec<Insn> =
        [&Insn::ld_imm64(1, 0, 0)[..], &[Insn::mov_imm(0, 0), Insn::exit()]].concat();
    ModuleSpec {
        license: "GPL".into(),
        maps: vec![hash("table", 1)],
        programs: vec![ProgramSpec {
            name: "filter".into(),
            insns: insn::to_bytes(&insns),
            relocations: vec![Relocation { insn: 0, kind: RelocationKind::Map("table".into()) }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn nothing_is_left_of_what_was_dropped_or_failed() -> Result<()> {
    let _alone = Alone::as_root();
    // Once before counting, so that what is opened once per process is open.
    drop(Module::load(module(), LoadOptions::default())?);
    let before = open_fds();

    let failed = create::all(&[hash("good", 1), hash("bad", 0)], &Context::default());
    assert!(failed.is_err());
    assert_eq!(open_fds(), before);

    for _ in 0..200 {
        let module = Module::load(module(), LoadOptions::default())?;
        let program = module.load_program("filter", Some(ProgType::SOCKET_FILTER), None)?;
        let (map_id, prog_id) = (module.maps()[0].info().id, program.info()?.id);
        assert_eq!(program.info()?.map_ids, [map_id]);
        drop(module);
        // The program keeps its map.
        assert!(fd_by_id(ObjectKind::Map, map_id).is_ok());
        drop(program);
        assert_eq!(open_fds(), before);
        wait_until_gone(ObjectKind::Prog, prog_id);
        wait_until_gone(ObjectKind::Map, map_id);
    }
    Ok(())
}
