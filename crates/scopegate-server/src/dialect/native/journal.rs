//! `POST /v1/sessions/{id}/journal`: what a client decided by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use scopegate_core::{CallDigest, DenyCode, Event, Name, Timestamp};
use serde::{Deserialize, Serialize};

use crate::dialect::scopebound::body::Object;
use crate::dialect::session::OfSession;
use crate::domain::{Batch, Entry, Failure};
use crate::openapi::DateTime;
use crate::plane::Plane;

/// A longer name of a tool is no name.
const MAX_TOOL: usize = 256;

/// A batch of records, as the client wrote it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Journal")]
pub(super) struct Written {
    batch: u64,
    from: u64,
    to: u64,
    #[serde(default)]
    fail_open: bool,
    #[serde(default)]
    entries: Vec<Line>,
    /// How many denials were left out, by code.
    #[serde(default)]
    omitted: BTreeMap<String, u64>,
}

/// A decision, or what became of a permitted call.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "JournalEntry")]
struct Line {
    number: u64,
    #[schemars(with = "DateTime")]
    at: Timestamp,
    /// As records have it: `permit`, the code of a denial, or an outcome.
    #[schemars(with = "String")]
    event: Event,
    #[serde(default)]
    tool: Option<Name>,
    #[serde(default)]
    role_version: u64,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    arguments: Option<CallDigest>,
}

/// What was taken up.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JournalTaken")]
pub(crate) struct Taken {
    batch: u64,
    number: u64,
    /// Records that this batch shows to be missing.
    missing: u64,
}

pub(crate) async fn take(
    plane: State<Arc<Plane>>,
    OfSession { tenant, caller, id }: OfSession,
    Object(body): Object,
) -> Result<Json<Taken>, Failure> {
    let batch = batch(super::read(body)?)?;
    let taken = tenant.take_journal(&caller, id, batch, plane.now()).await?;
    Ok(Json(Taken { batch: taken.batch, number: taken.number, missing: taken.missing }))
}

fn batch(written: Written) -> Result<Batch, Failure> {
    let Written { batch, from, to, fail_open, entries, omitted } = written;
    let entries = entries.into_iter().map(entry).collect::<Result<_, _>>()?;
    let omitted = omitted.into_iter().map(|(code, count)| {
        let known = DenyCode::ALL.iter().find(|known| known.as_str() == code);
        let known = known.ok_or_else(|| Failure::Invalid(format!("`{code}` is no code of a denial")))?;
        Ok((known.as_str(), (*known, count)))
    });
    let omitted = omitted.collect::<Result<_, Failure>>()?;
    Ok(Batch { batch, from, to, fail_open, entries, omitted })
}

fn entry(line: Line) -> Result<Entry, Failure> {
    let Line { number, at, event, tool, role_version, arguments } = line;
    if tool.as_ref().is_some_and(|tool| tool.len() > MAX_TOOL) {
        return Err(Failure::Invalid(format!("`tool` is longer than {MAX_TOOL} bytes")));
    }
    Ok(Entry { number, at, event, tool, role_version, arguments })
}
