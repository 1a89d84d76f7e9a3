//! The plane itself, and what became of its webhooks.

use http::StatusCode;

use crate::client::Client;
use crate::error::ClientError;
use crate::routes;
use crate::wire::{Deliveries, Delivery, DeliveryStatus, Epoch, Health};

impl Client {
    /// Whether the plane can do its work. Needs no key. A plane that says it cannot is an answer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn healthz(&self) -> Result<Health, ClientError> {
        let answer = self.http.ask(&routes::HEALTHZ, &[])?.answer().await?;
        match (answer.status, answer.json()) {
            (StatusCode::SERVICE_UNAVAILABLE, Ok(health)) => Ok(health),
            _ => answer.good()?.json(),
        }
    }

    /// What it has done so far, in Prometheus's text format. Needs no key.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn metrics(&self) -> Result<String, ClientError> {
        self.http.ask(&routes::METRICS, &[])?.answer().await?.good()?.text()
    }

    /// The epoch of the key's tenant.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn epoch(&self) -> Result<Epoch, ClientError> {
        self.http.ask(&routes::EPOCH, &[])?.told().await
    }

    /// What became of events, newest first; with a status, those alone.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_deliveries(
        &self,
        status: Option<DeliveryStatus>,
    ) -> Result<Vec<Delivery>, ClientError> {
        let status = status.map(|status| ("status", status.as_str()));
        let ask = self.http.ask(&routes::LIST_DELIVERIES, &[])?.query(status.as_slice());
        Ok(ask.told::<Deliveries>().await?.deliveries)
    }
}
