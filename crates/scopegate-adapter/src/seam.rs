//! Which seams stand between one and its tool: nobody else takes a permit up.
//!
//! A wrapper does not see what it wraps. But it asks for its name, and a wrapper in between passes the
//! question on: a [`Seam`] that is asked says that it is there. What the tool's body calls later,
//! an agent of its own for one, was not asked, whatever tool and arguments it names.

use std::cell::Cell;
use std::sync::Arc;

tokio::task_local! {
    static ROLL: Cell<Vec<Seam>>;
}

/// One guarded place on the way to a tool. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Seam(Arc<Mark>);

/// The seams that were there when they were asked.
#[derive(Clone, Debug, Default)]
pub struct Seams(Vec<Seam>);

/// Tells one from all others. Not empty, so that no two share a place in memory.
#[derive(Debug)]
pub(crate) struct Mark(#[expect(dead_code, reason = "takes up room")] u8);

impl Default for Mark {
    fn default() -> Self {
        Self(1)
    }
}

impl Seam {
    /// Says that it is there. A guarded tool does when it is asked for its name or what describes it.
    pub fn present(&self) {
        let _ = ROLL.try_with(|roll| {
            let mut present = roll.take();
            present.push(self.clone());
            roll.set(present);
        });
    }
}

impl Seams {
    /// What a tool answers, and the seams that were asked on the way to it.
    pub fn asked<T>(ask: impl FnOnce() -> T) -> (T, Self) {
        ROLL.sync_scope(Cell::default(), || {
            let answer = ask();
            (answer, Self(ROLL.with(Cell::take)))
        })
    }

    /// Whether this seam is one of them.
    pub fn hold(&self, seam: &Seam) -> bool {
        self.0.iter().any(|one| Arc::ptr_eq(&one.0, &seam.0))
    }

    /// Whether nobody stands further in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These as well.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_were_asked_are_held_and_no_others() {
        let (outer, inner, other) = (Seam::default(), Seam::default(), Seam::default());
        other.present();
        let (answer, seams) = Seams::asked(|| {
            outer.present();
            let ((), nested) = Seams::asked(|| inner.clone().present());
            assert!(nested.hold(&inner) && !nested.hold(&outer));
            "pay"
        });
        assert_eq!(answer, "pay");
        assert!(seams.hold(&outer.clone()) && !seams.hold(&inner) && !seams.hold(&other));
    }
}
