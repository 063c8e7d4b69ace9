//! From a [`MapSpec`] to a map in the kernel (`spec/dialect` §6).

use super::kinds::takes_btf;
use super::{Map, MapError, pin, registry};
use crate::program::privilege::{self, Need};
use crate::spec::{MapScope, MapSpec, TypeDesc};
use bcc_sys::SysError;
use bcc_sys::bpf::call::{MapCreate, map_create};
use bcc_sys::bpf::map::possible_cpus;
use bcc_sys::bpf::{MapFd, MapType};
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// What all maps of a module share.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The module's BTF, once loaded.
    pub btf: Option<BorrowedFd<'a>>,
    /// Device of `BPF(device=…)`, or 0.
    pub ifindex: u32,
    /// Whether the memlock limit may be raised when the kernel accounts maps to it (before 5.11).
    pub allow_rlimit: bool,
    /// Namespace of `BPF_TABLE_SHARED` tables.
    pub namespace: &'a str,
}

/// Creates the maps of a module, templates of maps-in-maps first. The result is in the order of `specs`.
///
/// # Errors
/// [`MapError`] of the first map that fails; those made before are closed.
pub fn all(specs: &[MapSpec], context: &Context<'_>) -> Result<Vec<Map>, MapError> {
    let mut maps: Vec<Option<Map>> = vec![None; specs.len()];
    let is_template = |spec: &MapSpec| specs.iter().any(|s| s.inner.as_ref() == Some(&spec.name));
    for templates in [true, false] {
        for (at, spec) in specs.iter().enumerate() {
            if is_template(spec) == templates {
                let inner = spec.inner.as_deref().map(|inner| template(spec, inner, specs, &maps));
                maps[at] = Some(one(spec, inner.transpose()?, context)?);
            }
        }
    }
    let mut maps: Vec<Map> = maps.into_iter().flatten().collect();
    let losses = maps.iter().find(|map| map.is_hidden()).cloned().map(Arc::new);
    for map in maps.iter_mut().filter(|map| map.spec().loss_slot.is_some()) {
        map.losses.clone_from(&losses);
    }
    for map in &maps {
        match map.spec().scope {
            MapScope::Public => registry::publish("", map),
            MapScope::Shared => registry::publish(context.namespace, map),
            MapScope::Local | MapScope::Extern => {}
        }
    }
    Ok(maps)
}

fn template(
    spec: &MapSpec,
    inner: &str,
    specs: &[MapSpec],
    maps: &[Option<Map>],
) -> Result<Map, MapError> {
    let bad = |why| MapError::Inner { map: spec.name.clone(), inner: inner.to_owned(), why };
    let at = specs.iter().position(|s| s.name == inner).ok_or(bad("is no table of this module"))?;
    if specs[at].inner.is_some() {
        return Err(bad("has an inner map itself"));
    }
    maps[at].clone().ok_or(bad("was not created"))
}

/// Creates or opens one map.
///
/// # Errors
/// [`MapError`].
pub fn one(spec: &MapSpec, inner: Option<Map>, context: &Context<'_>) -> Result<Map, MapError> {
    let fd = match (&spec.scope, &spec.pin_path) {
        (MapScope::Extern, _) => {
            let map = registry::find(context.namespace, &spec.name)
                .ok_or_else(|| MapError::Extern { map: spec.name.clone() })?;
            map.raw().try_clone().map_err(|source| failed(spec, source))?
        }
        (_, Some(path)) => match pin::open(&spec.name, path.as_ref())? {
            Some(fd) => fd,
            None => {
                pin::make_parent(&spec.name, path.as_ref())?;
                let fd = create(spec, inner.as_ref(), context)?;
                pin::pin(&spec.name, &fd, path.as_ref())?;
                fd
            }
        },
        (_, None) => create(spec, inner.as_ref(), context)?,
    };
    let map = Map::new(Arc::new(spec.clone()), fd);
    fill(&map)?;
    Ok(map)
}

