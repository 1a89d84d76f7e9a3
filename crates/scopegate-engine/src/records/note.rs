//! Records on their way to the writer: one cache line each, because that is what they cost.

use std::sync::Arc;

use scopegate_core::{CallDigest, Consent, DecisionRecord, Event, Name, Paid, PermitId, ReviewId, Timestamp};

use crate::local::Beside;
use crate::session::Session;

/// Something to be recorded, as it stands where it happened.
pub(crate) struct Entry<'a> {
    pub(crate) id: PermitId,
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
    /// Who asked for what, where that is known.
    pub(crate) call: Option<Called<'a>>,
    pub(crate) review: Option<ReviewId>,
    pub(crate) consent: Option<Consent>,
    pub(crate) arguments: Option<CallDigest>,
    pub(crate) beside: Option<Box<Beside>>,
    /// The grant that admitted it, where it was no role.
    pub(crate) paid: Option<Paid>,
    /// How many places of an answer were not shown.
    pub(crate) redacted: u32,
}

/// A call, and the version of the role it was judged by.
#[derive(Clone, Copy)]
pub(crate) struct Called<'a> {
    pub(crate) session: &'a Arc<Session>,
    pub(crate) version: u64,
    pub(crate) tool: &'a Name,
}

/// What waits in one lane, in order.
#[derive(Default)]
pub(super) struct Batch {
    notes: Vec<Note>,
    /// The sessions that the notes name. One that makes many calls in a row stands here once.
    sessions: Vec<Arc<Session>>,
}

/// An [`Entry`] that waits.
#[repr(align(64))]
enum Note {
    Call { session: u32, number: u64, at: Timestamp, event: Event, version: u64, tool: Name, rare: Rare },
    Bare { id: PermitId, at: Timestamp, event: Event, redacted: u32 },
}

/// What few records have.
type Rare = Option<Box<Rarities>>;

#[derive(Default)]
struct Rarities {
    review: Option<ReviewId>,
    consent: Option<Consent>,
    arguments: Option<CallDigest>,
    beside: Option<Box<Beside>>,
    paid: Option<Paid>,
}

impl<'a> Entry<'a> {
    /// Only what happened.
    pub(crate) fn bare(id: PermitId, at: Timestamp, event: Event) -> Self {
        let (call, review, consent, arguments, beside) = (None, None, None, None, None);
        Self { id, at, event, call, review, consent, arguments, beside, paid: None, redacted: 0 }
    }

    /// What a call came to.
    #[inline(always)]
    pub(crate) fn of(call: Called<'a>, id: PermitId, at: Timestamp, event: Event) -> Self {
        Self { call: Some(call), ..Self::bare(id, at, event) }
    }
}

impl From<Entry<'_>> for DecisionRecord {
    fn from(entry: Entry<'_>) -> Self {
        let mut record = Self::new(entry.id, entry.at, entry.event);
        if let Some(Called { session, version, tool }) = entry.call {
            record.owner = Some(session.owner().clone());
            record.role = Some((session.role().clone(), version));
            record.tool = Some(kept(tool));
        }
        record.review = entry.review;
        record.consent = entry.consent;
        record.arguments = entry.arguments;
        if let Some(beside) = entry.beside {
            (record.shadow, record.trust) = (beside.shadow, beside.trust);
        }
        if let Some(paid) = entry.paid {
            (record.grant, record.replaced) = (Some(paid.grant), paid.replaced);
        }
        record.redacted = (entry.redacted > 0).then_some(entry.redacted.into());
        record
    }
}

impl Batch {
    pub(super) fn with_capacity(notes: usize) -> Self {
        Self { notes: Vec::with_capacity(notes), sessions: Vec::with_capacity(notes) }
    }

    pub(super) fn len(&self) -> usize {
        self.notes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    #[inline(always)]
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        let Entry { id, at, event, redacted, .. } = *entry;
        let note = match entry.call {
            None => Note::Bare { id, at, event, redacted },
            Some(Called { session, version, tool }) => {
                if !self.sessions.last().is_some_and(|last| Arc::ptr_eq(last, session)) {
                    self.sessions.push(session.clone());
                }
                // A lane is far shorter than this.
                let session = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX) - 1;
                let Entry { review, consent, arguments, ref beside, paid, .. } = *entry;
                let rare = match (review, consent, arguments, beside, paid) {
                    (None, None, None, None, None) => None,
                    _ => {
                        let beside = beside.clone();
                        Some(Box::new(Rarities { review, consent, arguments, beside, paid }))
                    }
                };
                Note::Call { session, number: id.number, at, event, version, tool: kept(tool), rare }
            }
        };
        self.notes.push(note);
    }

    /// Makes records of everything; [`clear`](Self::clear) afterwards.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = DecisionRecord> {
        let Self { notes, sessions } = self;
        // A note names a session that stands beside it; were it not so, the record would be missing,
        // and the numbers would show it.
        notes.drain(..).filter_map(|note| match note {
            Note::Bare { id, at, event, redacted } => {
                Some(Entry { redacted, ..Entry::bare(id, at, event) }.into())
            }
            Note::Call { session, number, at, event, version, tool, rare } => {
                let session = sessions.get(session as usize)?;
                let id = PermitId { session: session.id, number };
                let entry = Entry::of(Called { session, version, tool: &tool }, id, at, event);
                let Rarities { review, consent, arguments, beside, paid } =
                    rare.map(|rare| *rare).unwrap_or_default();
                Some(Entry { review, consent, arguments, beside, paid, ..entry }.into())
            }
        })
    }

    /// Forgets the sessions that [`drain`](Self::drain) named.
    pub(super) fn clear(&mut self) {
        self.notes.clear();
        self.sessions.clear();
    }
}

/// A tool's name as records keep it. Names of policies fit; a caller's own is cut here, or one call
/// could fill the queue, and make a line that no reader accepts any more.
#[inline]
fn kept(tool: &Name) -> Name {
    const LONGEST: usize = 128;
    if tool.len() <= LONGEST { tool.clone() } else { cut(tool, LONGEST) }
}

#[cold]
fn cut(tool: &Name, length: usize) -> Name {
    let cut = tool.get(..tool.floor_char_boundary(length)).unwrap_or_default();
    format!("{cut}…").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_cache_line() {
        assert_eq!(size_of::<Note>(), 64);
    }
}
