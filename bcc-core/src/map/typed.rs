//! Maps with Rust types for keys and values.

use super::percpu::PerCpu;
use super::{Map, MapError};
use bcc_sys::Pod;
use bcc_sys::bpf::MapType;
use bcc_sys::bpf::cmd::elem;
use std::marker::PhantomData;

/// A view of a map whose keys are `K` and values `V`, of exactly the map's sizes.
///
/// ```no_run
/// # fn demo(map: bcc_core::map::Map) -> Result<(), bcc_core::map::MapError> {
/// let counts = bcc_core::map::TypedMap::<u32, u64>::new(map)?;
/// counts.insert(&7, &1)?;
/// for item in counts.iter() {
///     let (key, value) = item?;
///     assert!(key != 7 || value >= 1);
/// }
/// # Ok(()) }
/// ```
///
/// Structs are declared as in C:
///
/// ```no_run
/// bcc_core::map::pod_struct! {
///     pub struct Key {
///         pub pid: u32,
///         pub cpu: u32,
///     }
/// }
///
/// # fn main() -> Result<(), bcc_core::Error> {
/// let text = "struct key { u32 pid; u32 cpu; };
///     BPF_HASH(switches, struct key);
///     TRACEPOINT_PROBE(sched, sched_switch) {
///         struct key key = { args->next_pid, bpf_get_smp_processor_id() };
///         switches.increment(key);
///         return 0;
///     }";
/// let bpf = bcc_core::Bpf::from_text(text)?;
/// for (key, count) in bpf.typed_map::<Key, u64>("switches")?.items()? {
///     println!("{} on {}: {count}", key.pid, key.cpu);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TypedMap<K, V> {
    map: Map,
    types: PhantomData<(K, V)>,
}

impl<K: Pod, V: Pod> TypedMap<K, V> {
    /// Checks the sizes.
    ///
    /// # Errors
    /// [`MapError::Size`] when `K` or `V` is of another size than the map's key or value (of one CPU).
    pub fn new(map: Map) -> Result<Self, MapError> {
        for (what, wanted, got) in
            [("key", map.key_size(), size_of::<K>()), ("value", map.value_size(), size_of::<V>())]
        {
            if wanted != got {
                return Err(MapError::Size { map: map.name().to_owned(), what, wanted, got });
            }
        }
        Ok(Self { map, types: PhantomData })
    }

    /// The map in bytes.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The value of `key`; of a per-CPU map, the first CPU's (see [`Self::get_per_cpu`]).
    ///
    /// # Errors
    /// See [`Map::lookup`].
    pub fn get(&self, key: &K) -> Result<Option<V>, MapError> {
        let value = self.map.lookup(key.as_bytes())?;
        Ok(value.and_then(|bytes| V::from_prefix(&bytes)))
    }

    /// The values of `key` on all CPUs, or `None`.
    ///
    /// # Errors
    /// [`MapError::Type`] when the map is not per CPU; see [`Map::lookup`].
    pub fn get_per_cpu(&self, key: &K) -> Result<Option<Vec<V>>, MapError> {
        let values = self.map.lookup_per_cpu(key.as_bytes())?;
        Ok(values.map(|values| values.typed().collect()))
    }

    /// Writes the value of `key`; of a per-CPU map, the same for all CPUs.
    ///
    /// # Errors
    /// See [`Map::update`].
    pub fn insert(&self, key: &K, value: &V) -> Result<(), MapError> {
        self.write(key, value, elem::ANY)
    }