/// Puts the initial bytes into `.rodata`, `.data` and `.bss`, and freezes what programs may not write.
fn fill(map: &Map) -> Result<(), MapError> {
    let Some(data) = &map.spec().data else { return Ok(()) };
    let mut value = vec![0; map.value_len()];
    let len = data.len().min(value.len());
    value[..len].copy_from_slice(&data[..len]);
    map.update(&0u32.to_ne_bytes(), &value, 0)?;
    if map.spec().flags & bcc_sys::bpf::cmd::map_flags::RDONLY_PROG != 0 {
        map.freeze()?;
    }
    Ok(())
}

fn create(spec: &MapSpec, inner: Option<&Map>, context: &Context<'_>) -> Result<MapFd, MapError> {
    let map_type = MapType(spec.map_type);
    let cpus = possible_cpus().map_err(|source| failed(spec, source))?;
    let key_btf = if spec.key_size == 0 { 0 } else { spec.btf_key_id };
    let describable = takes_btf(map_type) && spec.btf_value_id != 0 && sizes_match(spec);
    let request = MapCreate {
        map_type: spec.map_type,
        key_size: spec.key_size,
        value_size: spec.value_size,
        max_entries: entries(spec, cpus),
        flags: spec.flags,
        name: &spec.name,
        inner: inner.map(AsFd::as_fd),
        ifindex: context.ifindex,
        btf: context.btf.filter(|_| describable).map(|fd| (fd, key_btf, spec.btf_value_id)),
        ..Default::default()
    };
    let fd = with_retries(request, context.allow_rlimit).map_err(|source| failed(spec, source))?;
    MapFd::new(fd).map_err(|source| failed(spec, source))
}

/// A perf buffer has a slot for each CPU that there may be.
fn entries(spec: &MapSpec, cpus: usize) -> u32 {
    match (MapType(spec.map_type), spec.max_entries) {
        (MapType::PERF_EVENT_ARRAY, 0) => u32::try_from(cpus).unwrap_or(u32::MAX),
        (_, entries) => entries,
    }
}

/// Drops what an older or stricter kernel does not take, one thing at a time.
fn with_retries(mut map: MapCreate<'_>, allow_rlimit: bool) -> Result<OwnedFd, SysError> {
    let mut raised = !allow_rlimit;
    loop {
        let error = match map_create(&map) {
            Ok(fd) => return Ok(fd),
            Err(error) => error,
        };
        let rejected = matches!(error.errno, Errno::EINVAL | Errno::E2BIG);
        if map.btf.is_some() && (rejected || error.is_unsupported()) {
            map.btf = None;
        } else if !map.name.is_empty() && rejected {
            map.name = "";
        } else if error.errno == Errno::EPERM && !raised && privilege::raise_memlock() {
            raised = true;
        } else {
            return Err(error);
        }
    }
}

/// BTF whose types are of other sizes than the map's would be refused.
fn sizes_match(spec: &MapSpec) -> bool {
    let same = |ty: &TypeDesc, size: u32| size == 0 || ty.size() == size;
    same(&spec.key, spec.key_size) && same(&spec.leaf, spec.value_size)
}

fn failed(spec: &MapSpec, source: SysError) -> MapError {
    let hint = privilege::parenthesised_hint(source.errno, Need::Map);
    MapError::Create { map: spec.name.clone(), source, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perf_buffer_has_as_many_entries_as_there_may_be_cpus() {
        let of = |map_type: MapType, max_entries| {
            let spec = MapSpec { map_type: map_type.0, max_entries, ..MapSpec::default() };
            entries(&spec, 64)
        };
        assert_eq!(of(MapType::PERF_EVENT_ARRAY, 0), 64);
        assert_eq!(of(MapType::PERF_EVENT_ARRAY, 3), 3, "a perf array that says how many");
        assert_eq!(of(MapType::PERCPU_ARRAY, 5), 5);
    }
}
