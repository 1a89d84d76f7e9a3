//! Verifying an export offline: chain, tree and signatures, with nothing but the file and what
//! the verifier knows already.

use std::io::BufRead;

use scopegate_core::json::Document;
use scopegate_core::{ChainError, ChainHead};
use serde_json::Value;

use super::checkpoint::{Checkpoint, origin};
use super::export::{CheckpointLine, Header, start};
use super::merkle::Frontier;
use super::note::{NoteError, NoteKey};

/// What the verifier knows from elsewhere. Without any of it, the export can only be shown to
/// agree with itself: whoever holds the signing key could have made another one.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Known {
    /// The public key that must have signed.
    pub key: Option<NoteKey>,
    /// Checkpoints that were kept elsewhere: the log must still begin with what they cover.
    pub checkpoints: Vec<String>,
}

/// What an export holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedExport {
    /// The tenant, in the export's words.
    pub tenant: String,
    /// The chain's name.
    pub chain: String,
    /// The first record.
    pub from: u64,
    /// How many records were checked.
    pub records: u64,
    /// How many records the last checkpoint covers; those after it are chained but not signed.
    pub signed: u64,
    /// How many checkpoints were checked, those known from elsewhere included.
    pub checkpoints: u64,
    /// The hash of the last record.
    pub head: String,
    /// The key that signed.
    pub key: String,
}

/// Why an export does not verify.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportFault {
    /// It cannot be read.
    #[error("cannot read the export: {0}")]
    Io(#[from] std::io::Error),
    /// The first line is not that of an export.
    #[error("not an export: {0}")]
    Header(String),
    /// A line is neither a record nor a checkpoint.
    #[error("line {line}, where record {seq} belongs: {why}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// The record that should have come.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A record does not continue the chain.
    #[error("line {line}: record {seq}: {error}")]
    Record {
        /// The line, from 1.
        line: u64,
        /// The first bad record.
        seq: u64,
        /// What is wrong with it.
        error: ChainError,
    },
    /// A checkpoint is not signed, or not by this key.
    #[error("line {line}: {error}")]
    Note {
        /// The line, from 1; 0 for a checkpoint known from elsewhere.
        line: u64,
        /// What is wrong with it.
        error: NoteError,
    },
    /// The records are not those that a checkpoint covers.
    #[error("the first {0} records are not those that their checkpoint covers: one of them was changed")]
    Root(u64),
    /// A checkpoint does not stand after the last record that it covers.
    #[error("line {line}: a checkpoint over {size} records stands after {records}")]
    Place {
        /// The line, from 1.
        line: u64,
        /// What it covers.
        size: u64,
        /// What came before it.
        records: u64,
    },
    /// Records are missing at the end.
    #[error("records from {has} on are missing: there were {had} at least")]
    Truncated {
        /// How many there are.
        has: u64,
        /// How many there were.
        had: u64,
    },
    /// A known checkpoint covers less than what came before this export.
    #[error("the export begins at record {from}, after the {size} that a known checkpoint covers")]
    TooLate {
        /// Where it begins.
        from: u64,
        /// What the checkpoint covers.
        size: u64,
    },
}

impl ExportFault {
    /// The first bad record, or the first that is missing, where one can be named.
    pub fn record(&self) -> Option<u64> {
        match self {
            Self::Line { seq, .. } | Self::Record { seq, .. } => Some(*seq),
            Self::Truncated { has, .. } => Some(*has),
            Self::Place { records, .. } => Some(*records),
            Self::Io(_) | Self::Header(_) | Self::Note { .. } | Self::Root(_) | Self::TooLate { .. } => None,
        }
    }
}

/// Verifies an export.
///
/// # Errors
/// [`ExportFault`] names the first thing that is wrong.
pub fn verify_export(from: impl BufRead, known: &Known) -> Result<VerifiedExport, ExportFault> {
    let mut lines = from.lines().zip(1u64..);
    let first = lines.next().ok_or_else(|| ExportFault::Header("it is empty".to_owned()))?.0?;
    let mut export = Reading::begin(&first, known)?;
    for (text, line) in lines {
        export.line(&text?, line)?;
    }
    export.end()
}

/// An export that was read up to somewhere.
struct Reading {
    header: Header,
    key: NoteKey,
    head: ChainHead,
    tree: Frontier,
    signed: u64,
    checkpoints: u64,
    /// Known checkpoints, largest first.
    waiting: Vec<Checkpoint>,
}

