"""Symbols, USDT, helper modules: the rest of the contract, each with what it gives."""

import argparse
import ctypes as ct
import gc
import os
import re
import subprocess
import sys

import bcc
import pytest
from bcc import BPF, USDT, USDTException, containers, disassembler, exec, lib, perf, syscall, tcp, utils
from counted import COUNT, MINE, hits


def kallsyms(name):
    """What the kernel says of one of its functions."""
    line = next(line for line in open("/proc/kallsyms") if line.endswith(f" {name}\n"))
    return int(line.split()[0], 16)


def test_kernel_symbols(row):
    address = kallsyms("schedule")
    assert BPF.ksymname(b"schedule") == address and BPF.ksymname(b"no_such_name") == -1
    assert BPF.ksym(address + 1, show_module=True, show_offset=True) == b"schedule+0x1 [kernel]"
    assert BPF.ksym(1) == b"[unknown]"
    row("BPF.ksym, ksymname", "schedule+0x1 [kernel]")
    assert BPF.sym(address, -1) == b"schedule"
    row("BPF.sym of pid -1", "schedule")


def test_symbols_of_a_process(row):
    libc = ct.CDLL(None)
    address = ct.cast(libc.getppid, ct.c_void_p).value
    name = BPF.sym(address + 2, os.getpid(), show_module=True, show_offset=True)
    assert re.fullmatch(rb".*getppid\+0x2 \[libc.so.6\]", name)
    row("BPF.sym", name.decode())
    cache = BPF._sym_cache(os.getpid())
    found, offset, module = cache.resolve(address + 2, False)
    assert (b"getppid" in found, offset) == (True, 2)
    assert cache.resolve_name(module, b"getppid") == address
    assert cache.resolve_name(module, b"no_such_name") == -1
    row("BPF._sym_cache, SymbolCache", f"{found.decode()}+{offset}")
    functions = BPF.get_user_functions_and_addresses(b"c", b"^getppid$")
    assert [name for name, _ in functions] == [b"getppid"]
    row("BPF.get_user_functions_and_addresses", functions)


def test_places_of_user_probes(row):
    libc = ct.CDLL(None)
    text = (COUNT + "int f(void *ctx) { return hit(); }").encode()
    ((_, address),) = BPF.get_user_functions_and_addresses(b"c", b"^getppid$")
    with BPF(text=text, cflags=MINE) as b:
        b.attach_uprobe(name=b"c", addr=address, fn_name=b"f", pid=os.getpid())
        libc.getppid()
        assert hits(b) == 1
        ((event, _),) = b.uprobe_fds.items()
        assert re.fullmatch(rb"p_libc_so_6_0x[0-9a-f]+_%d" % os.getpid(), event)
        row("BPF.attach_uprobe addr, uprobe_fds", event.decode())
        b.detach_uprobe(name=b"c", addr=address, pid=os.getpid())
        libc.getppid()
        assert hits(b) == 1
        with pytest.raises(Exception, match="is not attached"):
            b.detach_uprobe_event(event)
        b.attach_uprobe(name=b"c", sym=b"getppid", sym_off=0, fn_name=b"f")
        libc.getppid()
        assert hits(b) == 2
        row("BPF.attach_uprobe sym, sym_off; detach_uprobe_event", "1 hit; an error when gone")


def test_system_calls_names(row):
    with BPF(text=b"BPF_ARRAY(t, u64, 1);") as b:
        name = b.get_syscall_fnname(b"getpgid")
        assert kallsyms(name.decode()) and name.startswith(b.get_syscall_prefix())
        assert b.fix_syscall_fnname(b"sys_getpgid") == name
        assert b.fix_syscall_fnname(b"vfs_read") == b"vfs_read"
    row("BPF.get_syscall_fnname, fix_syscall_fnname", name.decode())


def test_lifetime(row):
    b = BPF(text=(COUNT + "int f(void *ctx) { return hit(); }").encode(), cflags=MINE)
    b.attach_tracepoint(tp=b"syscalls:sys_enter_getpgid", fn_name=b"f")
    table = b[b"hits"]
    b.close()
    os.getpgid(0)
    assert table[0].value == 1
    row("BPF.close", "probes stay attached")
    b.cleanup()
    os.getpgid(0)
    assert table[0].value == 1
    b.cleanup()
    row("BPF.cleanup", "detached; a second call does nothing")
    assert BPF(text=b"").free_bcc_memory() == 0
    includes = BPF.generate_auto_includes(["sk_buff"])
    assert includes == "#include <linux/netdevice.h>\n"
    row("BPF.free_bcc_memory, generate_auto_includes", includes.replace("\n", " ").strip())


def test_quota(row, monkeypatch):
    monkeypatch.setenv("BCC_PROBE_LIMIT", "0")
    with BPF(text=b"int f(void *ctx) { return 0; }") as b:
        with pytest.raises(Exception, match="Number of open probes would exceed global quota"):
            b.attach_uprobe(name=b"c", sym=b"getppid", fn_name=b"f")
        with pytest.raises(Exception, match="would exceed global quota"):
            b._check_probe_quota(1)
    row("_check_probe_quota", "an exception past BCC_PROBE_LIMIT")


def test_disassembler(row):
    with BPF(text=b"BPF_HASH(t, u32, u64); int f(void *ctx) { u32 k = 1; return !t.lookup(&k); }") as b:
        text = b.disassemble_func(b"f")
        assert "call bpf_map_lookup_elem#1" in text and "<map at fd #" in text
        layout = b.decode_table(b"t", sizeinfo=True)
        assert "unsigned int key;  # 0x0000..0x0004" in layout
    row("disassemble_func, decode_table sizeinfo", "call bpf_map_lookup_elem#1; 0x0000..0x0004")
    assert disassembler.disassemble_prog("f", bytes.fromhex("b700000005000000")).splitlines() == [
        "Disassemble of BPF program f:", "   0: (b7) r0 = 5"
    ]
    row("bcc.disassembler", "0: (b7) r0 = 5")


