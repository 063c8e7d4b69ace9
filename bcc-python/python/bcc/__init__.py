"""BPF programs written in C, compiled, loaded and read from Python.

>>> from bcc import BPF
>>> b = BPF(text='TRACEPOINT_PROBE(sched, sched_process_exec) { bpf_trace_printk("exec\\\\n"); return 0; }')
>>> b.trace_print()

Names are looked up on first use, so that `import bcc` itself costs next to nothing.
"""

# Where each public name lives; modules stand for themselves.
_HOME = {
    "BPF": ".bpf",
    "_get_num_open_probes": ".attach",
    "DEBUGFS": ".kernel",
    "TRACEFS": ".kernel",
    "SymbolCache": ".symbols",
    "USDT": ".usdt",
    "USDTException": ".usdt",
    "Perf": ".perf",
    "PerfType": ".enums",
    "PerfHWConfig": ".enums",
    "PerfSWConfig": ".enums",
    "PerfEventSampleFormat": ".enums",
    "BPFProgType": ".enums",
    "BPFAttachType": ".enums",
    "XDPAction": ".enums",
    "XDPFlags": ".enums",
    "DEBUG_LLVM_IR": ".enums",
    "DEBUG_BPF": ".enums",
    "DEBUG_PREPROCESSOR": ".enums",
    "DEBUG_SOURCE": ".enums",
    "DEBUG_BPF_REGISTER_STATE": ".enums",
    "DEBUG_BTF": ".enums",
    "Table": ".table",
    "PerfEventArray": ".table",
    "RingBuf": ".table",
    "BPF_MAP_TYPE_QUEUE": ".table",
    "BPF_MAP_TYPE_STACK": ".table",
    "get_online_cpus": ".utils",
    "printb": ".utils",
    "ArgString": ".utils",
    "StrcmpRewrite": ".utils",
    "_assert_is_bytes": ".utils",
    "lib": ".libbcc",
    "bcc_symbol": ".libbcc",
    "bcc_symbol_option": ".libbcc",
    "bcc_stacktrace_build_id": ".libbcc",
    "__version__": ".version",
    "BPFError": "._native",
    "CompileError": "._native",
    "LoadError": "._native",
    "AttachError": "._native",
    "MapError": "._native",
}
# Submodules that `import bcc` alone gives.
_SUBMODULES = frozenset(("disassembler", "libbcc", "perf", "table", "usdt", "utils", "version"))
# Standard modules that scripts have come to find here.
_MODULES = {
    "atexit": "atexit",
    "ct": "ctypes",
    "errno": "errno",
    "fcntl": "fcntl",
    "json": "json",
    "os": "os",
    "platform": "platform",
    "re": "re",
    "struct": "struct",
    "sys": "sys",
}

__all__ = [name for name in (*_HOME, *_MODULES) if not name.startswith("_")]


def __getattr__(name):
    # `__import__`, as importlib takes longer to load than most of what is here.
    if name in _HOME:
        value = getattr(__import__(__name__ + _HOME[name], fromlist=[name]), name)
    elif name in _MODULES:
        value = __import__(_MODULES[name])
    elif name in _SUBMODULES:
        return __import__(f"{__name__}.{name}", fromlist=[name])
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
