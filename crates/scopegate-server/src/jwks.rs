//! `GET /.well-known/jwks.json`: the keys that verify session tokens, the next one too.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::openapi::Doc;
use crate::plane::Plane;
use crate::token::PublishedKey;

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeySet {
    keys: Vec<PublishedKey>,
}

pub(crate) async fn serve(plane: State<Arc<Plane>>) -> Json<KeySet> {
    Json(KeySet { keys: plane.signer().published() })
}

pub(crate) fn doc() -> Doc {
    Doc::new("The keys that verify session tokens").gives::<KeySet>(200, "The next one too")
}
