//! What the running kernel can, asked and then done; needs root.

mod common;

use bcc_core::kernel::features::{self, Feature};
use bcc_core::program::helpers;
use bcc_sys::bpf::{AttachType, MapType, ProgType};
use common::Alone;

#[test]
fn an_answer_stays_the_same() {
    let _alone = Alone::as_root();
    for feature in [
        Feature::Fentry,
        Feature::FmodRet,
        Feature::Lsm,
        Feature::RawTracepoint,
        Feature::KprobeMulti,
        Feature::UprobeMulti,
        Feature::UprobeMultiProcess,
        Feature::PerfLink,
        Feature::Tcx,
        Feature::Ringbuf,
        Feature::MapBatch,
        Feature::Netfilter,
    ] {
        let first = features::supported(feature);
        println!("{feature:?} (since {}): {first}", feature.since());
        assert_eq!(features::supported(feature), first);
    }
}

#[test]
fn every_supported_kernel_has_the_old_features() {
    let _alone = Alone::as_root();
    // The oldest kernel supported is 5.10.
    assert!(features::supported(Feature::RawTracepoint));
    assert!(features::supported(Feature::Ringbuf));
    assert!(features::supported(Feature::MapBatch));
    for map_type in [MapType::HASH, MapType::LPM_TRIE, MapType::QUEUE, MapType::RINGBUF] {
        assert!(features::map_type(map_type), "{map_type}");
    }
    assert!(!features::map_type(MapType(9999)));
}

#[test]
fn helpers_are_known_per_program_type() {
    let _alone = Alone::as_root();
    let has = |prog_type, name: &str| {
        features::helper(prog_type, AttachType(0), helpers::id(name).expect("a helper's name"))
    };
    assert!(has(ProgType::KPROBE, "probe_read_kernel"));
    assert!(!has(ProgType::SOCKET_FILTER, "override_return"));
    assert!(!features::helper(ProgType::KPROBE, AttachType(0), 60_000));
}
