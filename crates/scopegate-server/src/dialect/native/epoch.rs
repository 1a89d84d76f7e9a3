//! `GET /v1/epoch`: what clients compare with what they keep; and its changes, as they happen.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use schemars::JsonSchema;
use scopegate_core::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::auth::Caller;
use crate::domain::{Failure, Follower, Tenant, Told, Touched};
use crate::openapi::DateTime;
use crate::plane::Plane;
use crate::store::Epoch;

/// How often a silent stream shows that it is alive.
const ALIVE: Duration = Duration::from_secs(2);

/// The epoch, and the plane's clock.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PresentEpoch")]
pub(crate) struct Present {
    incarnation: u64,
    counter: u64,
    #[schemars(with = "DateTime")]
    now: Timestamp,
}

pub(crate) async fn get(plane: State<Arc<Plane>>, caller: Caller) -> Result<Json<Present>, Failure> {
    let now = plane.now();
    let Epoch { incarnation, counter } = plane.tenant(&caller.tenant)?.epoch();
    Ok(Json(Present { incarnation, counter, now }))
}

/// Server-sent events: first the epoch, then each change with what it touched.
pub(crate) async fn events(
    plane: State<Arc<Plane>>,
    caller: Caller,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    // Followed first, so that no change falls between.
    let follower = tenant.follow();
    let begun = Event::default().event("epoch").data(json!(tenant.epoch()).to_string());
    let changes = stream::unfold((tenant, follower), |(tenant, follower)| next(tenant, follower));
    let events = futures_util::StreamExt::chain(stream::iter([Ok(begun)]), changes);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)))
}

type Next = Option<(Result<Event, Infallible>, (Arc<Tenant>, Follower))>;

async fn next(tenant: Arc<Tenant>, mut follower: Follower) -> Next {
    let told = follower.next(|| tenant.epoch()).await?;
    let event = match told {
        Told::Changed(epoch, touched) => {
            let (what, which) = match touched {
                Touched::Role(name) => ("role", json!(name)),
                Touched::Session(id) => ("session", json!(id)),
                Touched::Owner(name) => ("owner", json!(name)),
                Touched::Server(name) => ("mcp_server", json!(name)),
            };
            let Epoch { incarnation, counter } = epoch;
            let data = json!({ "incarnation": incarnation, "counter": counter, what: which });
            Event::default().event("change").data(data.to_string())
        }
        Told::Missed(epoch) => Event::default().event("epoch").data(json!(epoch).to_string()),
    };
    Some((Ok(event), (tenant, follower)))
}
