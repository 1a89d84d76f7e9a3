//! What this process knows of the plane's epoch, and what another one that it hears of means.

use crate::wire::Epoch;

/// The last epoch that was heard of.
#[derive(Debug, Default)]
pub(super) struct Standing {
    known: Option<Epoch>,
}

/// What an epoch that was heard of means for what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is what is known: all that is kept is so still.
    Same,
    /// The next one: only what the event names has changed.
    Next,
    /// A later one: anything may have changed.
    Gap,
    /// An earlier one, or another count: the plane is not what it was, and nothing it said holds.
    Restored,
    /// An answer that was overtaken: it says nothing about now.
    Late,
}

impl Standing {
    /// What is known, to be handed back with the answer to a request that leaves now.
    pub(super) fn known(&self) -> Option<Epoch> {
        self.known
    }

    /// An answer, to a request that left when `knew` was known.
    pub(super) fn answered(&mut self, knew: Option<Epoch>, told: Epoch) -> Heard {
        let heard = match self.known {
            None => Heard::Gap,
            Some(known) if known == told => return Heard::Same,
            Some(known) if known.incarnation != told.incarnation => match knew {
                Some(knew) if knew.incarnation == told.incarnation => return Heard::Late,
                _ => Heard::Restored,
            },
            Some(known) if known.counter < told.counter => Heard::Gap,
            Some(_) => match knew {
                Some(knew) if knew.incarnation == told.incarnation && knew.counter > told.counter => {
                    Heard::Restored
                }
                _ => return Heard::Late,
            },
        };
        self.known = Some(told);
        heard
    }

    /// An event, which was sent when the plane's epoch became this one.
    pub(super) fn event(&mut self, told: Epoch) -> Heard {
        let heard = match self.known {
            None => Heard::Gap,
            Some(known) if known.incarnation != told.incarnation => Heard::Restored,
            Some(known) if told.counter <= known.counter => return Heard::Same,
            Some(known) if told.counter == known.counter + 1 => Heard::Next,
            Some(_) => Heard::Gap,
        };
        self.known = Some(told);
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard::*, *};

    const fn epoch(incarnation: u64, counter: u64) -> Epoch {
        Epoch { incarnation, counter }
    }

    #[test]
    fn answers() {
        let known = epoch(7, 5);
        for (knew, told, heard, after) in [
            (Some(known), known, Same, known),
            (Some(epoch(7, 4)), known, Same, known),
            (Some(known), epoch(7, 6), Gap, epoch(7, 6)),
            (Some(known), epoch(7, 4), Restored, epoch(7, 4)),
            (Some(known), epoch(8, 5), Restored, epoch(8, 5)),
            // It left before the event came, and was answered before the change was made.
            (Some(epoch(7, 4)), epoch(7, 4), Late, known),
            // It left when another plane was known.
            (Some(epoch(6, 9)), epoch(6, 9), Late, known),
            (Some(epoch(6, 9)), epoch(7, 4), Late, known),
            (None, epoch(7, 4), Late, known),
        ] {
            let mut standing = Standing { known: Some(known) };
            assert_eq!(standing.answered(knew, told), heard, "{knew:?} {told:?}");
            assert_eq!(standing.known(), Some(after), "{knew:?} {told:?}");
        }
        assert_eq!(Standing::default().answered(None, known), Gap);
    }

    #[test]
    fn events() {
        let known = epoch(7, 5);
        for (told, heard, after) in [
            (known, Same, known),
            (epoch(7, 4), Same, known),
            (epoch(7, 6), Next, epoch(7, 6)),
            (epoch(7, 7), Gap, epoch(7, 7)),
            (epoch(8, 1), Restored, epoch(8, 1)),
        ] {
            let mut standing = Standing { known: Some(known) };
            assert_eq!((standing.event(told), standing.known()), (heard, Some(after)), "{told:?}");
        }
    }
}
