//! Which batches of records under fail-open were sent: noted beside the records before each is sent, so
//! that another process can send exactly the rest.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Mutex;

use scopegate_core::SessionId;
use serde::{Deserialize, Serialize};

use super::book::Batch;
use super::leftover::{broken, lines};
use super::lock;

pub(super) const NAME: &str = "sent.jsonl";

/// A batch that was sent, and perhaps arrived. Those before it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Noted {
    pub(super) session: SessionId,
    pub(super) batch: u64,
    /// How many of the session's records it and those before it hold.
    pub(super) records: u64,
    /// Whether the plane refused it: then it is not sent again, and its records are kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) refused: bool,
}

/// The notes.
pub(super) struct SentLog(Mutex<Notes>);

struct Notes {
    file: File,
    /// The last batch of each session.
    last: HashMap<SessionId, u64>,
}

impl SentLog {
    /// Opens or makes them, and reads what an earlier process noted, in order.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, HashMap<SessionId, Vec<Noted>>)> {
        let path = folder.join(NAME);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let mut noted: HashMap<SessionId, Vec<Noted>> = HashMap::new();
        let mut whole = 0;
        for line in lines(&text) {
            let note: Noted = serde_json::from_slice(line).map_err(|error| broken(&path, &error))?;
            let notes = noted.entry(note.session).or_default();
            // Noted again, because it was sent again or refused.
            notes.pop_if(|last| last.batch == note.batch);
            notes.push(note);
            whole += line.len() + 1;
        }
        // Half a line is of a batch that was not sent.
        file.set_len(whole as u64)?;
        Ok((Self(Mutex::new(Notes { file, last: HashMap::new() })), noted))
    }

    /// Notes a batch before it is sent.
    pub(super) fn note(&self, session: SessionId, batch: &Batch) -> io::Result<()> {
        let mut notes = lock(&self.0);
        if notes.last.insert(session, batch.batch) == Some(batch.batch) {
            return Ok(());
        }
        notes.write(session, batch, false)
    }

    /// Notes that the plane refused a batch.
    pub(super) fn note_refused(&self, session: SessionId, batch: &Batch) -> io::Result<()> {
        lock(&self.0).write(session, batch, true)
    }

    /// Forgets everything: nothing is left that could be sent again.
    pub(super) fn clear(&self) -> io::Result<()> {
        lock(&self.0).file.set_len(0)
    }
}

impl Notes {
    fn write(&mut self, session: SessionId, batch: &Batch, refused: bool) -> io::Result<()> {
        let note = Noted { session, batch: batch.batch, records: batch.records, refused };
        let mut line = serde_json::to_vec(&note)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(said: &bool) -> bool {
    !*said
}
