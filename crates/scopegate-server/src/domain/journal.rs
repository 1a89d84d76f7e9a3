//! What clients decided by themselves, taken into the log.

use std::collections::BTreeMap;
use std::ops::Range;

use scopegate_core::{CallDigest, DecisionRecord, DenyCode, Event, Name, PermitId, SessionId, Timestamp};

use super::tenant::lock;
use super::{Failure, Tenant};
use crate::audit::Circumstances;
use crate::auth::Caller;
use crate::store::{Change, DecisionRow, JournalRow, SessionRow};

/// Clients number their own decisions from here on, the plane numbers its own below: a record of a
/// session never has the number of another.
const FIRST: u64 = 1 << 48;
/// And those of calls that they let through while the plane could not be reached from here on.
const FIRST_OPEN: u64 = 1 << 49;
/// What JSON carries.
const LAST: u64 = (1 << 53) - 1;
/// Most entries of one batch.
const MOST: usize = 1_000;

/// A batch of the journal that a client keeps of one session.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Counts the batches of the journal, from 1.
    pub(crate) batch: u64,
    /// The numbers that the batch covers, both included; `to` is one less than `from` when it has none.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Whether these were decided while the plane could not be reached.
    pub(crate) fail_open: bool,
    pub(crate) entries: Vec<Entry>,
    /// Denials that were counted instead of being written down.
    pub(crate) omitted: BTreeMap<&'static str, (DenyCode, u64)>,
}

/// A decision, or what became of one.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// By the client's clock.
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
    pub(crate) tool: Option<Name>,
    pub(crate) role_version: u64,
    pub(crate) arguments: Option<CallDigest>,
}

/// How far a journal was taken up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) batch: u64,
    pub(crate) number: u64,
    /// Records that this batch shows to be missing.
    pub(crate) missing: u64,
}

impl Tenant {
    /// Takes a batch up, once: a batch that comes again changes nothing.
    pub(crate) async fn take_journal(
        &self,
        caller: &Caller,
        session: SessionId,
        batch: Batch,
        now: Timestamp,
    ) -> Result<Taken, Failure> {
        let session = self.own_session(caller, session)?;
        batch.check()?;
        let mut replaced = None;
        let taken = self.change(|| {
            let mut journals = lock(&self.book.journals);
            // Of a journal that may have been forgotten nobody can tell what was taken up already.
            if journals.forgets(session.expires_at, now) {
                return Err(Failure::Unknown("session"));
            }
            let key = (session.id, batch.fail_open);
            let begun = Taken { number: batch.numbers().start, ..Taken::default() };
            let before = journals.get(&key).map_or(begun, Taken::of);
            if batch.batch == before.batch && batch.to <= before.number {
                return Ok((before, Vec::new()));
            }
            if batch.batch <= before.batch {
                return Err(Failure::Conflict("a later batch was taken up before".to_owned()));
            }
            let Some(skipped) = batch.from.checked_sub(before.number + 1) else {
                return Err(Failure::Conflict(
                    "the batch holds numbers that were taken up before".to_owned(),
                ));
            };
            let missing = skipped + batch.unaccounted();
            let journal = JournalRow {
                session: session.id,
                fail_open: batch.fail_open,
                batch: batch.batch,
                number: batch.to.max(before.number),
            };
            let mut changes = self.rows(caller, &session, &batch, missing, now);
            changes.push(Change::Journal { tenant: self.id.clone(), journal });
            replaced = Some((key, journals.put(key, session.expires_at, journal, now)));
            Ok((Taken { missing, ..Taken::of(&journal) }, changes))
        });
        let taken = taken.await;
        if let (Err(_), Some((key, before))) = (&taken, replaced) {
            // It was not handed to the writer, so it may come again.
            let mut journals = lock(&self.book.journals);
            match before {
                Some(before) => drop(journals.put(key, session.expires_at, before, now)),
                None => journals.remove(&key),
            }
        }
        taken
    }