impl Reading {
    fn begin(first: &str, known: &Known) -> Result<Self, ExportFault> {
        let bad = |why: &dyn ToString| ExportFault::Header(why.to_string());
        let header: Header =
            serde_json::from_value(strict(first).map_err(|why| bad(&why))?).map_err(|why| bad(&why))?;
        if header.scopegate_export != 1 {
            return Err(bad(&"a format of a later version"));
        }
        let (tree, last) =
            start(&header).ok_or_else(|| bad(&"its beginning does not fit its first record"))?;
        if !header.chain.strip_prefix(header.tenant.as_str()).is_some_and(|rest| rest.starts_with('-')) {
            return Err(bad(&"its chain is that of another tenant"));
        }
        let key = NoteKey::parse(&header.key).map_err(|why| bad(&why))?;
        if key.name() != origin(&header.chain) {
            return Err(bad(&"its key is that of another log"));
        }
        if known.key.as_ref().is_some_and(|expected| *expected != key) {
            return Err(bad(&"it is signed with another key than the expected one"));
        }
        let note = |error| ExportFault::Note { line: 0, error };
        let mut waiting = known
            .checkpoints
            .iter()
            .map(|text| Checkpoint::open(text, &key).map_err(note))
            .collect::<Result<Vec<_>, _>>()?;
        waiting.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.size));
        let head = ChainHead::at(header.chain.clone(), header.from, last);
        let mut export = Self { header, key, head, tree, signed: 0, checkpoints: 0, waiting };
        if let Some(early) = export.waiting.last().filter(|known| known.size < export.header.from) {
            return Err(ExportFault::TooLate { from: export.header.from, size: early.size });
        }
        export.compare()?;
        Ok(export)
    }

    fn line(&mut self, text: &str, line: u64) -> Result<(), ExportFault> {
        let seq = self.tree.size();
        let bad = |why: String| ExportFault::Line { line, seq, why };
        let value = strict(text).map_err(bad)?;
        if value.get("checkpoint").is_some() {
            let note: CheckpointLine = serde_json::from_value(value).map_err(|why| bad(why.to_string()))?;
            return self.checkpoint(&note.checkpoint, line);
        }
        self.head.follow(&value).map_err(|error| ExportFault::Record { line, seq, error })?;
        self.tree.push(self.head.last());
        self.compare()
    }

    fn checkpoint(&mut self, note: &str, line: u64) -> Result<(), ExportFault> {
        let checkpoint =
            Checkpoint::open(note, &self.key).map_err(|error| ExportFault::Note { line, error })?;
        let records = self.tree.size();
        if checkpoint.size != records {
            return Err(ExportFault::Place { line, size: checkpoint.size, records });
        }
        self.agree(&checkpoint)
    }

    /// Compares with the known checkpoints that cover exactly the records so far.
    fn compare(&mut self) -> Result<(), ExportFault> {
        let size = self.tree.size();
        while let Some(known) = self.waiting.pop_if(|known| known.size == size) {
            self.agree(&known)?;
        }
        Ok(())
    }

    fn agree(&mut self, checkpoint: &Checkpoint) -> Result<(), ExportFault> {
        if self.tree.root() != checkpoint.root {
            return Err(ExportFault::Root(checkpoint.size));
        }
        self.signed = checkpoint.size;
        self.checkpoints += 1;
        Ok(())
    }

    fn end(self) -> Result<VerifiedExport, ExportFault> {
        let has = self.tree.size();
        let told = self.header.from.saturating_add(self.header.records);
        let had = self.waiting.first().map_or(told, |known| known.size.max(told));
        if has < had {
            return Err(ExportFault::Truncated { has, had });
        }
        if has > told {
            return Err(ExportFault::Header(format!("it says {told} records and has {has}")));
        }
        Ok(VerifiedExport {
            tenant: self.header.tenant.to_string(),
            chain: self.header.chain,
            from: self.header.from,
            records: self.header.records,
            signed: self.signed,
            checkpoints: self.checkpoints,
            head: self.head.hash(),
            key: self.header.key,
        })
    }
}

/// The strict reader, so that a repeated member cannot show two readers two things.
fn strict(line: &str) -> Result<Value, String> {
    let document = Document::read(line.to_owned()).map_err(|error| error.to_string())?;
    Ok(document.root().to_value())
}
