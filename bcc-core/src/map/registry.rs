//! Tables that one module publishes and others of the process find: `BPF_TABLE_PUBLIC`,
//! `BPF_TABLE_SHARED`, `BPF_TABLE("extern", …)`.
//!
//! A table stays published as long as the process lives, as a module may come that asks for it after its
//! maker is gone; publishing the name again replaces it.

use super::Map;
use crate::mutation;
use bcc_sys::bpf::MapType;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

type Tables = HashMap<(String, String), Map>;

fn tables() -> MutexGuard<'static, Tables> {
    static TABLES: OnceLock<Mutex<Tables>> = OnceLock::new();
    TABLES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Publishes `map` under its name; the empty namespace is the one everybody sees.
pub fn publish(namespace: &str, map: &Map) {
    tables().insert((namespace.to_owned(), map.name().to_owned()), map.clone());
}

/// The table of that name in `namespace`, else the one everybody sees.
pub fn find(namespace: &str, name: &str) -> Option<Map> {
    visible(&tables(), namespace, name).cloned()
}

fn visible<'t>(tables: &'t Tables, namespace: &str, name: &str) -> Option<&'t Map> {
    let at = |space: &str| tables.get(&(space.to_owned(), name.to_owned()));
    at(namespace).or_else(|| at(""))
}

/// The compiler's arguments that tell which tables a module of `namespace` would find are no plain
/// hash: what `increment` does with a missing key of an extern table depends on it.
pub fn compiler_flags(namespace: &str) -> Vec<String> {
    if mutation::off("extern:kinds") {
        return Vec::new();
    }
    let tables = tables();
    let names: BTreeSet<&str> = tables.keys().map(|(_, name)| name.as_str()).collect();
    let is_other = |name: &&str| {
        visible(&tables, namespace, name).is_some_and(|map| map.map_type() != MapType::HASH)
    };
    let flag = |name| format!("-DBCC_NOT_HASH_{name}=1");
    names.into_iter().filter(is_other).map(flag).collect()
}

/// Takes back what `map` published; another map under the same name stays.
pub fn withdraw(map: &Map) {
    let id = map.info().id;
    tables().retain(|_, published| published.info().id != id);
}