    /// The records of a batch. What is missing before it stands on the first.
    fn rows(
        &self,
        caller: &Caller,
        session: &SessionRow,
        batch: &Batch,
        missing: u64,
        now: Timestamp,
    ) -> Vec<Change> {
        let mut missing = Some(missing).filter(|missing| *missing > 0);
        let mut row = |record: DecisionRecord, client_at: Option<Timestamp>, count: Option<u64>| {
            let denied = match record.event {
                Event::Deny(code) => Some(code),
                _ => None,
            };
            let circumstances = Circumstances {
                client_at,
                count,
                fail_open: batch.fail_open,
                key: Some(caller.signed_by().clone()),
                missing: missing.take(),
                role_id: Some(session.role_id.clone()),
                separation_off: caller.is_everything(),
                severity: denied.map(|code| code.severity().as_str().to_owned()),
                source: Some(Name::new_static("client")),
                ..Circumstances::default()
            };
            let tenant = self.id.clone();
            let (accounts, review, delivery) = (Vec::new(), None, None);
            Change::Decision(Box::new(DecisionRow {
                tenant,
                record,
                circumstances,
                accounts,
                budgets: Vec::new(),
                review,
                documents: Vec::new(),
                delivery,
            }))
        };
        let written = batch.entries.iter().map(|entry| (entry.record(session, now), Some(entry.at), None));
        let counted = batch.omitted.values().map(|(code, count)| {
            let id = PermitId { session: session.id, number: batch.to };
            (of_session(DecisionRecord::new(id, now, Event::Deny(*code)), session, 0), None, Some(*count))
        });
        written.chain(counted).map(|(record, at, count)| row(record, at, count)).collect()
    }
}

impl Batch {
    fn check(&self) -> Result<(), Failure> {
        let invalid = |why: &str| Err(Failure::Invalid(why.to_owned()));
        if self.entries.is_empty() && self.omitted.is_empty() {
            return invalid("a batch holds something");
        }
        if self.entries.len() > MOST {
            return invalid("a batch has at most 1000 entries");
        }
        let Range { start, end } = self.numbers();
        if self.batch == 0 || self.from <= start || self.to >= end || self.from > self.to.saturating_add(1) {
            return invalid(
                "a client's batches count from 1, and its numbers from 2^48 + 1, or 2^49 + 1 where it failed open",
            );
        }
        if self.entries.iter().any(|entry| entry.event == Event::Hold) {
            return invalid("a client holds no calls");
        }
        let mut last = self.from - 1;
        for entry in self.entries.iter().filter(|entry| !entry.is_outcome()) {
            if entry.number <= last || entry.number > self.to {
                return invalid("the numbers of a batch go up, from `from` to `to`");
            }
            last = entry.number;
        }
        match self.covered().checked_sub(self.told()) {
            Some(_) => Ok(()),
            None => invalid("a batch holds no more than its numbers"),
        }
    }

    /// The numbers of such a journal, the first not included.
    fn numbers(&self) -> Range<u64> {
        if self.fail_open { FIRST_OPEN..LAST } else { FIRST..FIRST_OPEN }
    }

    fn covered(&self) -> u64 {
        self.to + 1 - self.from
    }

    /// Decisions that it tells of, one by one or counted.
    fn told(&self) -> u64 {
        let entries = self.entries.iter().filter(|entry| !entry.is_outcome()).count() as u64;
        self.omitted.values().fold(entries, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Numbers that it covers and says nothing of.
    fn unaccounted(&self) -> u64 {
        self.covered().saturating_sub(self.told())
    }
}

impl Entry {
    fn is_outcome(&self) -> bool {
        matches!(self.event, Event::Ran | Event::Failed | Event::Dropped)
    }

    fn record(&self, session: &SessionRow, now: Timestamp) -> DecisionRecord {
        let id = PermitId { session: session.id, number: self.number };
        let mut record = DecisionRecord::new(id, now, self.event);
        if !self.is_outcome() {
            record = of_session(record, session, self.role_version);
        }
        record.tool = self.tool.clone();
        record.arguments = self.arguments;
        record
    }
}

impl Taken {
    fn of(row: &JournalRow) -> Self {
        Self { batch: row.batch, number: row.number, missing: 0 }
    }
}

fn of_session(mut record: DecisionRecord, session: &SessionRow, version: u64) -> DecisionRecord {
    record.owner = Some(session.owner.clone());
    record.role = Some((session.role.clone(), version));
    record
}
