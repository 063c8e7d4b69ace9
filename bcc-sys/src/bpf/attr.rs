//! What each command of `bpf(2)` reads: one struct per command, padding named, sizes asserted.
//!
//! The kernel accepts a shorter struct than its own, and a longer one when what it does not know is
//! zero; so each struct is as long as the newest command we use, and `Default` is all zeros.
//! Pointers are `u64` as in the kernel's ABI; only this crate fills them.

macro_rules! attr {
    ($(#[$doc:meta])* $name:ident, $size:literal, { $($(#[$fdoc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: $ty,)*
        }
        const _: () = assert!(size_of::<$name>() == $size);
        impl Attr for $name {}
    };
}

/// A struct this module defines; all are `repr(C)`, free of implicit padding, and valid as zeros.
pub(super) trait Attr {}

attr!(
/// `MAP_CREATE`.
MapCreateAttr, 80, {
    /// Kernel map type.
    map_type: u32,
    /// Bytes per key.
    key_size: u32,
    /// Bytes per value.
    value_size: u32,
    /// Entries.
    max_entries: u32,
    /// `BPF_F_*`.
    map_flags: u32,
    /// Template of a map-in-map.
    inner_map_fd: u32,
    /// Node, with `BPF_F_NUMA_NODE`.
    numa_node: u32,
    /// Name, NUL-terminated.
    map_name: [u8; 16],
    /// Device of an offloaded map.
    map_ifindex: u32,
    /// BTF holding the two types below.
    btf_fd: u32,
    /// Key's type.
    btf_key_type_id: u32,
    /// Value's type.
    btf_value_type_id: u32,
    /// Kernel struct of a `struct_ops` map.
    btf_vmlinux_value_type_id: u32,
    /// Per map type.
    map_extra: u64,
    /// Module BTF of the struct above.
    value_type_btf_obj_fd: i32,
    /// Token.
    map_token_fd: i32,
});
attr!(
/// `MAP_LOOKUP_ELEM`, `MAP_UPDATE_ELEM`, `MAP_DELETE_ELEM`, `MAP_GET_NEXT_KEY`,
/// `MAP_LOOKUP_AND_DELETE_ELEM`, `MAP_FREEZE`.
MapElemAttr, 32, {
    /// Map.
    map_fd: u32,
    /// Alignment.
    _pad: u32,
    /// Key's address.
    key: u64,
    /// Value's or next key's address.
    value: u64,
    /// `BPF_ANY` and its kin.
    flags: u64,
});
attr!(
/// The four batch commands.
MapBatchAttr, 56, {
    /// Where the last batch ended, or 0.
    in_batch: u64,
    /// Where this one ends.
    out_batch: u64,
    /// Keys.
    keys: u64,
    /// Values.
    values: u64,
    /// In: room; out: elements done.
    count: u32,
    /// Map.
    map_fd: u32,
    /// Per element.
    elem_flags: u64,
    /// Per batch.
    flags: u64,
});
attr!(
/// `PROG_LOAD`.
ProgLoadAttr, 152, {
    /// Kernel program type.
    prog_type: u32,
    /// Instructions, of 8 bytes.
    insn_cnt: u32,
    /// Instructions' address.
    insns: u64,
    /// License's address.
    license: u64,
    /// Verbosity.
    log_level: u32,
    /// Bytes of the log buffer.
    log_size: u32,
    /// Log buffer.
    log_buf: u64,
    /// Ignored by kernels since 5.0.
    kern_version: u32,
    /// `BPF_F_*`.
    prog_flags: u32,
    /// Name, NUL-terminated.
    prog_name: [u8; 16],
    /// Device of an offloaded program.
    prog_ifindex: u32,
    /// Attach type, where it decides what may be done.
    expected_attach_type: u32,
    /// BTF of func and line info.
    prog_btf_fd: u32,
    /// Bytes per record.
    func_info_rec_size: u32,
    /// Records.
    func_info: u64,
    /// How many.
    func_info_cnt: u32,
    /// Bytes per record.
    line_info_rec_size: u32,
    /// Records.
    line_info: u64,
    /// How many.
    line_info_cnt: u32,
    /// Kernel function or hook.
    attach_btf_id: u32,
    /// Program to extend or trace, or module BTF of the function above.
    attach_obj_fd: u32,
    /// CO-RE; unused.
    core_relo_cnt: u32,
    /// Descriptors that instructions name by index.
    fd_array: u64,
    /// CO-RE; unused.
    core_relos: u64,
    /// CO-RE; unused.
    core_relo_rec_size: u32,
    /// Out: bytes the whole log has.
    log_true_size: u32,
    /// Token.
    prog_token_fd: i32,
    /// Since 6.14; unused.
    fd_array_cnt: u32,
});
attr!(
/// `OBJ_PIN`, `OBJ_GET`.
ObjAttr, 24, {
    /// Path's address.
    pathname: u64,
    /// Object to pin.
    bpf_fd: u32,
    /// `BPF_F_RDONLY` and its kin.
    file_flags: u32,
    /// Directory, with `BPF_F_PATH_FD`.
    path_fd: i32,
    /// Alignment.
    _pad: u32,
});
attr!(
/// `PROG_ATTACH`, `PROG_DETACH`.
ProgAttachAttr, 32, {
    /// Cgroup, map, netns or device.
    target: u32,
    /// Program.
    attach_bpf_fd: u32,
    /// Hook.
    attach_type: u32,
    /// `BPF_F_ALLOW_*`, `BPF_F_REPLACE`.
    attach_flags: u32,
    /// Program to replace.
    replace_bpf_fd: u32,
    /// Neighbour, fd or id.
    relative: u32,
    /// Revision of the hook's list.
    expected_revision: u64,
});
attr!(
/// `PROG_TEST_RUN`.
TestRunAttr, 80, {
    /// Program.
    prog_fd: u32,
    /// Out: its return value.
    retval: u32,
    /// Bytes in.
    data_size_in: u32,
    /// In: room; out: bytes.
    data_size_out: u32,
    /// Packet in.
    data_in: u64,
    /// Packet out.
    data_out: u64,
    /// Runs.
    repeat: u32,
    /// Out: mean nanoseconds per run.
    duration: u32,
    /// Bytes in.
    ctx_size_in: u32,
    /// In: room; out: bytes.
    ctx_size_out: u32,
    /// Context in.
    ctx_in: u64,
    /// Context out.
    ctx_out: u64,
    /// `BPF_F_TEST_*`.
    flags: u32,
    /// CPU, with `BPF_F_TEST_RUN_ON_CPU`.
    cpu: u32,
    /// Live frames per batch.
    batch_size: u32,
    /// Alignment.
    _pad: u32,
});
attr!(
/// `*_GET_NEXT_ID`, `*_GET_FD_BY_ID`.
IdAttr, 16, {
    /// Start, or the object's id.
    id: u32,
    /// Out: the next one.
    next_id: u32,
    /// `BPF_F_RDONLY` and its kin.
    open_flags: u32,
    /// Token.
    token_fd: i32,
});
attr!(
/// `OBJ_GET_INFO_BY_FD`.
InfoAttr, 16, {
    /// Object.
    bpf_fd: u32,
    /// In: room; out: bytes.
    info_len: u32,
    /// Buffer.
    info: u64,
});
attr!(
/// `PROG_QUERY`.
QueryAttr, 64, {
    /// Cgroup, netns, map or device.
    target: u32,
    /// Hook.
    attach_type: u32,
    /// `BPF_F_QUERY_EFFECTIVE`.
    query_flags: u32,
    /// Out: flags of the hook.
    attach_flags: u32,
    /// Ids out.
    prog_ids: u64,
    /// In: room; out: programs.
    count: u32,
    /// Alignment.
    _pad: u32,
    /// Flags out, per program.
    prog_attach_flags: u64,
    /// Link ids out.
    link_ids: u64,
    /// Flags out, per link.
    link_attach_flags: u64,
    /// Out: revision of the hook's list.
    revision: u64,
});
attr!(
/// `RAW_TRACEPOINT_OPEN`.
RawTracepointAttr, 24, {
    /// Name's address, 0 for programs whose target is in their BTF id.
    name: u64,
    /// Program.
    prog_fd: u32,
    /// Alignment.
    _pad: u32,
    /// Cookie (since 6.10).
    cookie: u64,
});
attr!(
/// `BTF_LOAD`.
BtfLoadAttr, 40, {
    /// Bytes.
    btf: u64,
    /// Log buffer.
    btf_log_buf: u64,
    /// Bytes of BTF.
    btf_size: u32,
    /// Bytes of the log buffer.
    btf_log_size: u32,
    /// Verbosity.
    btf_log_level: u32,
    /// Out: bytes the whole log has.
    btf_log_true_size: u32,
    /// Flags.
    btf_flags: u32,
    /// Token.
    btf_token_fd: i32,
});
attr!(
/// `TASK_FD_QUERY`.
TaskFdQueryAttr, 48, {
    /// Process.
    pid: u32,
    /// Its descriptor.
    fd: u32,
    /// Flags.
    flags: u32,
    /// In: room; out: bytes of the name.
    buf_len: u32,
    /// Name out.
    buf: u64,
    /// Out: program.
    prog_id: u32,
    /// Out: `BPF_FD_TYPE_*`.
    fd_type: u32,
    /// Out: offset from the symbol or in the file.
    probe_offset: u64,
    /// Out: address.
    probe_addr: u64,
});
attr!(
/// `LINK_CREATE`. `extra` is what differs per attach type, as the kernel's union lays it out.
LinkCreateAttr, 64, {
    /// Program, or map of `struct_ops`.
    prog_fd: u32,
    /// Cgroup, netns, perf event, program, or device index.
    target: u32,
    /// Hook.
    attach_type: u32,
    /// Flags.
    flags: u32,
    /// Union.
    extra: [u64; 6],
});
attr!(
/// `LINK_UPDATE`.
LinkUpdateAttr, 16, {
    /// Link.
    link_fd: u32,
    /// Program or map to put.
    new_fd: u32,
    /// `BPF_F_REPLACE`.
    flags: u32,
    /// Program or map to be replaced.
    old_fd: u32,
});
attr!(
/// `LINK_DETACH`, `ENABLE_STATS`: a descriptor or a number.
WordAttr, 8, {
    /// Link, or statistics' type.
    word: u32,
    /// Alignment.
    _pad: u32,
});
attr!(
/// `ITER_CREATE`.
IterCreateAttr, 8, {
    /// Link of an iterator.
    link_fd: u32,
    /// Flags.
    flags: u32,
});
attr!(
/// `PROG_BIND_MAP`.
ProgBindMapAttr, 16, {
    /// Program.
    prog_fd: u32,
    /// Map kept alive with it.
    map_fd: u32,
    /// Flags.
    flags: u32,
    /// Alignment.
    _pad: u32,
});
