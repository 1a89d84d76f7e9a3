//! Who listens to events: a stream keeps its connection, so one key has only so many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scopegate_core::Name;

/// Most streams of one key. A client that finds no place asks for the epoch instead.
pub(crate) const MOST: usize = 16;

/// How many streams each key has open.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<Name, usize>>>);

/// The place of one stream, until it is dropped.
pub(crate) struct Place {
    streams: Streams,
    key: Name,
}

impl Streams {
    /// A place for one more stream of this key, if there is one.
    pub(crate) fn take(&self, key: &Name) -> Option<Place> {
        let mut open = self.open();
        let count = open.entry(key.clone()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Place { streams: self.clone(), key: key.clone() })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Name, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_places_and_a_place_that_is_left_is_free_again() {
        let (streams, ann, bob) = (Streams::default(), Name::new_static("ann"), Name::new_static("bob"));
        let mut places: Vec<_> = (0..MOST).map(|_| streams.take(&ann).unwrap()).collect();
        assert!(streams.take(&ann).is_none());
        assert!(streams.take(&bob).is_some(), "another key has its own");
        places.pop();
        let again = streams.take(&ann);
        assert!(again.is_some() && streams.take(&ann).is_none());
        drop((places, again));
        assert!(streams.open().is_empty(), "nobody listens, so nobody is remembered");
    }
}
