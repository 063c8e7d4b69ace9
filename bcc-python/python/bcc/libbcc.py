"""The C functions and structs that scripts reach for directly: `lib`, and ctypes of its arguments."""

import ctypes as ct

from . import _native
from .prototypes import C_FUNCTIONS
from .table.stack import bcc_stacktrace_build_id

__all__ = ["bcc_stacktrace_build_id", "bcc_symbol", "bcc_symbol_option", "lib"]

# The functions are in the extension module itself, which is loaded already.
lib = ct.CDLL(_native.__file__, use_errno=True)


class bcc_symbol(ct.Structure):
    """What an address is."""

    _fields_ = [
        ("name", ct.c_char_p),
        ("demangle_name", ct.c_char_p),
        ("module", ct.POINTER(ct.c_char)),
        ("offset", ct.c_ulonglong),
    ]


class bcc_symbol_option(ct.Structure):
    """How symbols are looked up."""

    _fields_ = [
        ("use_debug_file", ct.c_int),
        ("check_debug_file_crc", ct.c_int),
        ("lazy_symbolize", ct.c_int),
        ("use_symbol_type", ct.c_uint32),
    ]


class bcc_perf_buffer_opts(ct.Structure):
    """Which events a perf reader reads."""

    _fields_ = [("pid", ct.c_int), ("cpu", ct.c_int), ("wakeup_events", ct.c_int)]


class bcc_usdt(ct.Structure):
    """A USDT probe."""

    _fields_ = [
        ("provider", ct.c_char_p),
        ("name", ct.c_char_p),
        ("bin_path", ct.c_char_p),
        ("semaphore", ct.c_ulonglong),
        ("num_locations", ct.c_int),
        ("num_arguments", ct.c_int),
    ]


class bcc_usdt_location(ct.Structure):
    """Where a USDT probe is."""

    _fields_ = [("address", ct.c_ulonglong), ("bin_path", ct.c_char_p)]


class BCC_USDT_ARGUMENT_FLAGS:
    """Which members of a `bcc_usdt_argument` count."""

    NONE = 0x0
    CONSTANT = 0x1
    DEREF_OFFSET = 0x2
    DEREF_IDENT = 0x4
    BASE_REGISTER_NAME = 0x8
    INDEX_REGISTER_NAME = 0x10
    SCALE = 0x20


class bcc_usdt_argument(ct.Structure):
    """Where an argument of a USDT probe is found."""

    _fields_ = [
        ("size", ct.c_int),
        ("valid", ct.c_int),
        ("constant", ct.c_longlong),
        ("deref_offset", ct.c_int),
        ("deref_ident", ct.c_char_p),
        ("base_register_name", ct.c_char_p),
        ("index_register_name", ct.c_char_p),
        ("scale", ct.c_int),
    ]


class bpf_test_run_opts(ct.Structure):
    """Input and output of `bpf_prog_test_run_opts`."""

    _fields_ = [
        ("sz", ct.c_size_t),
        ("data_in", ct.c_void_p),
        ("data_out", ct.c_void_p),
        ("data_size_in", ct.c_uint32),
        ("data_size_out", ct.c_uint32),
        ("ctx_in", ct.c_void_p),
        ("ctx_out", ct.c_void_p),
        ("ctx_size_in", ct.c_uint32),
        ("ctx_size_out", ct.c_uint32),
        ("retval", ct.c_uint32),
        ("repeat", ct.c_int),
        ("duration", ct.c_uint32),
        ("flags", ct.c_uint32),
        ("cpu", ct.c_uint32),
        ("batch_size", ct.c_uint32),
    ]


class bcc_create_map_attr(ct.Structure):
    """What `bcc_create_map_xattr` makes a map of."""

    _fields_ = [("name", ct.c_char_p)] + [
        (_field, ct.c_uint32)
        for _field in (
            "map_type",
            "map_flags",
            "key_size",
            "value_size",
            "max_entries",
            "numa_node",
            "btf_fd",
            "btf_key_type_id",
            "btf_value_type_id",
            "map_ifindex",
            "inner_map_fd",
        )
    ]


class mod_info(ct.Structure):
    """A mapping of a process, as `bcc_procutils_each_module` gives it."""

    _fields_ = [("name", ct.c_char_p)] + [
        (_field, ct.c_uint64)
        for _field in (
            "start_addr",
            "end_addr",
            "file_offset",
            "dev_major",
            "dev_minor",
            "inode",
        )
    ]


class bcc_zip_entry(ct.Structure):
    """A member of a ZIP archive."""

    _fields_ = [
        ("compression", ct.c_uint16),
        ("name", ct.c_char_p),
        ("name_length", ct.c_uint16),
        ("data", ct.c_void_p),
        ("data_length", ct.c_uint32),
        ("data_offset", ct.c_uint32),
    ]


_RAW_CB_TYPE = ct.CFUNCTYPE(None, ct.py_object, ct.c_void_p, ct.c_int)
_LOST_CB_TYPE = ct.CFUNCTYPE(None, ct.py_object, ct.c_ulonglong)
_RINGBUF_CB_TYPE = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_void_p, ct.c_int)
_SYM_CB_TYPE = ct.CFUNCTYPE(ct.c_int, ct.c_char_p, ct.c_ulonglong)
_USDT_CB = ct.CFUNCTYPE(None, ct.POINTER(bcc_usdt))
_USDT_PROBE_CB = ct.CFUNCTYPE(None, ct.c_char_p, ct.c_char_p, ct.c_ulonglong, ct.c_int)
_KSYM_CB = ct.CFUNCTYPE(None, ct.c_char_p, ct.c_char_p, ct.c_ulonglong, ct.c_void_p)
_MODULE_CB = ct.CFUNCTYPE(ct.c_int, ct.POINTER(mod_info), ct.c_int, ct.c_void_p)
# Name, address and size of a symbol; address, size and file offset of a loaded part.
_ELF_SYM_CB = ct.CFUNCTYPE(ct.c_int, ct.c_char_p, ct.c_uint64, ct.c_uint64, ct.c_void_p)
_ELF_LOAD_CB = ct.CFUNCTYPE(ct.c_int, ct.c_uint64, ct.c_uint64, ct.c_uint64, ct.c_void_p)

_TYPES = {
    "void": None,
    "bool": ct.c_bool,
    "u8": ct.c_uint8,
    "i16": ct.c_int16,
    "int": ct.c_int,
    "uint": ct.c_uint,
    "u64": ct.c_uint64,
    "size": ct.c_size_t,
    "str": ct.c_char_p,
    "char": ct.c_char,
    "ptr": ct.c_void_p,
    "object": ct.py_object,
}


def _type(name):
    if name.endswith("*"):
        return ct.POINTER(_type(name[:-1]))
    return _TYPES[name] if name in _TYPES else globals()[name]


for _line in C_FUNCTIONS.split("\n"):
    if _line:
        _head, _, _arguments = _line[:-1].partition("(")
        _result, _name = _head.split()
        _function = getattr(lib, _name)
        _function.restype = _type(_result)
        _function.argtypes = [_type(_argument) for _argument in _arguments.split(", ") if _argument]
