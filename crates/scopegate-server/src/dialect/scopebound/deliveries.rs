//! `GET /mgmt/v1/webhooks/deliveries`: what became of events.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use scopegate_core::{Name, Timestamp};
use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::domain::Failure;
use crate::extract::Query;
use crate::openapi::DateTime;
use crate::plane::Plane;
use crate::store::{DeliveryRow, DeliveryState};

/// Newest events that are looked through.
const MOST: usize = 1_000;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    status: Option<String>,
}

/// What became of events, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deliveries {
    deliveries: Vec<Delivery>,
}

/// An event on its way to a webhook.
#[derive(Debug, Serialize, JsonSchema)]
struct Delivery {
    id: Name,
    event: Name,
    url: String,
    role_id: Name,
    /// `waiting`, `delivered` or `parked`.
    #[schemars(with = "String")]
    status: DeliveryState,
    attempts: u32,
    #[schemars(with = "DateTime")]
    created_at: Timestamp,
    #[schemars(with = "Option<DateTime>")]
    last_attempt_at: Option<Timestamp>,
    /// In words.
    result: Option<String>,
}

/// Newest first; with `?status=` those that are `waiting`, `delivered` or `parked`.
pub(crate) async fn list(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Json<Deliveries>, Failure> {
    let wanted = match asked.status.as_deref() {
        None => None,
        Some("waiting") => Some(DeliveryState::Waiting),
        Some("delivered") => Some(DeliveryState::Delivered),
        Some("parked") => Some(DeliveryState::Parked),
        Some(_) => {
            return Err(Failure::Malformed("`status` must be `waiting`, `delivered` or `parked`".to_owned()));
        }
    };
    let rows = plane.tenant(&caller.tenant)?.archive.deliveries(&caller.tenant, MOST)?;
    let rows = rows.into_iter().filter(|row| wanted.is_none_or(|wanted| row.state == wanted));
    Ok(Json(Deliveries { deliveries: rows.map(show).collect() }))
}

fn show(row: DeliveryRow) -> Delivery {
    Delivery {
        id: row.id,
        event: row.event,
        url: row.url,
        role_id: row.role_id,
        status: row.state,
        attempts: row.attempts,
        created_at: row.created_at,
        last_attempt_at: (row.attempts > 0).then_some(row.at),
        result: row.last,
    }
}
