//! What the dialect's kind words mean to the kernel.

use bcc_sys::bpf::MapType;

/// Kind word, kernel type (`spec/dialect` §5). `histogram` is here as the hash it is unless its key is
/// `int`.
const KINDS: &[(&str, MapType)] = &[
    ("hash", MapType::HASH),
    ("array", MapType::ARRAY),
    ("prog", MapType::PROG_ARRAY),
    ("perf_output", MapType::PERF_EVENT_ARRAY),
    ("perf_array", MapType::PERF_EVENT_ARRAY),
    ("percpu_hash", MapType::PERCPU_HASH),
    ("percpu_array", MapType::PERCPU_ARRAY),
    ("stacktrace", MapType::STACK_TRACE),
    ("cgroup_array", MapType::CGROUP_ARRAY),
    ("lru_hash", MapType::LRU_HASH),
    ("lru_percpu_hash", MapType::LRU_PERCPU_HASH),
    ("lpm_trie", MapType::LPM_TRIE),
    ("array_of_maps", MapType::ARRAY_OF_MAPS),
    ("hash_of_maps", MapType::HASH_OF_MAPS),
    ("devmap", MapType::DEVMAP),
    ("sockmap", MapType::SOCKMAP),
    ("cpumap", MapType::CPUMAP),
    ("xskmap", MapType::XSKMAP),
    ("sockhash", MapType::SOCKHASH),
    ("cgroup_storage", MapType::CGROUP_STORAGE),
    ("percpu_cgroup_storage", MapType::PERCPU_CGROUP_STORAGE),
    ("queue", MapType::QUEUE),
    ("stack", MapType::STACK),
    ("sk_storage", MapType::SK_STORAGE),
    ("ringbuf", MapType::RINGBUF),
    ("inode_storage", MapType::INODE_STORAGE),
    ("task_storage", MapType::TASK_STORAGE),
    ("histogram", MapType::HASH),
];

/// The kernel's type for a kind word, `None` for pseudo kinds and unknown words. `int_key` says
/// whether the key is exactly `int`, which makes a histogram an array.
pub fn map_type(kind: &str, int_key: bool) -> Option<MapType> {
    if kind == "histogram" && int_key {
        return Some(MapType::ARRAY);
    }
    KINDS.iter().find(|(word, _)| *word == kind).map(|(_, map_type)| *map_type)
}

/// Whether the kernel takes BTF for the keys and values of this type.
pub(super) fn takes_btf(map_type: MapType) -> bool {
    !matches!(
        map_type,
        MapType::PERF_EVENT_ARRAY
            | MapType::CGROUP_ARRAY
            | MapType::STACK_TRACE
            | MapType::ARRAY_OF_MAPS
            | MapType::HASH_OF_MAPS
            | MapType::DEVMAP
            | MapType::DEVMAP_HASH
            | MapType::CPUMAP
            | MapType::XSKMAP
            | MapType::SOCKMAP
            | MapType::SOCKHASH
            | MapType::QUEUE
            | MapType::STACK
            | MapType::RINGBUF
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histogram_is_an_array_only_for_int_keys() {
        assert_eq!(map_type("histogram", true), Some(MapType::ARRAY));
        assert_eq!(map_type("histogram", false), Some(MapType::HASH));
        assert_eq!(map_type("task_storage", false), Some(MapType::TASK_STORAGE));
        assert_eq!(map_type("extern", false), None);
    }
}
