//! Routes of one session: which one the path names, and whose plane it is asked on.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use scopegate_core::SessionId;

use crate::auth::Caller;
use crate::domain::{Failure, Tenant};
use crate::extract::Path;
use crate::plane::Plane;

/// A session by its id, on the tenant of whoever calls. Whether it is theirs is not known yet.
pub(crate) struct OfSession {
    pub(super) tenant: Arc<Tenant>,
    pub(super) caller: Caller,
    pub(super) id: SessionId,
}

impl FromRequestParts<Arc<Plane>> for OfSession {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, plane: &Arc<Plane>) -> Result<Self, Response> {
        let caller = Caller::from_request_parts(parts, plane).await?;
        let Path(text) = Path::<String>::from_request_parts(parts, plane).await?;
        let id = session_id(&text).ok_or(Failure::Unknown("session"));
        let tenant = plane.tenant(&caller.tenant).map_err(IntoResponse::into_response)?;
        Ok(Self { tenant, caller, id: id.map_err(IntoResponse::into_response)? })
    }
}

/// Session ids are shown as 32 hexadecimal digits; dashes of a UUID are ignored.
pub(super) fn session_id(text: &str) -> Option<SessionId> {
    SessionId::parse(text).or_else(|| SessionId::parse(&text.replace('-', "")))
}
