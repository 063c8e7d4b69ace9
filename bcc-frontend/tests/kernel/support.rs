//! Compiles self-contained plain C as the rewriter would hand it over, and loads it.

use bcc_core::compile::{CompileRequest, Compiler};
use bcc_core::spec::{Diagnostic, MapSpec, ModuleSpec, RelocationKind, TypeDesc};
use bcc_core::target::Target;
use bcc_frontend::emit::emit;
use bcc_frontend::facts::{ContextKind, MapDecl, ProgramDecl, Rewritten};
use bcc_frontend::source::{ClangInput, SourceFile};
use bcc_sys::bpf::call::{MapCreate, ProgLoad, btf_load, map_create, prog_load};
use bcc_sys::bpf::map::possible_cpus;
use bcc_sys::bpf::object::{TestRun, prog_test_run};
use bcc_sys::bpf::{MapFd, ProgType};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

const PRELUDE: &str = include_str!("prelude.h");
pub(crate) const MAIN: &str = "/virtual/main.c";

/// What a test compiles.
pub(crate) struct Case<'a> {
    pub(crate) text: &'a str,
    pub(crate) programs: &'a [(&'a str, ContextKind)],
    /// Name, kind, kernel type; key and leaf are as the prelude's `MAP` makes them.
    pub(crate) maps: &'a [(&'a str, &'a str, u32, u32, u32)],
    pub(crate) arch: &'a str,
    pub(crate) syscall: bool,
}

impl Default for Case<'_> {
    fn default() -> Self {
        Self { text: "", programs: &[], maps: &[], arch: "x86_64", syscall: false }
    }
}

pub(crate) fn line_of(text: &str, function: &str) -> u32 {
    let found = text.lines().position(|line| line.contains(&format!("{function}(")));
    u32::try_from(found.map_or(0, |n| n + 1)).unwrap()
}

pub(crate) fn compile(case: &Case<'_>) -> Result<ModuleSpec, Vec<Diagnostic>> {
    let request = CompileRequest {
        text: case.text.as_bytes().to_vec(),
        file: MAIN.to_owned(),
        target: Target {
            release: "6.1.0".to_owned(),
            arch: case.arch.to_owned(),
            ..Target::default()
        },
        ..CompileRequest::default()
    };
    let programs = case.programs.iter().map(|(name, context)| ProgramDecl {
        name: (*name).to_owned(),
        section: None,
        context: *context,
        syscall: case.syscall,
        line: line_of(case.text, name),
    });
    let maps = case.maps.iter().map(|&(name, kind, map_type, key_size, value_size)| {
        let members = key_size.next_multiple_of(8) + value_size.next_multiple_of(8);
        let spec = MapSpec {
            name: name.to_owned(),
            kind: kind.to_owned(),
            map_type,
            key_size,
            value_size,
            leaf: TypeDesc::default(),
            ..MapSpec::default()
        };
        MapDecl {
            spec,
            max_entries_offset: members,
            flags_offset: members + 4,
            loss_slot_offset: u32::MAX,
        }
    });
    let file = |path: &str, text: &str| SourceFile {
        path: path.to_owned(),
        text: text.as_bytes().to_vec(),
    };
    let target = if case.arch == "s390x" { "bpfeb" } else { "bpfel" };
    let args = ["-target", target, "-nostdinc", "-include", "/virtual/prelude.h"];
    let rewritten = Rewritten {
        input: ClangInput {
            main: MAIN.to_owned(),
            files: vec![file(MAIN, case.text), file("/virtual/prelude.h", PRELUDE)],
            args: args.iter().map(|&a| a.to_owned()).collect(),
        },
        maps: maps.collect(),
        programs: programs.collect(),
        ..Rewritten::default()
    };
    emit(&request, &rewritten)
}

/// A module whose maps exist.
pub(crate) struct Loaded {
    pub(crate) spec: ModuleSpec,
    pub(crate) maps: BTreeMap<String, MapFd>,
    pub(crate) btf: OwnedFd,
}

pub(crate) fn load(case: &Case<'_>) -> Loaded {
    let spec = compile(case).unwrap_or_else(|diagnostics| {
        let text: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        panic!("{}", text.join("\n"))
    });
    load_spec(spec)
}

