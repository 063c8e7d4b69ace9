//! What programs print reaches the trace pipe.

use super::common::Alone;
use super::support::{GETPPID, call_getppid, load, of_syscall, of_this_process};
use bcc_core::kernel::tracepipe::{Next, TracePipe, fields};
use bcc_core::link::raw_tp;
use bcc_sys::bpf::insn::op;
use bcc_sys::bpf::{Insn, ProgType};
use std::os::fd::AsFd;

#[test]
fn printed_lines_are_read_and_taken_apart() {
    let Some(_alone) = Alone::as_root() else { return };
    let number = std::process::id().cast_signed();
    let mut code = Vec::new();
    let text = u64::from_le_bytes(*b"me: %d\0\0");
    code.extend(Insn::ld_imm64(1, 0, text));
    code.extend([
        Insn::store(op::DW, 10, 1, -8),
        Insn::mov_reg(1, 10),
        Insn::add_imm(1, -8),
        Insn::mov_imm(2, 7),
        Insn::mov_imm(3, number),
        Insn::call(6),
        Insn::mov_imm(0, 0),
        Insn::exit(),
    ]);
    let code = of_this_process(&of_syscall(GETPPID, &code));
    let program = load(ProgType::RAW_TRACEPOINT, 0, &code);
    let mut pipe = TracePipe::open().unwrap();
    let link = raw_tp::attach(program.as_fd(), "sys_enter").unwrap();
    // The kernel learns a thread's name when it leaves the CPU.
    let printer = std::thread::Builder::new().name("printer".to_owned());
    let printer = printer.spawn(|| {
        call_getppid(3);
        nix::unistd::gettid().as_raw()
    });
    let printer = printer.unwrap().join().unwrap();
    drop(link);
    let expected = format!("me: {number}");
    let mut seen = 0;
    while seen < 3 {
        let Next::Line(line) = pipe.next_line().unwrap() else { continue };
        let Some(fields) = fields(line) else { continue };
        if fields.message == expected.as_bytes() {
            assert_eq!((fields.task, fields.pid), (b"printer".as_slice(), i64::from(printer)));
            assert!(fields.seconds > 0.0);
            seen += 1;
        }
    }
    pipe.set_nonblocking(true).unwrap();
    while let Next::Line(line) = pipe.next_line().unwrap() {
        assert!(!line.ends_with(expected.as_bytes()), "printed three times only");
    }
}
