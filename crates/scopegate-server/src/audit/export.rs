//! One self-contained file: records, checkpoints and the public key, as JSON lines.
//!
//! ```text
//! {"scopegate_export":1,"chain":…,"from":0,"key":…,"last":…,"records":2,"subtrees":[],"tenant":…}
//! {"chain":…,"hash":…,"prev":…,"record":{…},"seq":0}
//! {"chain":…,"hash":…,"prev":…,"record":{…},"seq":1}
//! {"checkpoint":"scopegate/…\n2\n…"}
//! ```
//!
//! A checkpoint stands right after the last record that it covers. An export that begins later
//! than record 0 names the hash before its first record and the roots of the full subtrees
//! before it, so that later checkpoints bind these too.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::checkpoint::origin;
use super::merkle::Frontier;
use super::note::{NoteError, NoteSigner};
use super::{NoteKey, hex, unhex};
use crate::store::{Archive, RecordRow, StoreError, TenantId};

/// How many records are read at a time.
const PAGE: usize = 1000;

/// The first line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) scopegate_export: u32,
    pub(super) chain: String,
    pub(super) from: u64,
    pub(super) key: String,
    pub(super) last: String,
    pub(super) records: u64,
    pub(super) subtrees: Vec<String>,
    pub(super) tenant: TenantId,
}

/// A checkpoint's line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckpointLine {
    pub(super) checkpoint: String,
}

/// Why an export was not finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whatever is written to.
    #[error("cannot write the export: {0}")]
    Write(#[from] io::Error),
    /// The checkpoint key.
    #[error(transparent)]
    Key(#[from] NoteError),
}

/// The public key that verifies the checkpoints of a chain.
///
/// # Errors
/// [`NoteError`] when the chain's name cannot stand in a note.
pub fn public_key(chain: &str, seed: &[u8; 32]) -> Result<NoteKey, NoteError> {
    Ok(NoteSigner::new(&origin(chain), seed)?.public().clone())
}

/// The same from the public half of the seed.
pub(crate) fn note_key(chain: &str, public: &[u8; 32]) -> Result<NoteKey, NoteError> {
    NoteKey::of(&origin(chain), public)
}

/// Writes the records of a tenant from number `from` on, up to the end as it is now, and the
/// checkpoints over them. `progress` is told how many records are done and how many there are.
///
/// # Errors
/// [`ExportError`]; what was written by then is not an export.
pub fn export(
    archive: &(impl Archive + ?Sized),
    (tenant, chain, key): (&TenantId, &str, &NoteKey),
    from: u64,
    out: &mut impl Write,
    mut progress: impl FnMut(u64, u64),
) -> Result<u64, ExportError> {
    let count = archive.count(tenant)?;
    let from = from.min(count);
    let (tree, last) = before(archive, tenant, from)?;
    let header = Header {
        scopegate_export: 1,
        chain: chain.to_owned(),
        from,
        key: key.to_string(),
        last: hex(&last),
        records: count - from,
        subtrees: tree.roots().iter().map(hex).collect(),
        tenant: tenant.clone(),
    };
    line(out, &header)?;
    let (mut checkpoints, mut signed) = (Vec::new().into_iter().peekable(), from);
    let mut next = from;
    while next < count {
        for row in archive.records(tenant, next, page(count - next))? {
            write_record(out, chain, &row)?;
            next = row.seq + 1;
            while signed < next {
                if checkpoints.peek().is_none() {
                    checkpoints = archive.checkpoints(tenant, signed, PAGE)?.into_iter().peekable();
                }
                match checkpoints.next_if(|checkpoint: &crate::store::CheckpointRow| checkpoint.size <= next)
                {
                    Some(checkpoint) => {
                        signed = checkpoint.size;
                        line(out, &CheckpointLine { checkpoint: checkpoint.note })?;
                    }
                    None => break,
                }
            }
        }
        progress(next - from, count - from);
    }
    out.flush()?;
    Ok(count - from)
}

/// The tree and the hash before record `from`.
fn before(
    archive: &(impl Archive + ?Sized),
    tenant: &TenantId,
    from: u64,
) -> Result<(Frontier, [u8; 32]), ExportError> {
    let (mut tree, mut last) = (Frontier::default(), [0; 32]);
    while tree.size() < from {
        for row in archive.records(tenant, tree.size(), page(from - tree.size()))? {
            tree.push(&row.hash);
            last = row.hash;
        }
    }
    Ok((tree, last))
}

fn page(left: u64) -> usize {
    usize::try_from(left).unwrap_or(PAGE).min(PAGE)
}

/// The line of a record, as `scopegate audit verify` reads them too.
fn write_record(out: &mut impl Write, chain: &str, row: &RecordRow) -> io::Result<()> {
    let chain = serde_json::to_string(chain)?;
    let (hash, prev) = (hex(&row.hash), hex(&row.prev));
    let (record, seq) = (&row.body, row.seq);
    writeln!(out, r#"{{"chain":{chain},"hash":"{hash}","prev":"{prev}","record":{record},"seq":{seq}}}"#)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// The tree and the hash that an export says came before it; `None` when they cannot be.
pub(super) fn start(header: &Header) -> Option<(Frontier, [u8; 32])> {
    let roots = header.subtrees.iter().map(|root| unhex(root)).collect::<Option<Vec<_>>>()?;
    let last = unhex(&header.last)?;
    (header.from > 0 || last == [0; 32]).then_some((Frontier::resume(header.from, roots)?, last))
}
