//! Where a person answers held calls. The desk is itself a gated service: an agent's token does
//! not open it.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use scopegate::{
    Http, LocalEnforcer, Policy, Provision, Provisioned, RecordsSpec, Review, ReviewError, ReviewId, Reviews,
    Role, ScopeLayer, ToolFrom,
};
use serde_json::{Value, json};

use super::suite::Suite;
use crate::exit::Failure;

/// What a reviewer's session may do.
const ROLE: &str = "reviewer";

/// The reviewers' desk.
pub(super) struct Desk {
    suites: Vec<(&'static str, LocalEnforcer)>,
    enforcer: LocalEnforcer,
    /// The session of the one reviewer.
    pub(super) session: Provisioned,
}

impl Desk {
    pub(super) fn open(suites: &[Suite]) -> Result<Self, Failure> {
        let mut policy = Policy::new([Role::new(ROLE).allow(["list", "approve", "reject"])]);
        policy.records = Some(RecordsSpec::Memory);
        let enforcer = LocalEnforcer::new(policy).map_err(Failure::no_answer)?;
        let session = enforcer.open(Provision::new(ROLE, "you")).map_err(Failure::no_answer)?;
        let suites = suites.iter().map(|suite| (suite.name, suite.enforcer.clone())).collect();
        Ok(Self { suites, enforcer, session })
    }

    pub(super) fn router(&self) -> Router {
        self.suites
            .iter()
            .fold(Router::new(), |app, (name, reviews)| app.merge(self.routes(name, reviews.clone())))
    }

    fn routes(&self, suite: &str, reviews: LocalEnforcer) -> Router {
        let gate = |tool: &'static str| {
            ScopeLayer::new(self.enforcer.clone()).extract(Http::new().tool(ToolFrom::name(tool)))
        };
        Router::new()
            .route(&format!("/{suite}/reviews"), get(list).layer(gate("list")))
            .route(&format!("/{suite}/reviews/{{id}}/approve"), post(approve).layer(gate("approve")))
            .route(&format!("/{suite}/reviews/{{id}}/reject"), post(reject).layer(gate("reject")))
            // Where `Location` of a held call points: whoever knows the id may see how it stands.
            .route(&format!("/{suite}/reviews/{{id}}"), get(status))
            .with_state(reviews)
    }
}

async fn list(State(reviews): State<LocalEnforcer>) -> Json<Vec<Review>> {
    Json(reviews.pending_reviews())
}

async fn approve(State(reviews): State<LocalEnforcer>, Path(id): Path<String>) -> Response {
    answer(match ReviewId::parse(&id) {
        Some(id) => reviews.approve(id, "you").await,
        None => Err(ReviewError::Unknown),
    })
}

async fn reject(State(reviews): State<LocalEnforcer>, Path(id): Path<String>) -> Response {
    answer(match ReviewId::parse(&id) {
        Some(id) => reviews.reject(id, "you").await,
        None => Err(ReviewError::Unknown),
    })
}

async fn status(State(reviews): State<LocalEnforcer>, Path(id): Path<String>) -> Response {
    match ReviewId::parse(&id).and_then(|id| reviews.review(id)) {
        Some(review) => told(StatusCode::OK, &standing(&review)),
        None => told(StatusCode::NOT_FOUND, &json!({"error": "no such review"})),
    }
}

fn answer(settled: Result<Review, ReviewError>) -> Response {
    match settled {
        Ok(review) => told(StatusCode::OK, &standing(&review)),
        Err(ReviewError::Unknown) => told(StatusCode::NOT_FOUND, &json!({"error": "no such review"})),
        Err(error) => told(StatusCode::CONFLICT, &json!({"error": error.to_string()})),
    }
}

fn standing(review: &Review) -> Value {
    json!({"id": review.id, "state": review.state, "expires_at": review.expires_at})
}

fn told(status: StatusCode, body: &Value) -> Response {
    (status, format!("{body}\n")).into_response()
}