    /// Writes the value of `key` unless there is one; false when there is.
    ///
    /// # Errors
    /// See [`Map::update`].
    pub fn insert_new(&self, key: &K, value: &V) -> Result<bool, MapError> {
        match self.write(key, value, elem::NOEXIST) {
            Ok(()) => Ok(true),
            Err(error) if error.errno() == Some(nix::errno::Errno::EEXIST) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes the values of `key`, one per possible CPU.
    ///
    /// # Errors
    /// [`MapError::Type`] when the map is not per CPU, [`MapError::Size`] for another number of values.
    pub fn insert_per_cpu(&self, key: &K, values: &[V]) -> Result<(), MapError> {
        let values: Vec<&[u8]> = values.iter().map(Pod::as_bytes).collect();
        self.map.update_per_cpu(key.as_bytes(), &PerCpu::from_values(size_of::<V>(), &values))
    }

    fn write(&self, key: &K, value: &V, flags: u64) -> Result<(), MapError> {
        if !self.map.map_type().is_per_cpu() {
            return self.map.update(key.as_bytes(), value.as_bytes(), flags);
        }
        let stride = PerCpu::stride(size_of::<V>()).max(1);
        let cpus = self.map.value_len() / stride;
        let values = PerCpu::from_values(size_of::<V>(), &vec![value.as_bytes(); cpus]);
        self.map.update(key.as_bytes(), values.as_bytes(), flags)
    }

    /// Removes `key`; false when it was not there.
    ///
    /// # Errors
    /// See [`Map::delete`].
    pub fn remove(&self, key: &K) -> Result<bool, MapError> {
        self.map.delete(key.as_bytes())
    }

    /// Takes the value of `key` out.
    ///
    /// # Errors
    /// See [`Map::lookup_and_delete`].
    pub fn take(&self, key: &K) -> Result<Option<V>, MapError> {
        let value = self.map.lookup_and_delete(key.as_bytes())?;
        Ok(value.and_then(|bytes| V::from_prefix(&bytes)))
    }

    /// Keys, each at most once; see [`Map::keys`].
    pub fn keys(&self) -> impl Iterator<Item = Result<K, MapError>> {
        self.map.keys().filter_map(|key| match key {
            Ok(key) => K::from_bytes(&key).map(Ok),
            Err(error) => Some(Err(error)),
        })
    }

    /// Keys and values, looked up one by one; elements that vanish meanwhile are passed over.
    pub fn iter(&self) -> impl Iterator<Item = Result<(K, V), MapError>> {
        self.keys().filter_map(|key| match key {
            Ok(key) => self.get(&key).map(|value| value.map(|value| (key, value))).transpose(),
            Err(error) => Some(Err(error)),
        })
    }

    /// Keys and values at once, in as few system calls as the kernel allows; of a per-CPU map, the first
    /// CPU's values (see [`Self::items_per_cpu`]).
    ///
    /// # Errors
    /// See [`Map::items`].
    pub fn items(&self) -> Result<Vec<(K, V)>, MapError> {
        let items = self.map.items()?;
        let typed = items
            .iter()
            .filter_map(|(key, value)| Some((K::from_bytes(key)?, V::from_prefix(value)?)));
        Ok(typed.collect())
    }

    /// Keys with the values of all CPUs, read as [`Self::items`] reads them.
    ///
    /// # Errors
    /// [`MapError::Type`] when the map is not per CPU; see [`Map::items`].
    pub fn items_per_cpu(&self) -> Result<Vec<(K, Vec<V>)>, MapError> {
        self.map.expect_per_cpu()?;
        let items = self.map.items()?.into_iter().filter_map(|(key, values)| {
            let values = PerCpu::new(size_of::<V>(), values);
            Some((K::from_bytes(&key)?, values.typed().collect()))
        });
        Ok(items.collect())
    }

    /// Removes every element.
    ///
    /// # Errors
    /// See [`Map::clear`].
    pub fn clear(&self) -> Result<(), MapError> {
        self.map.clear()
    }
}

/// A queue or stack of `V`.
#[derive(Clone, Debug)]
pub struct QueueStack<V> {
    map: Map,
    value: PhantomData<V>,
}

impl<V: Pod> QueueStack<V> {
    /// Checks type and size.
    ///
    /// # Errors
    /// [`MapError::Type`] when the map is neither, [`MapError::Size`] when `V` is of another size.
    pub fn new(map: Map) -> Result<Self, MapError> {
        if !matches!(map.map_type(), MapType::QUEUE | MapType::STACK) {
            let (map_type, map) = (map.map_type(), map.name().to_owned());
            return Err(MapError::Type { map, map_type, wanted: "queue or stack" });
        }
        map.sized("value", &vec![0; size_of::<V>()], map.value_size())?;
        Ok(Self { map, value: PhantomData })
    }

    /// Adds a value; with `drop_oldest`, a full one loses its oldest instead of refusing.
    ///
    /// # Errors
    /// [`MapError::Op`] with `E2BIG` when it is full.
    pub fn push(&self, value: &V, drop_oldest: bool) -> Result<(), MapError> {
        let flags = if drop_oldest { elem::EXIST } else { elem::ANY };
        self.map.update(&[], value.as_bytes(), flags)
    }

    /// Takes the next value out.
    ///
    /// # Errors
    /// See [`Map::lookup_and_delete`].
    pub fn pop(&self) -> Result<Option<V>, MapError> {
        Ok(self.map.lookup_and_delete(&[])?.and_then(|bytes| V::from_bytes(&bytes)))
    }

    /// Looks at the next value.
    ///
    /// # Errors
    /// See [`Map::lookup`].
    pub fn peek(&self) -> Result<Option<V>, MapError> {
        Ok(self.map.lookup(&[])?.and_then(|bytes| V::from_bytes(&bytes)))
    }
}
