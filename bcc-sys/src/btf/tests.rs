//! Hand-made blobs, and damaged ones.

use super::{Btf, Cache, Found, Index, Type, TypeId, lookup, wire};
use proptest::prelude::{Strategy, any, prop, proptest};
use std::sync::Arc;

#[path = "../../../tests/fuzz/fuzz.rs"]
mod changed;

/// A blob of `types` (words) and `strings`.
fn blob(types: &[u32], strings: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(wire::MAGIC.to_ne_bytes());
    out.extend([1, 0]);
    let bytes = types.len() as u32 * 4;
    for word in [24, 0, bytes, bytes, strings.len() as u32] {
        out.extend(word.to_ne_bytes());
    }
    types.iter().for_each(|word| out.extend(word.to_ne_bytes()));
    out.extend(strings);
    out
}

fn info(kind: u32, vlen: u32, flag: bool) -> u32 {
    u32::from(flag) << 31 | kind << 24 | vlen
}

/// `int`, `enum e { A = -1 }`, `struct s { int x; struct { int y : 3; }; }`, `typedef struct s t`.
fn sample() -> Vec<u8> {
    use wire::kind;
    let strings = b"\0int\0e\0A\0s\0x\0y\0t\0";
    let types = [
        vec![1, info(kind::INT, 0, false), 4, 1 << 24 | 32],
        vec![5, info(kind::ENUM, 1, true), 4, 7, u32::MAX],
        vec![0, info(kind::STRUCT, 1, true), 4, 13, 1, 3 << 24 | 2],
        vec![9, info(kind::STRUCT, 2, false), 8, 11, 1, 0, 0, 3, 32],
        vec![15, info(kind::TYPEDEF, 0, false), 4],
    ];
    blob(&types.concat(), strings)
}

#[test]
fn names_lead_to_types_members_and_enumerators() {
    let index = Index::build(Arc::new(Btf::parse(sample()).expect("well-formed")));
    let btf = index.btf();
    assert_eq!(index.composite("s"), Some(TypeId(4)));
    assert_eq!(index.typedef("t"), Some(TypeId(5)));
    assert_eq!(index.enum_value("A"), Some(-1));
    assert_eq!(index.find("A").collect::<Vec<_>>(), [Found::Enumerator(TypeId(2))]);
    assert_eq!(index.composite("absent"), None);
    assert!(index.has_member("s", "x") && index.has_member("s", "y"));
    assert!(!index.has_member("s", "z"));
    let member = lookup::member(btf, TypeId(5), "y").expect("inside of the anonymous struct");
    assert_eq!((member.bit_offset, member.bit_width), (34, Some(3)));
    assert_eq!(lookup::size_of(btf, TypeId(5)), Some(8));
}

#[test]
fn a_module_s_ids_and_strings_go_on_where_its_base_s_end() {
    let base = Arc::new(Btf::parse(sample()).expect("well-formed"));
    // `typedef struct s own`; the base has 18 bytes of strings.
    let strings = b"own\0";
    let base_strings = 17;
    let words = [base_strings, info(wire::kind::TYPEDEF, 0, false), 4];
    let module = Btf::parse_split(blob(&words, strings), base.clone()).expect("well-formed");
    let Ok(Type::Typedef { name, target }) = module.get(TypeId(base.end())) else {
        panic!("a typedef");
    };
    assert_eq!((name, target), ("own", TypeId(4)));
    assert_eq!(module.end(), base.end() + 1);
    let index = Index::build(Arc::new(module));
    assert_eq!(index.typedef("own"), Some(TypeId(6)));
    assert_eq!(index.composite("s"), None, "the base has its own index");
}

#[test]
fn a_kept_index_answers_as_a_fresh_one_and_a_damaged_one_is_built_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let (file, kept) = (directory.path().join("btf"), directory.path().join("index"));
    std::fs::write(&file, sample()).expect("written");
    let cache = Some(Cache { path: &kept, key: b"build" });
    let open = || Index::open(&file, None, cache).expect("opens");
    assert_eq!(open().composite("s"), Some(TypeId(4)));
    let bytes = std::fs::read(&kept).expect("kept");
    assert_eq!(open().composite("s"), Some(TypeId(4)));
    for cut in 0..bytes.len() {
        std::fs::write(&kept, &bytes[..cut]).expect("written");
        assert_eq!(open().composite("s"), Some(TypeId(4)), "cut at {cut}");
    }
}

