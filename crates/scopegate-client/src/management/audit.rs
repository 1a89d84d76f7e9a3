//! The log, taken away.

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::client::Client;
use crate::error::ClientError;
use crate::routes;

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// One JSON object with all events.
    #[default]
    Json,
    /// A table.
    Csv,
}

impl ExportFormat {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// What to export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportOrder {
    /// How it is written.
    pub format: ExportFormat,
    /// How many hours it reaches back, at most 720; a week unless given.
    pub hours: Option<u32>,
}

impl ExportOrder {
    /// The last week in this format.
    pub fn new(format: ExportFormat) -> Self {
        Self { format, hours: None }
    }

    /// The export, reaching back so many hours.
    #[must_use]
    pub fn reaching_back(mut self, hours: u32) -> Self {
        self.hours = Some(hours);
        self
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
        let hours = order.hours.map(|hours| hours.to_string());
        let mut query = vec![("format", order.format.as_str())];
        query.extend(hours.as_deref().map(|hours| ("window_hours", hours)));
        let mut pieces = self.http.ask(&routes::EXPORT_AUDIT, &[])?.query(&query).stream().await?;
        let mut written = 0;
        while let Some(piece) = pieces.next().await? {
            out.write_all(&piece).await?;
            written += piece.len() as u64;
        }
        out.flush().await?;
        Ok(written)
    }
}
