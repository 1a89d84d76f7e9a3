//! What the OpenAPI document says of our own routes, in the order of the table.

use super::epoch::Present;
use super::journal::{Taken, Written};
use super::rate::{Order, Rate};
use super::scope::Scope;
use crate::openapi::Doc;

pub(crate) fn epoch() -> Doc {
    Doc::new("What clients compare with what they keep").gives::<Present>(200, "The present epoch")
}

pub(crate) fn epoch_events() -> Doc {
    Doc::new("The epoch, then each change with what it touched, as it happens")
        .tells("text/event-stream", "Events `epoch` and `change`; it does not end")
}

pub(crate) fn get_scope() -> Doc {
    Doc::new("All that it takes to decide a session's calls").gives::<Scope>(200, "Lent for a while")
}

pub(crate) fn lend_rate() -> Doc {
    Doc::new("Count calls before they are made").takes::<Order>().gives::<Rate>(200, "Counted")
}

pub(crate) fn take_journal() -> Doc {
    Doc::new("Hand in what a client decided by itself")
        .takes::<Written>()
        .gives::<Taken>(200, "Taken up, once")
}
