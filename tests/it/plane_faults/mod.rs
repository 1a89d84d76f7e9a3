//! A real plane, killed and crowded: what it acknowledged it keeps, and what may happen once happens once.

mod crowd;
mod disk;
mod faulty;
mod kill;
mod overload;

use crate::served::{Plane, key, signal};

/// How many times something happened, by its name.
fn count<'a>(names: impl IntoIterator<Item = &'a str>) -> std::collections::HashMap<&'a str, usize> {
    let mut counts = std::collections::HashMap::new();
    names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
    counts
}
