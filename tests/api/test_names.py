"""What the package is made of: names, constants, signatures, classes, and what it tells of kernel and modules."""

import inspect
import os

import bcc
import pytest
from bcc import BPF

NAMES = """BPF USDT USDTException Perf PerfType PerfHWConfig PerfSWConfig PerfEventSampleFormat BPFProgType
BPFAttachType XDPAction XDPFlags SymbolCache Table PerfEventArray RingBuf BPF_MAP_TYPE_QUEUE
BPF_MAP_TYPE_STACK DEBUG_LLVM_IR DEBUG_BPF DEBUG_PREPROCESSOR DEBUG_SOURCE DEBUG_BPF_REGISTER_STATE DEBUG_BTF
DEBUGFS TRACEFS get_online_cpus printb ArgString StrcmpRewrite _assert_is_bytes _get_num_open_probes lib
bcc_symbol bcc_symbol_option bcc_stacktrace_build_id __version__ os re ct json platform""".split()


@pytest.mark.parametrize("name", NAMES)
def test_name_of_the_package(name, row):
    value = getattr(bcc, name)
    assert value is not None
    row(f"bcc.{name}", type(value).__name__)


CONSTANTS = {
    "PerfType": {"HARDWARE": 0, "BREAKPOINT": 5},
    "PerfHWConfig": {"CPU_CYCLES": 0, "REF_CPU_CYCLES": 9},
    "PerfSWConfig": {"CPU_CLOCK": 0, "BPF_OUTPUT": 10},
    "PerfEventSampleFormat": {"IP": 1, "WEIGHT_STRUCT": 1 << 24},
    "BPFProgType": {"SOCKET_FILTER": 1, "CGROUP_SOCKOPT": 25, "LSM": 29},
    "BPFAttachType": {"CGROUP_INET_INGRESS": 0, "TRACE_ITER": 28, "SK_SKB_VERDICT": 38},
    "XDPAction": {"XDP_ABORTED": 0, "XDP_REDIRECT": 4},
    "XDPFlags": {"UPDATE_IF_NOEXIST": 1, "REPLACE": 16},
    "BPF": {"CLOCK_MONOTONIC": 1, "KPROBE": 2, "XDP_DROP": 1, "XDP_FLAGS_SKB_MODE": 2},
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(name, row):
    found = {key: getattr(getattr(bcc, name), key) for key in CONSTANTS[name]}
    assert found == CONSTANTS[name]
    row(f"constants {name}", found)


SIGNATURES = {
    "load_func": "func_name, prog_type, device=None, attach_type=-1",
    "load_funcs": "prog_type=2",
    "get_table": "name, keytype=None, leaftype=None, reducer=None",
    "attach_kprobe": "event=b'', event_off=0, fn_name=b'', event_re=b''",
    "attach_kretprobe": "event=b'', fn_name=b'', event_re=b'', maxactive=0",
    "detach_kprobe": "event, fn_name=None",
    "detach_kretprobe": "event, fn_name=None",
    "attach_uprobe": "name=b'', sym=b'', sym_re=b'', addr=None, fn_name=b'', pid=-1, sym_off=0",
    "attach_uretprobe": "name=b'', sym=b'', sym_re=b'', addr=None, fn_name=b'', pid=-1",
    "attach_tracepoint": "tp=b'', tp_re=b'', fn_name=b''",
    "attach_raw_tracepoint": "tp=b'', fn_name=b''",
    "attach_kfunc": "fn_name=b''",
    "attach_kretfunc": "fn_name=b''",
    "attach_fmod_ret": "fn_name=b''",
    "attach_lsm": "fn_name=b''",
    "trace_fields": "nonblocking=False",
    "trace_print": "fmt=None",
    "perf_buffer_poll": "timeout=-1",
    "ring_buffer_poll": "timeout=-1",
    "sym": "addr, pid, show_module=False, show_offset=False, demangle=True",
    "ksym": "addr, show_module=False, show_offset=False",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name, row):
    shown = str(inspect.signature(getattr(BPF, name)))[1:-1].removeprefix("self, ")
    # What is ours comes after what is upstream's.
    assert shown.startswith(SIGNATURES[name])
    row(f"signature BPF.{name}", f"({shown})")


TABLES = {
    "HASH": ("BPF_HASH(t, u32, u64)", "HashTable"),
    "ARRAY": ("BPF_ARRAY(t, u64, 4)", "Array"),
    "PROG_ARRAY": ("BPF_PROG_ARRAY(t, 4)", "ProgArray"),
    "PERF_EVENT_ARRAY": ("BPF_PERF_OUTPUT(t)", "PerfEventArray"),
    "PERCPU_HASH": ("BPF_PERCPU_HASH(t, u32, u64)", "PerCpuHash"),
    "PERCPU_ARRAY": ("BPF_PERCPU_ARRAY(t, u64, 4)", "PerCpuArray"),
    "LPM_TRIE": ("struct k { u32 len; u32 ip; }; BPF_LPM_TRIE(t, struct k, u64)", "LpmTrie"),
    "STACK_TRACE": ("BPF_STACK_TRACE(t, 64)", "StackTrace"),
    "LRU_HASH": ('BPF_TABLE("lru_hash", u32, u64, t, 64)', "LruHash"),
    "LRU_PERCPU_HASH": ('BPF_TABLE("lru_percpu_hash", u32, u64, t, 64)', "LruPerCpuHash"),
    "CGROUP_ARRAY": ("BPF_CGROUP_ARRAY(t, 2)", "CgroupArray"),
    "DEVMAP": ("BPF_DEVMAP(t, 4)", "DevMap"),
    "CPUMAP": ("BPF_CPUMAP(t, 2)", "CpuMap"),
    "XSKMAP": ("BPF_XSKMAP(t, 4)", "XskMap"),
    "QUEUE": ("BPF_QUEUE(t, u64, 4)", "QueueStack"),
    "STACK": ("BPF_STACK(t, u64, 4)", "QueueStack"),
    "RINGBUF": ("BPF_RINGBUF_OUTPUT(t, 8)", "RingBuf"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_table_class(kind, row):
    text, expected = TABLES[kind]
    with BPF(text=text.encode() + b";") as b:
        assert type(b[b"t"]).__name__ == expected
    row(f"table class of {kind}", expected)


def test_introspection(row):
    with BPF(text=b"BPF_HASH(t, u32, u64, 77);") as b:
        assert b.decode_table(b"t").startswith("Layout of BPF map t (type HASH, FD ")
        row("BPF.decode_table", "Layout of BPF map t (type HASH, ...")
        table = b[b"t"]
        assert table.info()["max_entries"] == 77
        row("Table.info (own)", "max_entries 77")
        assert len(b) == 1 and list(b) == [b"t"]
        row("BPF mapping protocol", [b"t"])
    for name, value in {
        "tracepoint_exists": BPF.tracepoint_exists("sched", "sched_switch"),
        "kernel_struct_has_field": BPF.kernel_struct_has_field(b"task_struct", b"pid"),
        "kernel_enum_has_val": BPF.kernel_enum_has_val(b"bpf_prog_type", b"BPF_PROG_TYPE_XDP"),
        "support_raw_tracepoint": BPF.support_raw_tracepoint(),
        "find_exe": BPF.find_exe(b"sh"),
        "find_library": BPF.find_library(b"c"),
        "get_tracepoints": len(BPF.get_tracepoints(b"sched:")),
        "get_user_functions": len(BPF.get_user_functions(b"c", b"^mem")),
        "get_user_addresses": len(BPF.get_user_addresses(b"c", b"^mem")),
        "ksymname": BPF.ksymname(b"schedule") > 0,
        "monotonic_time": BPF.monotonic_time() > 0,
        "get_probe_limit": BPF.get_probe_limit(),
    }.items():
        assert value
        row(f"BPF.{name}", value)
    for name in ("support_kfunc", "support_lsm", "support_fmod_ret", "support_raw_tracepoint_in_module"):
        value = getattr(BPF, name)()
        assert value in (True, False)
        row(f"BPF.{name}", value)


def test_program_methods(row):
    with BPF(text=b"int f(struct __sk_buff *skb) { return 3; }") as b:
        f = b.load_func(b"f", BPF.SOCKET_FILTER)
        assert (f.name, f.bpf, type(f.fd)) == (b"f", b, int)
        row("BPF.load_func, BPF.Function", f"name {f.name}, fd int")
        assert [fn.name for fn in b.load_funcs(BPF.SOCKET_FILTER)] == [b"f"]
        row("BPF.load_funcs", [b"f"])
        assert b.dump_func(b"f") == bytes.fromhex("b700000003000000 9500000000000000")
        row("BPF.dump_func", "b7..03 95")
        assert b.disassemble_func(b"f").splitlines()[1] == "   0: (b7) r0 = 3"
        row("BPF.disassemble_func", "0: (b7) r0 = 3")
        retval, _data, _ctx, _ns = f.test_run(bytes(64), repeat=2)
        assert retval == 3
        row("Function.test_run (own)", retval)
        info = f.info()
        assert info["name"] == "f" and info["type"] == BPF.SOCKET_FILTER
        row("Function.info (own)", {key: info[key] for key in ("name", "type", "xlated_len")})
        path = f"/sys/fs/bpf/bcc_api_{os.getpid()}"
        if os.path.ismount("/sys/fs/bpf"):
            f.pin(path)
            fd = bcc.lib.bpf_obj_get(path.encode())
            assert fd >= 0
            os.close(fd)
            os.unlink(path)
            row("Function.pin (own)", "reopened")


def test_debug_source(row, capfd):
    BPF(text=b"int f(void *ctx) {\n    return 5;\n}\n", debug=bcc.DEBUG_SOURCE).cleanup()
    shown = capfd.readouterr().err
    assert "Disassembly of function f" in shown and "r0 = 5" in shown and "Line   2" in shown
    row("DEBUG_SOURCE", "instructions with lines")