/// Loads what the whole compiler makes of a text of the dialect.
pub(crate) fn load_dialect(text: &str) -> Loaded {
    let request = CompileRequest {
        text: text.as_bytes().to_vec(),
        file: MAIN.to_owned(),
        cwd: std::env::current_dir().unwrap(),
        target: Target::running().unwrap(),
        ..CompileRequest::default()
    };
    let output = bcc_frontend::Compiler.compile(&request).unwrap_or_else(|error| panic!("{error}"));
    load_spec(output.spec)
}

fn load_spec(spec: ModuleSpec) -> Loaded {
    let mut log = vec![0; 1 << 16];
    let btf = btf_load(&spec.btf, Some(&mut log)).unwrap_or_else(|error| {
        panic!("BTF: {error}\n{}", String::from_utf8_lossy(&log).trim_end_matches('\0'))
    });
    let mut maps = BTreeMap::new();
    let cpus = u32::try_from(possible_cpus().unwrap()).unwrap();
    for map in &spec.maps {
        let create = MapCreate {
            map_type: map.map_type,
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: if map.kind == "perf_output" { cpus } else { map.max_entries },
            flags: map.flags,
            name: &map.name,
            btf: (map.btf_value_id != 0 && map.key_size != 0)
                .then(|| (btf.as_fd(), map.btf_key_id, map.btf_value_id)),
            ..MapCreate::default()
        };
        let fd = map_create(&create).unwrap_or_else(|error| panic!("map {map:?}: {error}"));
        let fd = MapFd::new(fd).unwrap();
        if let Some(data) = &map.data {
            fd.update(&[0; 4], data, 0).unwrap();
        }
        maps.insert(map.name.clone(), fd);
    }
    Loaded { spec, maps, btf }
}

impl Loaded {
    /// Loads one program; the verifier's log when it refuses.
    pub(crate) fn program(&self, name: &str, kind: ProgType) -> Result<OwnedFd, String> {
        let program = self.spec.program(name).expect("the module has the program");
        let mut insns = program.insns.clone();
        for relocation in &program.relocations {
            let at = relocation.insn as usize * 8;
            let (map, source, offset) = match &relocation.kind {
                RelocationKind::Map(map) => (map, 1, 0),
                RelocationKind::MapValue { map, offset } => (map, 2, *offset),
                RelocationKind::Kfunc(name) => return Err(format!("kfunc {name}")),
            };
            let fd = std::os::fd::AsRawFd::as_raw_fd(&self.maps[map].as_fd());
            insns[at + 1] |= source << 4;
            insns[at + 4..at + 8].copy_from_slice(&fd.to_le_bytes());
            insns[at + 12..at + 16].copy_from_slice(&offset.to_le_bytes());
        }
        let license = CString::new("GPL").unwrap();
        let load = ProgLoad {
            prog_type: kind.0,
            insns: &insns,
            license: &license,
            name,
            btf: Some(self.btf.as_fd()),
            func_info: &program.func_info,
            line_info: &program.line_info,
            ..ProgLoad::default()
        };
        let mut log = vec![0; 1 << 20];
        prog_load(&load, 1, Some(&mut log)).map_err(|error| {
            let log = String::from_utf8_lossy(&log);
            format!("{error}\n{}", log.trim_end_matches('\0'))
        })
    }

    /// Runs a raw tracepoint program in this thread and returns its value.
    pub(crate) fn run(&self, name: &str, args: &[u64]) -> u32 {
        let program =
            self.program(name, ProgType::RAW_TRACEPOINT).unwrap_or_else(|e| panic!("{e}"));
        let ctx: Vec<u8> = args.iter().flat_map(|a| a.to_ne_bytes()).collect();
        let run = TestRun { ctx: &ctx, ..TestRun::default() };
        prog_test_run(program.as_fd(), &run).unwrap().retval
    }

    /// The value at `key`.
    pub(crate) fn value(&self, map: &str, key: u64) -> Option<u64> {
        let mut value = [0; 8];
        let map = &self.maps[map];
        let key = &key.to_ne_bytes()[..map.key_len()];
        map.lookup(key, &mut value[..map.value_len()], 0)
            .unwrap()
            .then(|| u64::from_ne_bytes(value))
    }
}

/// The calling thread's id.
pub(crate) fn thread_id() -> usize {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("Pid:")).unwrap();
    line.trim().parse().unwrap()
}
