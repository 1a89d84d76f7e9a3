//! `GET /mgmt/v1/audit/export`: the log, as JSON, as CSV, or so that it can be verified.

mod event;

use std::io::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::event::{COLUMNS, cell, event};
use crate::audit;
use crate::auth::Caller;
use crate::domain::{Failure, Since, Tenant};
use crate::extract::Query;
use crate::openapi::DateTime;
use crate::pipe::{self, Pipe};
use crate::plane::Plane;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    format: Option<String>,
    window_hours: Option<String>,
    /// The number of the first record.
    from: Option<String>,
    /// How many records, the newest.
    last: Option<String>,
}

/// The log from somewhere on, oldest first.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; an export is written while it is sent")]
pub(crate) struct Export {
    #[schemars(extend("const" = "json"))]
    format: &'static str,
    /// How far it reaches back, if that was asked for.
    window_hours: Option<u64>,
    #[schemars(with = "DateTime")]
    generated_at: Timestamp,
    count: u64,
    /// The number that the record after the last one has.
    next: u64,
    /// Each has every member, null where it does not apply.
    events: Vec<Map<String, Value>>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
    /// The records as they were chained, with the signed checkpoints.
    Log,
}

impl Asked {
    fn format(&self) -> Result<Format, Failure> {
        match self.format.as_deref() {
            None | Some("json") => Ok(Format::Json),
            Some("csv") => Ok(Format::Csv),
            Some("log") => Ok(Format::Log),
            Some(_) => Err(Failure::Malformed("`format` must be `json`, `csv` or `log`".to_owned())),
        }
    }

    /// `window_hours`, `from` or `last`; what none of them says is a week, and of a `log` all of it.
    fn since(&self, format: Format) -> Result<Since, Failure> {
        let number = |name: &str, text: &str| {
            let malformed = || Failure::Malformed(format!("`{name}` must be a whole number"));
            text.parse::<u64>().map_err(|_| malformed())
        };
        match (self.window_hours.as_deref(), self.from.as_deref(), self.last.as_deref()) {
            (None, None, None) if format == Format::Log => Ok(Since::Record(0)),
            (None, None, None) => Ok(Since::DEFAULT),
            (Some(hours), None, None) => Since::hours(hours.parse().unwrap_or(0)),
            (None, Some(from), None) => Ok(Since::Record(number("from", from)?)),
            (None, None, Some(last)) => Ok(Since::Last(number("last", last)?)),
            _ => Err(Failure::Malformed("one of `window_hours`, `from` and `last`, and not two".to_owned())),
        }
    }
}

pub(crate) async fn export(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    let format = asked.format()?;
    let since = asked.since(format)?;
    let (tenant, now) = (plane.tenant(&caller.tenant)?, plane.now());
    let log = tenant.clone();
    let extent = tokio::task::spawn_blocking(move || log.extent(since, now))
        .await
        .map_err(|_| Failure::Unavailable("the export was interrupted".to_owned()))??;
    let hours = match since {
        Since::Hours(hours) => Some(hours),
        Since::Record(_) | Since::Last(_) => None,
    };
    let head = json!({ "format": "json", "window_hours": hours, "generated_at": now });
    match format {
        Format::Json => answer("application/json", move |out| write_json(&tenant, extent, head, out)).await,
        Format::Csv => answer("text/csv; charset=utf-8", move |out| write_csv(&tenant, extent, out)).await,
        Format::Log => answer("application/jsonl", move |out| write_log(&tenant, extent.start, out)).await,
    }
}

async fn answer(
    kind: &'static str,
    write: impl FnOnce(&mut Pipe) -> io::Result<()> + Send + 'static,
) -> Result<Response, Failure> {
    let body =
        pipe::body(write).await.map_err(|_| Failure::Unavailable("the log cannot be read".to_owned()))?;
    Ok(([(CONTENT_TYPE, kind)], body).into_response())
}

/// One object; its events come last, one by one.
fn write_json(tenant: &Tenant, extent: Range<u64>, mut head: Value, out: &mut Pipe) -> io::Result<()> {
    if let Some(head) = head.as_object_mut() {
        head.insert("count".to_owned(), json!(extent.end - extent.start));
        head.insert("next".to_owned(), json!(extent.end));
    }
    let head = head.to_string();
    out.write_all(head.trim_end_matches('}').as_bytes())?;
    out.write_all(b",\"events\":[")?;
    let mut between = b"".as_slice();
    each(tenant, extent, |event| {
        out.write_all(std::mem::replace(&mut between, b","))?;
        Ok(serde_json::to_writer(&mut *out, &event)?)
    })?;
    out.write_all(b"]}")
}

fn write_csv(tenant: &Tenant, extent: Range<u64>, out: &mut Pipe) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(COLUMNS)?;
    each(tenant, extent, |event| Ok(table.write_record(COLUMNS.map(|column| cell(event.get(column))))?))?;
    table.flush()
}

fn write_log(tenant: &Tenant, from: u64, out: &mut Pipe) -> io::Result<()> {
    let key = tenant.archive.public_key(&tenant.chain).map_err(io::Error::other)?;
    let of = (&tenant.id, tenant.chain.as_str(), &key);
    let exported = audit::export(&*tenant.archive, of, from, out, |_, _| {});
    exported.map(drop).map_err(io::Error::other)
}

/// The events of an extent, oldest first.
fn each(
    tenant: &Tenant,
    mut extent: Range<u64>,
    mut take: impl FnMut(Map<String, Value>) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let page = tenant.page(&extent).map_err(io::Error::other)?;
        let Some(last) = page.last() else { return Ok(()) };
        extent.start = last.row.seq + 1;
        page.iter().map(event).try_for_each(&mut take)?;
    }
}
