//! What an earlier process permitted under fail-open and did not send before it ended.
//!
//! Its record files are read whole and set aside before this process writes its own; what they hold goes
//! into the journal like everything else, and they are removed once the plane has all of it. Nothing is
//! touched before every line was understood.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use scopegate_core::json::Document;
use scopegate_core::{ChainHead, ChainedRecord, DecisionRecord, SessionId};
use serde_json::Value;

use super::journal::NOBODY;
use super::seat::FAIL_OPEN;

/// Files that were set aside, and those that the plane refused: the latter stay for people to look at.
const ASIDE: &str = "unsent-";
const REFUSED: &str = "refused-";

/// The files, and which sessions they are of.
pub(super) struct Leftover {
    files: Vec<PathBuf>,
    sessions: HashSet<SessionId>,
    refused: bool,
}

/// The records of each session, in order.
pub(super) type Records = BTreeMap<SessionId, Vec<DecisionRecord>>;

impl Leftover {
    /// Reads what is left in a folder and sets it aside; `None` when nothing is.
    pub(super) fn take(folder: &Path) -> io::Result<Option<(Self, Records)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if is_ours(&path)
                && let Some(file) = RecordFile::read(path)?
            {
                files.push(file);
            }
        }
        files.sort_by(|a, b| (&a.chain, a.first).cmp(&(&b.chain, b.first)));
        check_chains(&files)?;
        let mut records = Records::new();
        let mut aside = Vec::new();
        for file in files {
            aside.push(file.set_aside(folder)?);
            for record in file.records.into_iter().filter(|record| record.id.session != NOBODY) {
                records.entry(record.id.session).or_default().push(record);
            }
        }
        let sessions = records.keys().copied().collect();
        Ok((!aside.is_empty()).then_some((Self { files: aside, sessions, refused: false }, records)))
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.sessions.iter().copied()
    }

    /// The plane refused some of a session's records; false when they are not among these.
    pub(super) fn refuse(&mut self, session: SessionId) -> bool {
        let ours = self.sessions.contains(&session);
        self.refused |= ours;
        ours
    }

    /// Everything was sent. What the plane refused is kept, under another name.
    pub(super) fn let_go(self) {
        for file in &self.files {
            let done = match self.refused {
                false => fs::remove_file(file),
                true => keep_refused(file),
            };
            if let Err(error) = done {
                tracing::error!(file = %file.display(), %error, "a record file that was sent cannot be removed");
            }
        }
    }
}

fn keep_refused(file: &Path) -> io::Result<()> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let kept = file.with_file_name(name.replacen(ASIDE, REFUSED, 1));
    tracing::error!(file = %kept.display(), "the plane refused records of permits; they are kept here");
    fs::rename(file, kept)
}

/// Whether a file is named as those are that hold what may not have been sent.
fn is_ours(path: &Path) -> bool {
    is_written(path) || name(path).is_some_and(|name| name.starts_with(ASIDE))
}

/// Whether it is named as those are that are written now.
pub(super) fn is_written(path: &Path) -> bool {
    name(path).is_some_and(|name| name == "records" || name.starts_with("records-"))
}

/// The name of a record file, without its end.
fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_suffix(".jsonl")
}

/// A file with at least one record.
struct RecordFile {
    path: PathBuf,
    chain: String,
    first: u64,
    /// The chain before its first line, and after its last.
    before: ChainHead,
    after: ChainHead,
    records: Vec<DecisionRecord>,
}

impl RecordFile {
    /// Reads a file whole; half a line at its end was never acknowledged.
    fn read(path: PathBuf) -> io::Result<Option<Self>> {
        let text = fs::read(&path)?;
        let mut chain: Option<(ChainHead, ChainHead)> = None;
        let mut records = Vec::new();
        for line in lines(&text) {
            let value = strict(line).map_err(|why| broken(&path, &why))?;
            let record: ChainedRecord =
                serde_json::from_value(value.clone()).map_err(|error| broken(&path, &error))?;
            if chain.is_none() {
                let before = ChainHead::before(&value).ok_or_else(|| broken(&path, &"it begins no chain"))?;
                chain = Some((before.clone(), before));
            }
            if let Some((_, head)) = &mut chain {
                head.follow(&value).map_err(|error| broken(&path, &error))?;
            }
            let id = record.record.id;
            if id.session != NOBODY && id.number <= FAIL_OPEN {
                return Err(broken(&path, &"it holds records of another kind"));
            }
            records.push(record.record);
        }
        Ok(chain.map(|(before, after)| {
            let (chain, first) = (before.name().to_owned(), before.len());
            Self { path, chain, first, before, after, records }
        }))
    }

    fn set_aside(&self, folder: &Path) -> io::Result<PathBuf> {
        let aside = folder.join(format!("{ASIDE}{}-{:012}.jsonl", self.chain, self.first));
        if aside != self.path {
            if aside.exists() {
                return Err(broken(&self.path, &format!("{} is there already", aside.display())));
            }
            fs::rename(&self.path, &aside)?;
        }
        Ok(aside)
    }
}

/// The files of one chain follow one another, and its name can stand in theirs.
fn check_chains(files: &[RecordFile]) -> io::Result<()> {
    for file in files {
        if file.chain.is_empty()
            || file.chain.len() > 64
            || !file.chain.bytes().all(|c| c.is_ascii_alphanumeric())
        {
            return Err(broken(&file.path, &"its chain has no name of ours"));
        }
    }
    for (file, next) in files.iter().zip(files.iter().skip(1)) {
        if file.chain == next.chain && file.after != next.before {
            return Err(broken(&next.path, &"records are missing before it"));
        }
    }
    Ok(())
}

/// The strict reader: a repeated member shows two readers two things.
fn strict(line: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let document = Document::read(text.to_owned()).map_err(|error| error.to_string())?;
    Ok(document.root().to_value())
}

/// The lines that were finished.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

pub(super) fn broken(path: &Path, why: &dyn std::fmt::Display) -> io::Error {
    let what = format!("{} is not what `danger_fail_open` left there: {why}; move it away", path.display());
    io::Error::new(io::ErrorKind::InvalidData, what)
}
