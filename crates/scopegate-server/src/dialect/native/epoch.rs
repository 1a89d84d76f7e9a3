//! `GET /v1/epoch`: what clients compare with what they keep; and its changes, as they happen.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures_util::{Stream, stream};
use schemars::JsonSchema;
use scopegate_core::Timestamp;
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use crate::auth::Caller;
use crate::domain::{Failure, Follower, Tenant, Told, Touched};
use crate::openapi::DateTime;
use crate::plane::Plane;
use crate::store::Epoch;
use crate::streams::{MOST, Place};

/// How often a silent stream shows that it is alive, and its key is looked at again.
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

/// Server-sent events: first the epoch, then each change with what it touched, for as long as the key
/// is good.
pub(crate) async fn events(
    plane: State<Arc<Plane>>,
    caller: Caller,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let full = || Failure::Unavailable(format!("this key has {MOST} event streams; ask for `/v1/epoch`"));
    let place = plane.streams.take(&caller.key).ok_or_else(full)?;
    let tenant = plane.tenant(&caller.tenant)?;
    // Followed first, so that no change falls between.
    let follower = tenant.follow();
    let begun = Event::default().event("epoch").data(json!(tenant.epoch()).to_string());
    let listener = Listener { plane: plane.0, caller, tenant, follower, _place: place };
    let changes = stream::unfold(listener, Listener::next);
    Ok(Sse::new(futures_util::StreamExt::chain(stream::iter([Ok(begun)]), changes)))
}

/// Someone who listens.
struct Listener {
    plane: Arc<Plane>,
    caller: Caller,
    tenant: Arc<Tenant>,
    follower: Follower,
    _place: Place,
}

impl Listener {
    /// What is sent next, and who goes on listening; `None` once the plane stops or the key is over.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let told = timeout(ALIVE, self.follower.next(|| self.tenant.epoch())).await;
        if !self.plane.still_admits(&self.caller) {
            return None;
        }
        let event = match told {
            Ok(told) => event(told?),
            Err(_) => Event::default().comment(""),
        };
        Some((Ok(event), self))
    }
}

fn event(told: Told) -> Event {
    match told {
        Told::Changed(epoch, touched) => {
            let (what, which) = match touched {
                Touched::Role(name) => ("role", json!(name)),
                Touched::Session(id) => ("session", json!(id)),
                Touched::Owner(name) => ("owner", json!(name)),
                Touched::Server(name) => ("mcp_server", json!(name)),
                Touched::Policies => ("policies", json!(true)),
            };
            let Epoch { incarnation, counter } = epoch;
            let data = json!({ "incarnation": incarnation, "counter": counter, what: which });
            Event::default().event("change").data(data.to_string())
        }
        Told::Missed(epoch) => Event::default().event("epoch").data(json!(epoch).to_string()),
    }
}
