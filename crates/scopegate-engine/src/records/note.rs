//! A record on its way to the writer, in two cache lines.

use scopegate_core::{CallDigest, DecisionRecord, Event, Name, PermitId, ReviewId, Timestamp};

/// What every decision has; what few have stands apart. The writer makes the record of it.
pub(crate) struct Note {
    pub(crate) id: PermitId,
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
    pub(crate) call: Option<Call>,
    pub(crate) rare: Option<Box<Rare>>,
}

/// Who asked for what, where that is known.
pub(crate) struct Call {
    pub(crate) owner: Name,
    pub(crate) role: Name,
    pub(crate) version: u64,
    pub(crate) tool: Name,
}

/// What few records have.
pub(crate) struct Rare {
    pub(crate) review: Option<ReviewId>,
    pub(crate) arguments: Option<CallDigest>,
}

impl Note {
    /// Only what happened.
    pub(crate) fn new(id: PermitId, at: Timestamp, event: Event) -> Self {
        Self { id, at, event, call: None, rare: None }
    }

    pub(crate) fn with(self, review: Option<ReviewId>, arguments: Option<CallDigest>) -> Self {
        let rare = (review.is_some() || arguments.is_some()).then(|| Box::new(Rare { review, arguments }));
        Self { rare, ..self }
    }
}

impl From<Note> for DecisionRecord {
    fn from(note: Note) -> Self {
        let mut record = Self::new(note.id, note.at, note.event);
        if let Some(Call { owner, role, version, tool }) = note.call {
            record.owner = Some(owner);
            record.role = Some((role, version));
            record.tool = Some(tool);
        }
        if let Some(rare) = note.rare {
            record.review = rare.review;
            record.arguments = rare.arguments;
        }
        record
    }
}

/// A tool's name as records keep it. Names of policies fit; a caller's own is cut here, or one call
/// could fill the queue, and make a line that no reader accepts any more.
#[inline]
pub(crate) fn recorded(tool: &Name) -> Name {
    const LONGEST: usize = 128;
    if tool.len() <= LONGEST {
        return tool.clone();
    }
    let cut = tool.get(..tool.floor_char_boundary(LONGEST)).unwrap_or_default();
    format!("{cut}…").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_two_cache_lines() {
        assert!(size_of::<Note>() <= 128, "{}", size_of::<Note>());
    }
}
