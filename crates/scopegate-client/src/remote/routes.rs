//! The routes that lend: how much of deciding the plane leaves to this process.

use http::Method;

use crate::routes::Route;

pub(super) const SCOPE: Route = Route { method: Method::GET, path: "/v1/sessions/{id}/scope" };
pub(super) const RATE: Route = Route { method: Method::POST, path: "/v1/sessions/{id}/rate" };
pub(super) const JOURNAL: Route = Route { method: Method::POST, path: "/v1/sessions/{id}/journal" };
pub(super) const EVENTS: Route = Route { method: Method::GET, path: "/v1/epoch/events" };

/// Every route that only [`RemoteEnforcer`](super::RemoteEnforcer) takes: method and path.
pub fn lent_routes() -> impl Iterator<Item = (Method, &'static str)> {
    [SCOPE, RATE, JOURNAL, EVENTS].into_iter().map(|route| (route.method, route.path))
}
