//! A named operation with its set-up.

use std::fmt;
use std::hint::black_box;

use super::Meter;
use crate::Result;

/// Does the operation so many times, inside regions of the meter.
pub type Runner = Box<dyn FnMut(u64, &mut Meter)>;

/// How often the operation is done before anything is measured, to fill caches.
const WARM_UP: u32 = 64;

/// An operation that can be measured.
pub struct Item {
    /// Engine, variant and case, parted by slashes.
    pub name: String,
    /// Builds the operation's state, does it once, and fails if the answer is wrong.
    pub setup: Box<dyn Fn() -> Result<Runner>>,
    /// An operation contained in this one, whose cost is taken off: a layer's bare service.
    pub base: Option<Box<Item>>,
}

impl Item {
    /// An operation on the state that `build` makes. `holds` tells whether its answer is the right one.
    pub fn new<S: 'static, R: 'static>(
        name: impl Into<String>,
        build: impl Fn() -> Result<S> + 'static,
        op: impl Fn(&mut S) -> R + Copy + 'static,
        holds: impl Fn(&R) -> bool + 'static,
    ) -> Self {
        Self::refreshed(name, build, op, holds, (u64::MAX, |_: &mut S| ()))
    }

    /// Like [`Item::new`], and the state is refreshed, unmeasured, after every so many operations.
    pub fn refreshed<S: 'static, R: 'static>(
        name: impl Into<String>,
        build: impl Fn() -> Result<S> + 'static,
        op: impl Fn(&mut S) -> R + Copy + 'static,
        holds: impl Fn(&R) -> bool + 'static,
        (every, refresh): (u64, impl Fn(&mut S) + Copy + 'static),
    ) -> Self {
        let name = name.into();
        let wrong = format!("{name}: the operation answers wrongly");
        let setup = move || {
            let mut state = build()?;
            for _ in 0..WARM_UP {
                if !holds(&op(&mut state)) {
                    return Err(wrong.clone().into());
                }
            }
            refresh(&mut state);
            let runner: Runner = Box::new(move |mut left, meter| {
                while left > 0 {
                    let batch = left.min(every);
                    meter.region(&mut || {
                        for _ in 0..batch {
                            black_box(op(black_box(&mut state)));
                        }
                    });
                    refresh(&mut state);
                    left -= batch;
                }
            });
            Ok(runner)
        };
        Self { name, setup: Box::new(setup), base: None }
    }

    /// The item of that name, among the items and their bases.
    pub fn find<'a>(items: &'a [Self], name: &str) -> Option<&'a Self> {
        let mut all = items.iter().flat_map(|item| [Some(item), item.base.as_deref()]).flatten();
        all.find(|item| item.name == name)
    }

    /// The same operation, counted only for what it costs above `base`.
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        Self { base: Some(Box::new(base)), ..self }
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").field("name", &self.name).field("base", &self.base).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_fails_the_set_up() {
        let item = |right| Item::new("n", || Ok(0), |_| 1, move |answer| *answer == right);
        assert!((item(1).setup)().is_ok());
        assert!((item(2).setup)().is_err());
    }

    #[test]
    fn bases_are_found_too() {
        let item = |name| Item::new(name, || Ok(()), |()| (), |()| true);
        let items = [item("layer").over(item("bare"))];
        assert!(Item::find(&items, "layer").is_some_and(|layer| layer.base.is_some()));
        assert!(Item::find(&items, "bare").is_some_and(|bare| bare.base.is_none()));
        assert!(Item::find(&items, "other").is_none());
    }

    #[test]
    fn refreshes_after_every_batch() -> Result<()> {
        let bounded = |n: &mut u64| {
            *n += 1;
            *n <= 64
        };
        let item = Item::refreshed("n", || Ok(0), bounded, |ok| *ok, (64, |n: &mut u64| *n = 0));
        (item.setup)()?(1000, &mut Meter::timing());
        Ok(())
    }
}
