//! What became of webhooks.

use scopegate_core::Timestamp;
use serde::{Deserialize, Serialize};

/// An event on its way, or at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivery {
    /// Its id, which its receiver sees as `webhook-id`.
    pub id: String,
    /// What happened, such as `deny`.
    pub event: String,
    /// Where it goes.
    pub url: String,
    /// The role whose webhook it is.
    pub role_id: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How often it was sent.
    pub attempts: u32,
    /// When it happened.
    pub created_at: Timestamp,
    /// When it was last sent.
    pub last_attempt_at: Option<Timestamp>,
    /// What came of that.
    pub result: Option<String>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DeliveryStatus {
    /// It will be sent, or sent again.
    Waiting,
    /// It arrived.
    Delivered,
    /// It was tried often enough.
    Parked,
    /// A later plane has words that this crate does not know.
    #[serde(other)]
    Other,
}

impl DeliveryStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Parked => "parked",
            Self::Other => "other",
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Deliveries {
    pub(crate) deliveries: Vec<Delivery>,
}
