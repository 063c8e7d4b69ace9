"""The C functions and structs that scripts reach for directly: `lib`, and ctypes of its arguments."""

import ctypes as ct

from . import _native
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


_RAW_CB_TYPE = ct.CFUNCTYPE(None, ct.py_object, ct.c_void_p, ct.c_int)
_LOST_CB_TYPE = ct.CFUNCTYPE(None, ct.py_object, ct.c_ulonglong)
_RINGBUF_CB_TYPE = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_void_p, ct.c_int)
_SYM_CB_TYPE = ct.CFUNCTYPE(ct.c_int, ct.c_char_p, ct.c_ulonglong)
_USDT_CB = ct.CFUNCTYPE(None, ct.POINTER(bcc_usdt))
_USDT_PROBE_CB = ct.CFUNCTYPE(None, ct.c_char_p, ct.c_char_p, ct.c_ulonglong, ct.c_int)

_MODULE = [ct.c_void_p]
_TABLE = [ct.c_void_p, ct.c_char_p]
_INDEX = [ct.c_void_p, ct.c_size_t]

# Result, then arguments.
_PROTOTYPES = {
    "bpf_module_rw_engine_enabled": (ct.c_bool, []),
    "bpf_module_license": (ct.c_char_p, _MODULE),
    "bpf_module_kern_version": (ct.c_uint, _MODULE),
    "bpf_num_functions": (ct.c_size_t, _MODULE),
    "bpf_function_name": (ct.c_char_p, _INDEX),
    "bpf_function_start": (ct.c_void_p, _TABLE),
    "bpf_function_size": (ct.c_size_t, _TABLE),
    "bcc_func_load": (
        ct.c_int,
        [
            ct.c_void_p,
            ct.c_int,
            ct.c_char_p,
            ct.c_void_p,
            ct.c_size_t,
            ct.c_char_p,
            ct.c_uint,
            ct.c_int,
            ct.c_char_p,
            ct.c_uint,
            ct.c_char_p,
            ct.c_int,
        ],
    ),
    "kernel_struct_has_field": (ct.c_int, [ct.c_char_p, ct.c_char_p]),
    "bpf_num_tables": (ct.c_size_t, _MODULE),
    "bpf_table_id": (ct.c_size_t, _TABLE),
    "bpf_table_name": (ct.c_char_p, _INDEX),
    "bpf_table_fd": (ct.c_int, _TABLE),
    "bpf_table_fd_id": (ct.c_int, _INDEX),
    "bpf_table_type": (ct.c_int, _TABLE),
    "bpf_table_type_id": (ct.c_int, _INDEX),
    "bpf_table_max_entries": (ct.c_size_t, _TABLE),
    "bpf_table_max_entries_id": (ct.c_size_t, _INDEX),
    "bpf_table_flags": (ct.c_int, _TABLE),
    "bpf_table_flags_id": (ct.c_int, _INDEX),
    "bpf_table_key_size": (ct.c_size_t, _TABLE),
    "bpf_table_key_size_id": (ct.c_size_t, _INDEX),
    "bpf_table_leaf_size": (ct.c_size_t, _TABLE),
    "bpf_table_leaf_size_id": (ct.c_size_t, _INDEX),
    "bpf_update_elem": (ct.c_int, [ct.c_int, ct.c_void_p, ct.c_void_p, ct.c_ulonglong]),
    "bpf_lookup_elem": (ct.c_int, [ct.c_int, ct.c_void_p, ct.c_void_p]),
    "bpf_lookup_and_delete": (ct.c_int, [ct.c_int, ct.c_void_p, ct.c_void_p]),
    "bpf_delete_elem": (ct.c_int, [ct.c_int, ct.c_void_p]),
    "bpf_get_next_key": (ct.c_int, [ct.c_int, ct.c_void_p, ct.c_void_p]),
    "bpf_get_first_key": (ct.c_int, [ct.c_int, ct.c_void_p, ct.c_size_t]),
    "bpf_update_batch": (ct.c_int, [ct.c_int, ct.c_void_p, ct.c_void_p, ct.c_void_p]),
    "bpf_delete_batch": (ct.c_int, [ct.c_int, ct.c_void_p, ct.c_void_p]),
    "bcc_create_map": (ct.c_int, [ct.c_uint, ct.c_char_p, ct.c_int, ct.c_int, ct.c_int, ct.c_int]),
    "bpf_prog_test_run_opts": (ct.c_int, [ct.c_int, ct.POINTER(bpf_test_run_opts)]),
    "bpf_prog_attach": (ct.c_int, [ct.c_int, ct.c_int, ct.c_int, ct.c_uint]),
    "bpf_prog_detach2": (ct.c_int, [ct.c_int, ct.c_int, ct.c_int]),
    "bpf_prog_get_next_id": (ct.c_int, [ct.c_uint, ct.POINTER(ct.c_uint)]),
    "bpf_prog_get_fd_by_id": (ct.c_int, [ct.c_uint]),
    "bpf_prog_get_tag": (ct.c_int, [ct.c_int, ct.POINTER(ct.c_ulonglong)]),
    "bpf_map_get_next_id": (ct.c_int, [ct.c_uint, ct.POINTER(ct.c_uint)]),
    "bpf_map_get_fd_by_id": (ct.c_int, [ct.c_uint]),
    "bpf_obj_pin": (ct.c_int, [ct.c_int, ct.c_char_p]),
    "bpf_obj_get": (ct.c_int, [ct.c_char_p]),
    "bpf_open_raw_sock": (ct.c_int, [ct.c_char_p]),
    "bpf_attach_socket": (ct.c_int, [ct.c_int, ct.c_int]),
    "bcc_iter_attach": (ct.c_int, [ct.c_int, ct.c_void_p, ct.c_uint32]),
    "bcc_iter_create": (ct.c_int, [ct.c_int]),
    "bpf_has_kernel_btf": (ct.c_bool, []),
    "bpf_attach_kprobe": (
        ct.c_int,
        [ct.c_int, ct.c_int, ct.c_char_p, ct.c_char_p, ct.c_ulonglong, ct.c_int],
    ),
    "bpf_detach_kprobe": (ct.c_int, [ct.c_char_p]),
    "bpf_attach_uprobe": (
        ct.c_int,
        [
            ct.c_int,
            ct.c_int,
            ct.c_char_p,
            ct.c_char_p,
            ct.c_ulonglong,
            ct.c_int,
            ct.c_uint,
        ],
    ),
    "bpf_detach_uprobe": (ct.c_int, [ct.c_char_p]),
    "bpf_attach_tracepoint": (ct.c_int, [ct.c_int, ct.c_char_p, ct.c_char_p]),
    "bpf_detach_tracepoint": (ct.c_int, [ct.c_char_p, ct.c_char_p]),
    "bpf_attach_raw_tracepoint": (ct.c_int, [ct.c_int, ct.c_char_p]),
    "bpf_attach_kfunc": (ct.c_int, [ct.c_int]),
    "bpf_attach_lsm": (ct.c_int, [ct.c_int]),
    "bpf_attach_xdp": (ct.c_int, [ct.c_char_p, ct.c_int, ct.c_uint]),
    "bpf_attach_perf_event": (
        ct.c_int,
        [
            ct.c_int,
            ct.c_uint,
            ct.c_uint,
            ct.c_ulonglong,
            ct.c_ulonglong,
            ct.c_int,
            ct.c_int,
            ct.c_int,
        ],
    ),
    "bpf_attach_perf_event_raw": (
        ct.c_int,
        [ct.c_int, ct.c_void_p, ct.c_int, ct.c_int, ct.c_int, ct.c_ulong],
    ),
    "bpf_open_perf_event": (ct.c_int, [ct.c_uint, ct.c_ulonglong, ct.c_int, ct.c_int]),
    "bpf_close_perf_event_fd": (ct.c_int, [ct.c_int]),
    "bpf_open_perf_buffer": (
        ct.c_void_p,
        [_RAW_CB_TYPE, _LOST_CB_TYPE, ct.py_object, ct.c_int, ct.c_int, ct.c_int],
    ),
    "bpf_open_perf_buffer_opts": (
        ct.c_void_p,
        [
            _RAW_CB_TYPE,
            _LOST_CB_TYPE,
            ct.py_object,
            ct.c_int,
            ct.POINTER(bcc_perf_buffer_opts),
        ],
    ),
    "perf_reader_poll": (ct.c_int, [ct.c_int, ct.POINTER(ct.c_void_p), ct.c_int]),
    "perf_reader_consume": (ct.c_int, [ct.c_int, ct.POINTER(ct.c_void_p)]),
    "perf_reader_event_read": (None, [ct.c_void_p]),
    "perf_reader_free": (None, [ct.c_void_p]),
    "perf_reader_fd": (ct.c_int, [ct.c_void_p]),
    "bpf_new_ringbuf": (ct.c_void_p, [ct.c_int, _RINGBUF_CB_TYPE, ct.c_void_p]),
    "bpf_add_ringbuf": (ct.c_int, [ct.c_void_p, ct.c_int, _RINGBUF_CB_TYPE, ct.c_void_p]),
    "bpf_poll_ringbuf": (ct.c_int, [ct.c_void_p, ct.c_int]),
    "bpf_consume_ringbuf": (ct.c_int, [ct.c_void_p]),
    "bpf_free_ringbuf": (None, [ct.c_void_p]),
    "bcc_symcache_new": (ct.c_void_p, [ct.c_int, ct.POINTER(bcc_symbol_option)]),
    "bcc_free_symcache": (None, [ct.c_void_p, ct.c_int]),
    "bcc_symcache_refresh": (None, [ct.c_void_p]),
    "bcc_symcache_resolve": (ct.c_int, [ct.c_void_p, ct.c_ulonglong, ct.POINTER(bcc_symbol)]),
    "bcc_symcache_resolve_no_demangle": (
        ct.c_int,
        [ct.c_void_p, ct.c_ulonglong, ct.POINTER(bcc_symbol)],
    ),
    "bcc_symbol_free_demangle_name": (None, [ct.POINTER(bcc_symbol)]),
    "bcc_symcache_resolve_name": (
        ct.c_int,
        [ct.c_void_p, ct.c_char_p, ct.c_char_p, ct.POINTER(ct.c_ulonglong)],
    ),
    "bcc_resolve_symname": (
        ct.c_int,
        [
            ct.c_char_p,
            ct.c_char_p,
            ct.c_ulonglong,
            ct.c_int,
            ct.POINTER(bcc_symbol_option),
            ct.POINTER(bcc_symbol),
        ],
    ),
    "bcc_foreach_function_symbol": (ct.c_int, [ct.c_char_p, _SYM_CB_TYPE]),
    "bcc_procutils_which_so": (ct.POINTER(ct.c_char), [ct.c_char_p, ct.c_int]),
    "bcc_procutils_which": (ct.POINTER(ct.c_char), [ct.c_char_p]),
    "bcc_procutils_free": (None, [ct.POINTER(ct.c_char)]),
    "bcc_mapping_is_file_backed": (ct.c_int, [ct.c_char_p]),
    "bcc_elf_is_shared_obj": (ct.c_int, [ct.c_char_p]),
}

for _name, (_result, _arguments) in _PROTOTYPES.items():
    _function = getattr(lib, _name)
    _function.restype = _result
    _function.argtypes = _arguments
