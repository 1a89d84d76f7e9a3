//! One tenant's log in the writer's hands: chain, tree, and when to sign.

use std::time::Duration;

use scopegate_core::{ChainHead, Timestamp};

use super::checkpoint::{Checkpoint, origin};
use super::merkle::{Frontier, Hash};
use super::note::{NoteError, NoteSigner};
use crate::store::DecisionRow;

/// Most records without a checkpoint.
const MOST: u64 = 1024;
/// Longest time without a checkpoint, when there is something new.
const LONGEST: Duration = Duration::from_secs(1);

/// The end of a log: what the next record and the next checkpoint need.
#[derive(Clone, Debug)]
pub struct Log {
    head: ChainHead,
    tree: Frontier,
    latest: Timestamp,
    signed: u64,
    signed_at: Timestamp,
}

/// A record that was appended.
#[derive(Debug)]
pub struct Appended {
    /// Its place.
    pub seq: u64,
    /// When; never earlier than the record before.
    pub at: Timestamp,
    /// Its canonical form.
    pub body: Vec<u8>,
    /// Its hash.
    pub hash: Hash,
}

impl Log {
    /// An empty log.
    pub fn new(chain: &str) -> Self {
        let (tree, start) = (Frontier::default(), Timestamp::default());
        Self { head: ChainHead::new(chain), tree, latest: start, signed: 0, signed_at: start }
    }

    /// A log as it was signed: its tree, when its last record was made and with which hash, and when
    /// it was signed. What was decided before that and kept after it is older than the signature.
    pub fn resume(
        chain: &str,
        tree: Frontier,
        (latest, last): (Timestamp, Hash),
        signed_at: Timestamp,
    ) -> Self {
        let size = tree.size();
        let head = ChainHead::at(chain, size, last);
        Self { head, tree, latest, signed: size, signed_at }
    }

    /// Follows a record that was kept but not signed. False when it does not continue the chain.
    pub fn follow(&mut self, at: Timestamp, body: &[u8], hash: &Hash) -> bool {
        let (_, made) = self.head.append_canonical(body);
        self.tree.push(&made);
        let in_order = self.latest <= at;
        self.latest = self.latest.max(at);
        made == *hash && in_order
    }

    /// Appends a record.
    pub fn append(&mut self, row: &DecisionRow) -> Appended {
        let at = row.record.at.max(self.latest);
        self.latest = at;
        let (mut plane, mut body) = (Vec::with_capacity(256), Vec::with_capacity(640));
        row.circumstances.write(&mut plane);
        if at == row.record.at {
            row.record.write_canonical(Some(&plane), &mut body);
        } else {
            let mut record = row.record.clone();
            record.at = at;
            record.write_canonical(Some(&plane), &mut body);
        }
        let (seq, hash) = self.head.append_canonical(&body);
        self.tree.push(&hash);
        Appended { seq, at, body, hash }
    }

    /// How many records there are.
    pub fn len(&self) -> u64 {
        self.tree.size()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the last record was made.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// The tree.
    pub fn tree(&self) -> &Frontier {
        &self.tree
    }

    /// Whether something is not covered by a checkpoint.
    pub fn is_unsigned(&self) -> bool {
        self.signed < self.len()
    }

    /// Whether it is time for a checkpoint.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let new = self.len() - self.signed;
        new >= MOST || (new > 0 && self.signed_at.until(now) >= LONGEST)
    }

    /// Signs the log as it stands.
    ///
    /// # Errors
    /// [`NoteError`] when the chain's name cannot stand in a note.
    pub fn sign(&mut self, seed: &[u8; 32], now: Timestamp) -> Result<String, NoteError> {
        let origin = origin(self.head.name());
        let signer = NoteSigner::new(&origin, seed)?;
        self.signed = self.len();
        self.signed_at = now;
        Ok(Checkpoint::of(&origin, &self.tree).sign(&signer))
    }
}
