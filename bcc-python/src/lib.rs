//! The native half of the `bcc` Python package: exports only.

mod buffer;
mod capi;
mod cdata;
mod construct;
mod error;
mod events;
mod hooks;
mod insns;
mod kernel;
mod link;
mod map;
mod map_batch;
mod module;
mod objects;
mod place;
mod symbol;
mod table;
mod texts;
mod trace;
mod types;
mod usdt;
mod vectorcall;

use pyo3::prelude::*;

/// What `bcc`'s Python modules are made of; no name here is public API.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::cdata::{scalar_pairs, scalars};
    #[pymodule_export]
    use super::error::{
        AttachError, BPFError, CompileError, EventError, LoadError, MapError, SymbolError,
        USDTException,
    };
    #[pymodule_export]
    use super::hooks::{
        attach_netfilter, attach_tc, attach_xdp, attach_xdp_link, open_raw_socket, prog_attach,
        prog_detach,
    };
    #[pymodule_export]
    use super::insns::{disassemble, disassemble_instruction, helper_names};
    #[pymodule_export]
    use super::kernel::{
        enum_has_value, kprobe_functions, online_cpus, perf_event_open_all, possible_cpus,
        process_language, struct_has_field, supports, syscall_prefix, tracepoint_exists,
        tracepoints,
    };
    #[pymodule_export]
    use super::link::{Link, detach_links};
    #[pymodule_export]
    use super::map::Map;
    #[pymodule_export]
    use super::module::Module;
    #[pymodule_export]
    use super::objects::{map_info, open_iterator, pin, program_info, test_run};
    #[pymodule_export]
    use super::place::{UserModule, find_executable, find_library, resolve_symbol};
    #[pymodule_export]
    use super::symbol::{SymbolCache, add_build_id_module, ksym, ksymname, sym};
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::trace::{TracePipe, parse_trace_line};
    #[pymodule_export]
    use super::usdt::Usdt;
}