/// Walks everything there is to read of a blob.
fn walk(btf: &Arc<Btf>) {
    for id in (0..btf.end().min(4096)).map(TypeId) {
        let _name = match btf.get(id) {
            Ok(Type::Composite(c)) => c.members().map(|m| m.name.len()).sum(),
            Ok(Type::Enum(e)) => e.values().map(|(name, _)| name.len()).sum(),
            Ok(Type::FuncProto(p)) => p.params().map(|(name, _)| name.len()).sum(),
            _ => 0,
        };
        let _resolved = btf.resolve(id).is_some();
        let _size = lookup::size_of(btf, id);
        let _member = lookup::member(btf, id, "absent");
    }
    let index = Index::build(btf.clone());
    let _found = index.find("s").count() + index.find("A").count();
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_readable(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(btf) = Btf::parse(bytes) {
            walk(&Arc::new(btf));
        }
    }

    #[test]
    fn any_types_behind_a_good_header_are_an_error_or_readable(
        words in prop::collection::vec(
            (0u32..24, (0u32..20, 0u32..6, any::<bool>()).prop_map(|(k, v, f)| info(k, v, f)), 0u32..16),
            0..40,
        ),
        tail in prop::collection::vec(any::<u32>(), 0..20),
    ) {
        let mut types: Vec<u32> = words.into_iter().flat_map(|(a, b, c)| [a, b, c]).collect();
        types.extend(tail);
        if let Ok(btf) = Btf::parse(blob(&types, b"\0int\0s\0A\0")) {
            walk(&Arc::new(btf));
        }
    }

    #[test]
    fn a_good_blob_with_one_changed_byte_never_panics(at in 0usize..200, byte in any::<u8>()) {
        let mut bytes = sample();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(btf) = Btf::parse(bytes) {
            walk(&Arc::new(btf));
        }
    }

    #[test]
    fn any_kept_index_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), good in any::<bool>()) {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, kept) = (directory.path().join("btf"), directory.path().join("index"));
        std::fs::write(&file, sample()).expect("written");
        let mut all = Vec::new();
        if good {
            all.extend(b"BCCBTFI3");
            let blob = sample().len() as u32;
            [blob, 0, 5, 17, 8].iter().for_each(|word: &u32| all.extend(word.to_ne_bytes()));
            all.extend(bytes.iter().copied().cycle().take(if bytes.is_empty() { 0 } else { 120 }));
        } else {
            all.extend(bytes);
        }
        std::fs::write(&kept, &all).expect("written");
        if let Ok(index) = Index::open(&file, None, Some(Cache { path: &kept, key: b"" })) {
            let _found = index.composite("s");
            walk(index.btf());
        }
    }
}

#[test]
fn any_change_of_a_blob_is_an_error_or_readable() {
    let names = b"\0int\0s\0A\0";
    let kinds = (0..24).map(|kind| blob(&[1, info(kind, 2, false), 4, 1, 2, 3, 5, 6, 7], names));
    let seeds = kinds.chain([sample(), blob(&[], names)]).collect();
    let words: Vec<Vec<u8>> = (0..24)
        .flat_map(|kind| [info(kind, 0, false), info(kind, 3, true)])
        .map(|word| word.to_ne_bytes().to_vec())
        .collect();
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    changed::fuzz("btf", seeds, &words, |bytes| match Btf::parse(bytes.to_vec()) {
        Ok(btf) => {
            let btf = Arc::new(btf);
            walk(&btf);
            let kinds: Vec<u8> = btf
                .own_ids()
                .take(64)
                .flat_map(|id| match btf.get(id) {
                    Ok(ty) => format!("{:?}", std::mem::discriminant(&ty)).into_bytes(),
                    Err(_) => b"bad".to_vec(),
                })
                .collect();
            changed::hash(&kinds)
        }
        Err(why) => changed::hash(format!("{why:?}").as_bytes()) % 4096,
    });
}
