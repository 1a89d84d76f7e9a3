//! The log, taken away or read.

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::client::Client;
use crate::error::ClientError;
use crate::http::Ask;
use crate::routes;
use crate::wire::AuditPage;

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// One JSON object with all events.
    #[default]
    Json,
    /// A table.
    Csv,
    /// JSON lines: every record as it was chained, and the signed checkpoints over them. It can be
    /// verified offline.
    Log,
}

impl ExportFormat {
    const fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Log => "log",
        }
    }
}

/// What to export: the last week, or all of a `Log`, unless it is said where it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportOrder {
    format: ExportFormat,
    since: Option<(&'static str, u64)>,
}

impl ExportOrder {
    /// An export in this format.
    pub const fn new(format: ExportFormat) -> Self {
        Self { format, since: None }
    }

    /// The export, reaching back so many hours; 720 at most.
    #[must_use]
    pub const fn reaching_back(self, hours: u32) -> Self {
        Self { since: Some(("window_hours", hours as u64)), ..self }
    }

    /// The export, from the record of this number on; the first has 0.
    #[must_use]
    pub const fn from_record(self, number: u64) -> Self {
        Self { since: Some(("from", number)), ..self }
    }

    /// The export of so many records, the newest.
    #[must_use]
    pub const fn last_records(self, count: u64) -> Self {
        Self { since: Some(("last", count)), ..self }
    }
}

impl Client {
    /// Writes an export as it comes in, however long it is; how many bytes it was.
    ///
    /// # Errors
    /// [`ClientError`]; what was written by then is not an export.
    pub async fn export_audit(
        &self,
        order: &ExportOrder,
        out: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64, ClientError> {
        let mut pieces = self.export(order)?.stream().await?;
        let mut written = 0;
        while let Some(piece) = pieces.next().await? {
            out.write_all(&piece).await?;
            written += piece.len() as u64;
        }
        out.flush().await?;
        Ok(written)
    }

    /// The events of an export, for programs; its format does not count.
    ///
    /// # Errors
    /// [`ClientError`]: `Garbage` also when there are more than can be held.
    pub async fn read_audit(&self, order: &ExportOrder) -> Result<AuditPage, ClientError> {
        self.export(&ExportOrder { format: ExportFormat::Json, ..*order })?.told().await
    }

    fn export(&self, order: &ExportOrder) -> Result<Ask<'_>, ClientError> {
        let since = order.since.map(|(name, number)| (name, number.to_string()));
        let mut query = vec![("format", order.format.word())];
        query.extend(since.as_ref().map(|(name, number)| (*name, number.as_str())));
        Ok(self.http.ask(&routes::EXPORT_AUDIT, &[])?.query(&query))
    }
}
