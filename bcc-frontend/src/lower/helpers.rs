//! What the kernel's helpers return and what they call back with, by number.

use super::origin::Kinds;

/// `bpf_probe_read`, which reads kernel and, where the address tells them apart, user memory.
pub(super) const PROBE_READ: u32 = 4;
/// `bpf_probe_read_kernel`.
pub(super) const PROBE_READ_KERNEL: u32 = 113;

/// Helpers that return an address which programs access directly.
const DIRECT: [u32; 9] = [
    1,   // map_lookup_elem
    81,  // get_local_storage
    107, // sk_storage_get
    131, // ringbuf_reserve
    145, // inode_storage_get
    156, // task_storage_get
    195, // map_lookup_percpu_elem
    203, // dynptr_data
    210, // cgrp_storage_get
];

/// Helpers that return a kernel object of a type that the verifier knows.
const TRUSTED: [u32; 19] = [
    84,  // sk_lookup_tcp
    85,  // sk_lookup_udp
    95,  // sk_fullsock
    96,  // tcp_sock
    98,  // get_listener_sock
    99,  // skc_lookup_tcp
    136, // skc_to_tcp6_sock
    137, // skc_to_tcp_sock
    138, // skc_to_tcp_timewait_sock
    139, // skc_to_tcp_request_sock
    140, // skc_to_udp6_sock
    153, // per_cpu_ptr
    154, // this_cpu_ptr
    158, // get_current_task_btf
    162, // sock_from_file
    175, // task_pt_regs
    178, // skc_to_unix_sock
    194, // kptr_xchg
    196, // skc_to_mptcp_sock
];

/// What helper `id` returns, seen as an address.
pub(super) fn returned(id: u32) -> Kinds {
    if DIRECT.contains(&id) {
        Kinds::DIRECT
    } else if TRUSTED.contains(&id) {
        Kinds::TRUSTED
    } else {
        Kinds::UNTRUSTED
    }
}

/// The argument of helper `id` that it fills with bytes of kernel or user memory.
pub(super) fn filled_argument(id: u32) -> Option<usize> {
    match id {
        4 | 45 | 112..=115 | 148 | 191 => Some(0),
        _ => None,
    }
}

/// One parameter of a function that a helper calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallbackParam {
    /// Of this kind.
    Kind(Kinds),
    /// The helper's own argument, by index.
    Argument(usize),
}

/// The parameters that helper `id` calls a function of the program with.
pub(super) fn callback_params(id: u32) -> [CallbackParam; 4] {
    use CallbackParam::{Argument, Kind};
    const DIRECT: CallbackParam = Kind(Kinds::DIRECT);
    const TRUSTED: CallbackParam = Kind(Kinds::TRUSTED);
    match id {
        // loop(count, f(index, data), data, flags)
        181 => [Kind(Kinds::NONE), Argument(2), DIRECT, DIRECT],
        // for_each_map_elem(map, f(map, key, value, data), data, flags)
        164 => [DIRECT, DIRECT, DIRECT, Argument(2)],
        // find_vma(task, address, f(task, vma, data), data, flags)
        180 => [TRUSTED, TRUSTED, Argument(3), DIRECT],
        // user_ringbuf_drain(map, f(dynptr, data), data, flags)
        209 => [DIRECT, Argument(2), DIRECT, DIRECT],
        // timer_set_callback(timer, f(map, key, value)), and what is not known here
        _ => [DIRECT; 4],
    }
}
