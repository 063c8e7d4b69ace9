//! Programs of a few instructions, and what the tests share.

use bcc_sys::bpf::call::{MapCreate, ProgLoad, map_create, prog_load};
use bcc_sys::bpf::insn::{op, to_bytes};
use bcc_sys::bpf::{Insn, MapFd, MapType, ProgType};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// An array of one `u64` that programs count in.
pub(crate) struct Counter(MapFd);

impl Counter {
    pub(crate) fn new() -> Self {
        Self(create_map(MapType::ARRAY, 4, 8, 1))
    }

    pub(crate) fn value(&self) -> u64 {
        let mut value = [0; 8];
        assert!(self.0.lookup(&[0; 4], &mut value, 0).unwrap());
        u64::from_ne_bytes(value)
    }

    /// `++*counter`, then return `result`; clobbers everything.
    pub(crate) fn bump(&self, result: i32) -> Vec<Insn> {
        let mut code = vec![Insn::store_imm(op::W, 10, -4, 0)];
        code.extend(Insn::ld_map_fd(1, self.0.as_fd().as_raw_fd()));
        code.extend([
            Insn::mov_reg(2, 10),
            Insn::add_imm(2, -4),
            Insn::call(1),
            Insn::jump_imm(0x10, 0, 0, 2),
            Insn::mov_imm(1, 1),
            // lock *(u64 *)(r0 + 0) += r1
            Insn::new(op::STX | op::ATOMIC | op::DW, 0, 1, 0, 0),
            Insn::mov_imm(0, result),
            Insn::exit(),
        ]);
        code
    }
}

pub(crate) fn create_map(map_type: MapType, key: u32, value: u32, entries: u32) -> MapFd {
    let spec = MapCreate {
        map_type: map_type.0,
        key_size: key,
        value_size: value,
        max_entries: entries,
        ..MapCreate::default()
    };
    MapFd::new(map_create(&spec).unwrap()).unwrap()
}

/// Goes on with `then` when the event is this process's, else returns 0.
pub(crate) fn of_this_process(then: &[Insn]) -> Vec<Insn> {
    let pid = std::process::id().cast_signed();
    let mut code = vec![
        Insn::mov_reg(6, 1),
        // bpf_get_current_pid_tgid() >> 32
        Insn::call(14),
        Insn::new(op::ALU64 | 0x70 | op::K, 0, 0, 0, 32),
        Insn::jump_imm(0x10, 0, pid, 2),
        Insn::mov_imm(0, 0),
        Insn::exit(),
        Insn::mov_reg(1, 6),
    ];
    code.extend_from_slice(then);
    code
}

/// Goes on with `then` when the raw tracepoint `sys_enter` is of system call `number`.
pub(crate) fn of_syscall(number: i64, then: &[Insn]) -> Vec<Insn> {
    let mut code = vec![
        Insn::load(op::DW, 2, 1, 8),
        Insn::jump_imm(0x10, 2, i32::try_from(number).unwrap(), 2),
        Insn::mov_imm(0, 0),
        Insn::exit(),
    ];
    code.extend_from_slice(then);
    code
}

pub(crate) fn load(kind: ProgType, attach: u32, code: &[Insn]) -> OwnedFd {
    load_named(kind, attach, code, "attach_test")
}

pub(crate) fn load_named(kind: ProgType, attach: u32, code: &[Insn], name: &str) -> OwnedFd {
    let insns = to_bytes(code);
    let request = ProgLoad {
        prog_type: kind.0,
        expected_attach_type: attach,
        insns: &insns,
        license: c"GPL",
        name,
        ..ProgLoad::default()
    };
    let mut log = vec![0; 1 << 16];
    prog_load(&request, 1, Some(&mut log)).unwrap_or_else(|error| {
        let end = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
        panic!("{error}\n{}", String::from_utf8_lossy(&log[..end]))
    })
}

/// Makes the `getppid` system call `times` times.
pub(crate) fn call_getppid(times: u64) {
    for _ in 0..times {
        nix::unistd::getppid();
    }
}

pub(crate) const GETPPID: i64 = libc::SYS_getppid;
