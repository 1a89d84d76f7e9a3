//! The journal of one session: items in order, and the batch that is on its way.

use std::collections::{BTreeMap, VecDeque};

use scopegate_core::{CallDigest, DecisionRecord, Event, Name, Timestamp};
use serde::Serialize;

use super::seat::{FAIL_OPEN, LOCAL};
use super::sent::Noted;

/// Items of one batch.
const BATCH: usize = 500;
/// Denials of one session that are written down in a minute; more are counted.
const DENIALS: u32 = 60;
const MINUTE: u64 = 60_000_000_000;

/// The journal of one session.
pub(super) struct Book {
    items: VecDeque<Item>,
    /// The last number that is in a batch, the last batch, and how many records the batches hold.
    last: u64,
    batch: u64,
    records: u64,
    sending: Option<Batch>,
    minute: u64,
    denials: u32,
}

enum Item {
    Entry(Entry),
    /// Denials that were counted, up to this number.
    Omitted(u64, BTreeMap<&'static str, u64>),
}

/// A decision, or what became of one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Entry {
    number: u64,
    at: Timestamp,
    event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<Name>,
    #[serde(skip_serializing_if = "is_zero")]
    role_version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<CallDigest>,
}

/// What is sent at once. It stays the same until it has arrived.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Batch {
    pub(super) batch: u64,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) fail_open: bool,
    pub(super) entries: Vec<Entry>,
    pub(super) omitted: BTreeMap<&'static str, u64>,
    /// How many records this and the batches before it hold.
    #[serde(skip)]
    pub(super) records: u64,
}

impl Book {
    pub(super) fn new(fail_open: bool) -> Self {
        let last = if fail_open { FAIL_OPEN } else { LOCAL };
        Self { items: VecDeque::new(), last, batch: 0, records: 0, sending: None, minute: 0, denials: 0 }
    }

    /// The journal of an earlier process under fail-open: all its records, and what is noted of the
    /// batches that were sent. The last of them may have arrived or not, so it is sent again as it was,
    /// unless it was refused.
    pub(super) fn resume(records: &[DecisionRecord], noted: &[Noted]) -> Self {
        let mut book = Self::new(true);
        let (arrived, sent) = match noted {
            [] => (None, None),
            [.., settled] if settled.refused => (Some(settled), None),
            [sent] => (None, Some(sent)),
            [.., arrived, sent] => (Some(arrived), Some(sent)),
        };
        for (record, place) in records.iter().zip(1_u64..) {
            book.put(record, 0);
            if let Some(arrived) = arrived.filter(|arrived| arrived.records == place) {
                book.skip(arrived.batch);
            }
            if let Some(sent) = sent.filter(|sent| sent.records == place) {
                book.batch = sent.batch.saturating_sub(1);
                book.next(true);
            }
        }
        book
    }

    /// What waits has arrived, up to this batch.
    fn skip(&mut self, batch: u64) {
        while self.next(true).is_some() {
            self.sending = None;
        }
        self.batch = batch;
    }

    /// Items that wait or are on their way.
    pub(super) fn items(&self) -> usize {
        self.items.len() + self.sending.as_ref().map_or(0, Batch::items)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.sending.is_none()
    }

    /// Puts a record in; how many items that adds.
    pub(super) fn put(&mut self, record: &DecisionRecord, version: u64) -> usize {
        if let Event::Deny(code) = record.event
            && !self.has_room_for_a_denial(record.at)
        {
            if let Some(Item::Omitted(to, counts)) = self.items.back_mut() {
                *to = record.id.number;
                *counts.entry(code.as_str()).or_default() += 1;
                return 0;
            }
            let counts = BTreeMap::from([(code.as_str(), 1)]);
            self.items.push_back(Item::Omitted(record.id.number, counts));
            return 1;
        }
        let outcome = is_outcome(record.event);
        self.items.push_back(Item::Entry(Entry {
            number: record.id.number,
            at: record.at,
            event: record.event,
            tool: record.tool.clone(),
            role_version: if outcome { 0 } else { version },
            arguments: record.arguments,
        }));
        1
    }

    fn has_room_for_a_denial(&mut self, at: Timestamp) -> bool {
        let minute = at.nanos() / MINUTE;
        if minute != self.minute {
            (self.minute, self.denials) = (minute, 0);
        }
        self.denials += 1;
        self.denials <= DENIALS
    }

    /// The batch that was on its way has arrived, or never will. False when another is by now.
    pub(super) fn settle(&mut self, batch: u64) -> bool {
        let ours = self.sending.as_ref().is_some_and(|sending| sending.batch == batch);
        if ours {
            self.sending = None;
        }
        ours
    }

    /// The batch under way, or a new one.
    pub(super) fn next(&mut self, fail_open: bool) -> Option<Batch> {
        if self.sending.is_none() && !self.items.is_empty() {
            self.batch += 1;
            let from = self.last + 1;
            let mut batch = Batch {
                batch: self.batch,
                from,
                to: self.last,
                fail_open,
                entries: Vec::new(),
                omitted: BTreeMap::new(),
                records: self.records,
            };
            // Counted denials of one batch stand together, so that they are one item of it.
            while let Some(item) = self.items.front()
                && batch.entries.len() < BATCH
                && (batch.omitted.is_empty() || matches!(item, Item::Entry(_)))
            {
                batch.extend(self.items.pop_front());
            }
            (self.last, self.records) = (batch.to, batch.records);
            self.sending = Some(batch);
        }
        self.sending.clone()
    }
}

impl Batch {
    /// How many items it took.
    pub(super) fn items(&self) -> usize {
        self.entries.len() + usize::from(!self.omitted.is_empty())
    }

    fn extend(&mut self, item: Option<Item>) {
        match item {
            None => {}
            Some(Item::Entry(entry)) => {
                if !is_outcome(entry.event) {
                    self.to = self.to.max(entry.number);
                }
                self.records += 1;
                self.entries.push(entry);
            }
            Some(Item::Omitted(to, counts)) => {
                self.to = self.to.max(to);
                self.records += counts.values().sum::<u64>();
                self.omitted = counts;
            }
        }
    }
}

pub(super) fn is_outcome(event: Event) -> bool {
    matches!(event, Event::Ran | Event::Failed | Event::Dropped)
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