def test_helper_modules(row):
    assert tcp.flags2str(0x12) == "SYN|ACK" and tcp.state2str(1) == "ESTABLISHED"
    row("bcc.tcp", "SYN|ACK, ESTABLISHED")
    assert syscall.syscall_name(59) == b"execve" and syscall.syscall_name(10**6) == b"[unknown: 1000000]"
    row("bcc.syscall", "execve")
    args = argparse.Namespace(cgroupmap=None, mntnsmap="/sys/fs/bpf/m")
    assert "mount_ns_set" in containers.filter_by_containers(args)
    row("bcc.containers", "a filter of mount namespaces")
    attr = perf.Perf.perf_event_attr()
    assert ct.sizeof(attr) == attr.size == 120
    row("bcc.perf", "perf_event_attr of 120 bytes")
    online = os.sysconf("SC_NPROCESSORS_ONLN")
    assert len(utils.get_online_cpus()) == online <= len(utils.get_possible_cpus())
    row("bcc.utils", f"{online} CPUs online")
    rewritten = utils.StrcmpRewrite.rewrite_expr('STRCMP("a", b)', False, False, [], "", 0)
    assert rewritten["expr"] == 'streq_0("a", (uintptr_t)(b))'
    row("bcc.utils.StrcmpRewrite", rewritten["expr"])
    assert re.match(r"\d+\.\d+", bcc.__version__)
    row("bcc.version", bcc.__version__)


def test_run_cmd(row, tmp_path):
    mark = tmp_path / "ran"
    pid = exec.run_cmd(["touch", str(mark)])
    assert os.path.exists(f"/proc/{pid}") and not mark.exists()
    exec.cmd_ready()
    while not exec.cmd_exited():
        pass
    assert mark.exists()
    row("bcc.exec", "held back, then run")


def test_usdt(row):
    if not USDT(path="/usr/bin/python3").enumerate_probes():
        pytest.skip("this interpreter was built without probes")
    python = os.path.realpath("/usr/bin/python3").encode()
    usdt = USDT(pid=os.getpid())
    probe = next(p for p in usdt.enumerate_probes() if p.name == b"gc__start")
    assert (probe.short_name(), probe.bin_path, probe.num_locations) == ("python:gc__start", python, 1)
    location = probe.get_location(0)
    argument = location.get_argument(0)
    assert location.num_arguments == 1 and abs(argument.size) in (4, 8)
    row("USDTProbe, location, argument", f"{probe.short_name()} at {location.address:#x}: {argument}")
    usdt.enable_probe("python:gc__start", "started")
    assert usdt.get_probe_arg_ctype("gc__start", 0).startswith("int")
    assert "_bpf_readarg_started_1" in usdt.get_text()
    ((path, function, address, pid),) = usdt.enumerate_active_probes()
    assert (path, function, address, pid) == (python, b"started", location.address, os.getpid())
    row("USDT.enumerate_active_probes, get_text", f"{function.decode()} at {address:#x}")
    assert lib.bcc_usdt_get_probe_argctype(usdt.get_context(), b"gc__start", 0)
    row("USDT.get_context", "taken by C functions")
    text = b"""BPF_HASH(seen, int);
    int started(struct pt_regs *ctx) {
        int generation = -1;
        bpf_usdt_readarg(1, ctx, &generation);
        seen.increment(generation);
        return 0;
    }"""
    with BPF(text=text, usdt_contexts=[usdt]) as b:
        for _ in range(7):
            gc.collect(1)
        assert b[b"seen"][ct.c_int(1)].value == 7
        row("BPF usdt_contexts", "7 collections of generation 1")
    with pytest.raises(USDTException, match="Failed to enable USDT probe 'no_such'"):
        usdt.enable_probe("no_such", "f")
    with pytest.raises(USDTException, match="either a pid or a binary path"):
        USDT()
    row("USDTException", "with a long explanation")


def test_usdt_of_two_processes(row):
    """One handler for the same probe of two processes."""
    if not USDT(path="/usr/bin/python3").enumerate_probes():
        pytest.skip("this interpreter was built without probes")
    script = "import gc, sys\ngc.disable()\nprint('ready', flush=True)\nsys.stdin.read(1)\ngc.collect(1)\n"
    argv = ["/usr/bin/python3", "-S", "-c", script]
    children = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    contexts = []
    for child in children:
        assert child.stdout.readline() == "ready\n"
        contexts.append(USDT(pid=child.pid))
        contexts[-1].enable_probe("python:gc__start", "started")
    text = b"""BPF_HASH(seen, u32);
    int started(struct pt_regs *ctx) {
        int generation = -1;
        bpf_usdt_readarg(1, ctx, &generation);
        u32 pid = bpf_get_current_pid_tgid() >> 32;
        if (generation == 1) seen.increment(pid);
        return 0;
    }"""
    with BPF(text=text, usdt_contexts=contexts) as b:
        for child in children:
            child.communicate("x")
        counted = {key.value: leaf.value for key, leaf in b[b"seen"].items()}
    assert counted == {child.pid: 1 for child in children}
    row("one handler in two processes", "1 call of each")


def test_version_of_the_interpreter_is_free(row):
    assert bcc._native.__file__.endswith(".abi3.so") and sys.version_info >= (3, 11)
    row("abi3", os.path.basename(bcc._native.__file__))
