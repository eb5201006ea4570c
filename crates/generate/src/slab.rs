//! Room for things that come and go: a place is used again, and an old key does not find what took
//! its place. This keeps the generator as large as the living cluster, however long the log.

/// A place and which of its tenants is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    place: u32,
    tenant: u32,
}

/// Things by key.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Puts a thing in.
    pub(crate) fn insert(&mut self, thing: T) -> Key {
        if let Some(place) = self.free.pop()
            && let Some((tenant, room)) = self.places.get_mut(place as usize)
        {
            *tenant += 1;
            *room = Some(thing);
            return Key { place, tenant: *tenant };
        }
        self.places.push((0, Some(thing)));
        Key { place: (self.places.len() - 1) as u32, tenant: 0 }
    }

    /// The thing, if it is still there.
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let (tenant, thing) = self.places.get(key.place as usize)?;
        thing.as_ref().filter(|_| *tenant == key.tenant)
    }

    /// The same, to be changed.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (tenant, thing) = self.places.get_mut(key.place as usize)?;
        thing.as_mut().filter(|_| *tenant == key.tenant)
    }

    /// Takes a thing out.
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let (tenant, room) = self.places.get_mut(key.place as usize)?;
        if *tenant != key.tenant {
            return None;
        }
        let thing = room.take()?;
        self.free.push(key.place);
        Some(thing)
    }

    /// All that is there, in the order of places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.places.iter().enumerate().filter_map(|(place, (tenant, thing))| {
            let key = Key { place: place as u32, tenant: *tenant };
            thing.as_ref().map(|thing| (key, thing))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn an_old_key_does_not_find_the_next_tenant() {
        let mut slab = Slab::default();
        let first = slab.insert("first");
        assert_eq!(slab.remove(first), Some("first"));
        let second = slab.insert("second");
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get(second), Some(&"second"));
        assert_eq!(slab.iter().count(), 1);
    }
}
