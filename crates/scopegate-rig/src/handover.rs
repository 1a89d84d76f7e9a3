//! How a permit gets from one seam to the next, so that a call is decided once.
//!
//! The outer seam permits a call and hands it inward with a mark: white space after the opening
//! brace of the arguments, which every reader of JSON skips. An inner seam of the same guard that
//! finds the mark, on these very arguments for this very tool, takes the permit instead of asking
//! again, if it asks for the same caller. Whoever rewrites the arguments loses the mark, and they are
//! judged anew. A guarded handler knows which seams stand around its tool, and offers to these alone;
//! a hook is not told which handler a call will reach, nor a handler who sent it, and a tool's name or
//! a call's number could be another's, so there nothing but the mark connects them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use scopegate_adapter::{Caller, Seam, Seams, read};
use scopegate_core::{Permitted, ToolCall};

/// Two bits a character.
const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];
/// Characters of a mark.
const MARK: usize = 32;

/// The permits of one guard that wait to be taken up further in.
#[derive(Default)]
pub(crate) struct Handover {
    slots: Mutex<HashMap<u64, Weak<Slot>>>,
}

struct Slot {
    /// Whom it was decided for.
    caller: Caller,
    /// Who may take it up; `None` where that is not known, and the mark alone says.
    seams: Option<Seams>,
    tool: String,
    /// As they were judged, without the mark.
    arguments: String,
    permitted: Mutex<Option<Permitted<ToolCall>>>,
}

/// A permit that its holder offers to seams further in. Dropped, it is withdrawn.
pub(crate) struct Offer {
    slot: Arc<Slot>,
    mark: Option<u64>,
    handover: Arc<Handover>,
}

impl Handover {
    /// Offers a permit that was decided for this caller, and whose arguments were read, to these seams.
    pub(crate) fn offer(
        self: &Arc<Self>,
        permitted: Permitted<ToolCall>,
        caller: Caller,
        seams: Option<Seams>,
    ) -> Offer {
        let call = permitted.call();
        // Where nobody takes it up, nobody is told of it: neither is a tool that hands its text on.
        let nobody = seams.as_ref().is_some_and(Seams::is_empty);
        let slot = Arc::new(Slot {
            caller,
            seams,
            tool: call.tool.to_string(),
            arguments: call.args.to_json().unwrap_or_default(),
            permitted: Mutex::new(Some(permitted)),
        });
        // Without randomness there is no mark, and the inner seam asks again.
        let mark = if nobody { None } else { getrandom::u64().ok() };
        if let Some(mark) = mark {
            lock(&self.slots).insert(mark, Arc::downgrade(&slot));
        }
        Offer { slot, mark, handover: self.clone() }
    }

    /// Takes the permit that was offered to this seam for this very call of this caller.
    pub(crate) fn take(
        &self,
        seam: &Seam,
        caller: &Caller,
        tool: &str,
        arguments: &str,
    ) -> Option<Permitted<ToolCall>> {
        let slot = self.slot(caller, tool, arguments)?;
        let ours = slot.seams.as_ref().is_none_or(|seams| seams.hold(seam));
        if ours { lock(&slot.permitted).take() } else { None }
    }

    /// Whether a hook offers a permit for this very call of this caller.
    pub(crate) fn offers(&self, caller: &Caller, tool: &str, arguments: &str) -> bool {
        let slot = self.slot(caller, tool, arguments);
        slot.is_some_and(|slot| slot.seams.is_none() && lock(&slot.permitted).is_some())
    }

    fn slot(&self, caller: &Caller, tool: &str, arguments: &str) -> Option<Arc<Slot>> {
        let (mark, arguments) = unmarked(arguments)?;
        let slot = lock(&self.slots).get(&mark)?.upgrade()?;
        (slot.caller.is(caller) && slot.tool == tool && slot.arguments == arguments).then_some(slot)
    }
}

impl Offer {
    /// The judged arguments, marked.
    pub(crate) fn arguments(&self) -> String {
        match self.mark {
            Some(mark) => marked(mark, &self.slot.arguments),
            None => self.slot.arguments.clone(),
        }
    }

    /// Whether these are the judged arguments, however they are spaced.
    pub(crate) fn covers(&self, arguments: &str) -> bool {
        read(arguments).to_json().as_ref() == Some(&self.slot.arguments)
    }

    /// The permit, unless a seam further in has taken it.
    pub(crate) fn withdraw(&self) -> Option<Permitted<ToolCall>> {
        lock(&self.slot.permitted).take()
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        if let Some(mark) = self.mark {
            lock(&self.handover.slots).remove(&mark);
        }
    }
}

fn marked(mark: u64, arguments: &str) -> String {
    let rest = arguments.strip_prefix('{').unwrap_or_default();
    let spaces = (0..MARK).filter_map(|place| SPACES.get((mark >> (2 * place)) as usize & 3));
    std::iter::once(&'{').chain(spaces).copied().chain(rest.chars()).collect()
}

/// The mark, and the arguments without it.
fn unmarked(arguments: &str) -> Option<(u64, String)> {
    let (spaces, rest) = arguments.strip_prefix('{')?.split_at_checked(MARK)?;
    let mut mark = 0;
    for (place, space) in spaces.chars().enumerate() {
        let bits = SPACES.iter().position(|known| *known == space)?;
        mark |= (bits as u64) << (2 * place);
    }
    Some((mark, format!("{{{rest}")))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_white_space_that_reads_back() {
        for mark in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            for arguments in ["{}", r#"{"a":1}"#, r#"{"ü":"{ "}"#] {
                let text = marked(mark, arguments);
                assert_eq!(unmarked(&text), Some((mark, arguments.to_owned())));
                let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                assert_eq!(read, serde_json::from_str::<serde_json::Value>(arguments).expect("JSON"));
            }
        }
    }

    #[test]
    fn ordinary_arguments_have_no_mark() {
        let pretty = format!("{{\n{}\"a\": 1}}", " ".repeat(30));
        for arguments in
            ["", "{}", "null", r#"{"a":1}"#, pretty.as_str(), "{ü234567890123456789012345678901}"]
        {
            assert_eq!(unmarked(arguments), None, "{arguments}");
        }
    }
}
