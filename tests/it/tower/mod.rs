//! The Tower layer over real sockets, with an enforcer that is a table.

mod axum;
mod body;
mod grpc;
mod native;
mod wire;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use scopegate_core::json::Json;
use scopegate_core::{
    AccessRequest, ApprovalBy, Decision, Denial, DenyCode, Detail, EnforceError, Enforcer, Hold, Name, Need,
    Obligation, Outcome, OutputRule, Permit, PermitId, Principal, PrincipalRef, Quick, Redaction, ReviewId,
    SessionId, Timestamp, ToolCall, Window,
};

/// The session that the table knows, as an authenticated id.
const SESSION: SessionId = SessionId::from_bits(7);
/// The token of that session.
const TOKEN: &str = "good-token";

/// Decides by the tool's name.
#[derive(Clone, Default)]
struct Table(Arc<State>);

#[derive(Default)]
struct State {
    /// Answers nothing without waiting.
    slow: bool,
    permits: AtomicU64,
    asked: Mutex<Vec<(Name, String)>>,
    outcomes: Mutex<Vec<Outcome>>,
}

impl Table {
    fn new() -> Self {
        Self::default()
    }

    /// Answers every question only after waiting, but still asks for arguments first.
    fn slow() -> Self {
        Self(Arc::new(State { slow: true, ..State::default() }))
    }

    /// What became of the permits, in order.
    fn outcomes(&self) -> Vec<Outcome> {
        self.0.outcomes.lock().unwrap().clone()
    }

    /// The decided calls, with their arguments.
    fn asked(&self) -> Vec<(Name, String)> {
        self.0.asked.lock().unwrap().clone()
    }

    fn decide(&self, request: &AccessRequest<'_>) -> Quick {
        if let Some(code) = stranger(request.principal) {
            return Quick::Decided(Decision::Deny(Denial::new(code)));
        }
        let call = request.call;
        let decision = match &*call.tool {
            "read" | "admin/read" | "GET:/orders/:id" | "grpc.health.v1.Health/Check" => self.permit(None),
            "redacts" => self.permit(Some(Arc::from([Obligation::Redact(
                Redaction::compile(&OutputRule::path("iban")).expect("a path"),
            )]))),
            "fickle" if call.args.is_unread() => return Quick::Need(Need::Args),
            "fickle" => self.permit(None),
            "pay" | "grpc.health.v1.Health/Watch" if call.args.is_unread() => return Quick::Need(Need::Args),
            "pay" | "grpc.health.v1.Health/Watch" => self.pay(call),
            "limited" => {
                let until = now().after(Duration::from_millis(89_500));
                deny(DenyCode::RateLimitExceeded, Detail::Limit(Window::Minute, until))
            }
            "rejected" => {
                let detail = Detail::Review(ReviewId::from_bits(6), Timestamp::from_secs(0));
                deny(DenyCode::ApprovalRejected, detail)
            }
            "held" => Decision::Hold(Hold {
                review: ReviewId::from_bits(5),
                expires_at: Timestamp::from_secs(1_800_000_000),
                by: ApprovalBy::Reviewer,
            }),
            "unrecorded" => deny(DenyCode::AuditUnavailable, Detail::None),
            "wrong-env" => deny(DenyCode::EnvViolation, Detail::Name("the-secret-argument".into())),
            _ => deny(DenyCode::ScopeViolation, Detail::Name("clerk".into())),
        };
        self.0.asked.lock().unwrap().push((call.tool.clone(), call.args.to_json().unwrap_or_default()));
        Quick::Decided(decision)
    }

    fn permit(&self, obligations: Option<Arc<[Obligation]>>) -> Decision {
        let number = self.0.permits.fetch_add(1, Ordering::Relaxed) + 1;
        Decision::Permit(Permit { id: PermitId { session: SESSION, number }, obligations, credential: None })
    }

    fn pay(&self, call: &ToolCall) -> Decision {
        let amount = match call.args.get() {
            Some(args) => args.pointer("/amount").map(|amount| amount.get()),
            None => {
                let error = call.args.error().expect("read or refused");
                return deny(DenyCode::InvalidArguments, Detail::Arguments(error));
            }
        };
        match amount {
            Some(Json::Number(amount)) if amount <= 100.0 => self.permit(None),
            _ => deny(DenyCode::ParameterViolation, Detail::Rule("`amount` must be at most 100".into())),
        }
    }
}

#[async_trait]
impl Enforcer for Table {
    fn try_enforce(&self, request: &AccessRequest<'_>) -> Quick {
        let waits = self.0.slow && !(&*request.call.tool == "pay" && request.call.args.is_unread());
        match &*request.call.tool {
            "undecided" => Quick::Need(Need::Plane),
            _ if waits => Quick::Need(Need::Review),
            _ => self.decide(request),
        }
    }

    async fn enforce(&self, request: &AccessRequest<'_>) -> Result<Decision, EnforceError> {
        tokio::task::yield_now().await;
        match self.decide(request) {
            _ if &*request.call.tool == "undecided" => {
                Err(EnforceError::Unreachable("10.0.0.1 refused the connection".to_owned()))
            }
            Quick::Decided(decision) => Ok(decision),
            Quick::Need(_) => Ok(deny(DenyCode::InvalidArguments, Detail::None)),
        }
    }

    fn complete(&self, _: PermitId, outcome: Outcome) {
        self.0.outcomes.lock().unwrap().push(outcome);
    }

    async fn visible(&self, _: PrincipalRef<'_>, tools: &[&str]) -> Result<Vec<bool>, EnforceError> {
        Ok(vec![true; tools.len()])
    }
}

fn stranger(principal: PrincipalRef<'_>) -> Option<DenyCode> {
    match principal {
        PrincipalRef::Token(TOKEN) | PrincipalRef::Session(SESSION) => None,
        PrincipalRef::Token("expired") => Some(DenyCode::JwtExpired),
        PrincipalRef::Token("revoked") => Some(DenyCode::SessionRevoked),
        PrincipalRef::Token("orphaned") => Some(DenyCode::SessionExpired),
        PrincipalRef::Token("suspended") => Some(DenyCode::AgentSuspended),
        _ => Some(DenyCode::JwtInvalid),
    }
}

fn deny(code: DenyCode, detail: Detail) -> Decision {
    Decision::Deny(Denial::with(code, detail))
}

fn now() -> Timestamp {
    Timestamp::default().after(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970"))
}

fn good() -> Principal {
    Principal::token(TOKEN)
}

/// Waits until something that another task does has happened.
async fn eventually(happened: impl Fn() -> bool) {
    for _ in 0..500 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never happened");
}
