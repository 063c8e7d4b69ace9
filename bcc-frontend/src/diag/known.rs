//! What is known of names that a text uses and this kernel, or this text, does not have.

use crate::headers;
use bcc_core::target::Target;
use bcc_sys::btf::Type;

/// Struct (empty for macros and functions), name that older kernels have, and what there is now.
const RENAMED: &[(&str, &str, &str)] = &[
    ("bio", "bi_disk", "since v5.12 it is `bi_bdev->bd_disk`"),
    ("bio", "bi_rw", "since v4.8 it is `bi_opf`"),
    ("cfs_rq", "nr_running", "since v6.14 it is `nr_queued`"),
    ("cfs_rq", "runnable_load_avg", "since v5.7 it is `avg.runnable_avg`"),
    ("file", "f_dentry", "since v3.19 it is `f_path.dentry`"),
    ("inode", "i_atime", "since v6.7 it is `__i_atime`, since v6.11 `i_atime_sec`"),
    ("inode", "i_ctime", "since v6.6 it is `__i_ctime`, since v6.11 `i_ctime_sec`"),
    ("inode", "i_mtime", "since v6.7 it is `__i_mtime`, since v6.11 `i_mtime_sec`"),
    ("kernfs_node", "parent", "since v6.15 it is `__parent`"),
    ("mm_struct", "mmap", "since v6.1 the areas are in the maple tree `mm_mt`"),
    ("mm_struct", "mmap_sem", "since v5.8 it is `mmap_lock`"),
    ("module", "core_layout", "since v6.4 it is `mem[MOD_TEXT]`"),
    ("page", "slab_cache", "since v5.17 it is in `struct slab`"),
    ("request", "rq_disk", "since v5.17 it is `q->disk`"),
    ("task_struct", "cpu", "since v5.16 it is `thread_info.cpu`"),
    ("task_struct", "state", "since v5.14 it is `__state`"),
    ("vm_area_struct", "vm_next", "since v6.1 the areas are in the maple tree `vm_mm->mm_mt`"),
    ("", "ACCESS_ONCE", "gone since v4.15: use READ_ONCE"),
    ("", "GFP_TEMPORARY", "gone since v4.14: use GFP_KERNEL"),
    ("", "MAX_ORDER", "since v6.8 it is MAX_PAGE_ORDER"),
    ("", "PAGE_CACHE_SIZE", "since v4.6 it is PAGE_SIZE"),
    ("", "PDE_DATA", "since v5.17 it is pde_data"),
    ("", "PF_LESS_THROTTLE", "since v5.8 it is PF_LOCAL_THROTTLE"),
    ("", "REQ_FLUSH", "since v4.8 it is REQ_PREFLUSH"),
    ("", "REQ_OP_SHIFT", "gone since v4.10: the operation is `cmd_flags & REQ_OP_MASK`"),
    ("", "REQ_WRITE", "since v4.8 compare `cmd_flags & REQ_OP_MASK` with REQ_OP_WRITE"),
    ("", "SLAB_DESTROY_BY_RCU", "since v4.12 it is SLAB_TYPESAFE_BY_RCU"),
    ("", "__GFP_WAIT", "since v4.4 it is __GFP_RECLAIM"),
];

/// What kernels have now for what older ones called `name`; `record` is the struct's tag, or empty.
pub(super) fn renamed(record: &str, name: &str) -> Option<String> {
    let same = |row: &&(&str, &str, &str)| row.0 == record && row.1 == name;
    RENAMED.iter().find(same).map(|row| row.2.to_owned())
}

/// What a program has instead of a function of the C library.
pub(super) fn instead_of_library(function: &str) -> &'static str {
    match function {
        "printf" | "puts" | "putchar" | "fprintf" => "a BPF program prints with bpf_trace_printk()",
        "sprintf" | "snprintf" => "format with bpf_snprintf(), or in Python",
        "strcmp" | "strncmp" | "memcmp" | "bcmp" => {
            "there is no C library: compare byte by byte in a loop with a constant bound, or with \
             bpf_strncmp() (since kernel 5.17)"
        }
        "strcpy" | "strncpy" | "strcat" | "strncat" | "stpcpy" => {
            "there is no C library: copy a string with bpf_probe_read_kernel_str() or _user_str()"
        }
        "strlen" | "strnlen" => {
            "there is no C library: bpf_probe_read_kernel_str() and _user_str() give the length"
        }
        "malloc" | "calloc" | "realloc" | "free" | "alloca" => {
            "a BPF program has no heap: keep data on its stack (512 bytes) or in a map"
        }
        _ => "there is no C library in a BPF program",
    }
}

/// The header that a text must include to use `name`: a struct's tag or a member's name.
pub(super) fn missing_include(name: &str) -> Option<String> {
    let defines = |text: &str| text.contains(&format!("struct {name} {{"));
    let header = match headers::own().find(|(_, text)| defines(text)) {
        Some((path, _)) => path,
        None => headers::header_of_alias(name)?.to_owned(),
    };
    Some(format!("`{name}` is in <{header}>, which the text does not include"))
}

/// Names of all enumerators of the kernel.
pub(super) fn enumerators(target: &Target) -> Vec<String> {
    let Ok(index) = target.btf() else { return Vec::new() };
    let btf = index.btf();
    let enums = btf.own_ids().filter_map(|id| match btf.get(id) {
        Ok(Type::Enum(values)) => Some(values),
        _ => None,
    });
    enums.flat_map(|values| values.values().map(|(name, _)| name.to_owned())).collect()
}

/// Names of macros: the dialect's, and all of the kernel's that there are.
pub(super) fn macros() -> impl Iterator<Item = String> {
    let lines = headers::own().flat_map(|(_, text)| text.lines());
    let names = lines.filter_map(|line| {
        let name = line.strip_prefix("#define ")?.split(['(', ' ', '\t']).next()?;
        (!name.starts_with("BCC_") && !name.starts_with("bcc_")).then_some(name)
    });
    names.chain(headers::compat_names()).map(str::to_owned)
}
