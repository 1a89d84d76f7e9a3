//! A tool service behind a gate, with the policy and the recorded calls that belong to it.

use axum::Router;
use axum::routing::post;
use scopegate::{
    Http, LocalEnforcer, Policy, Provision, Provisioned, RecordsSpec, Role, ScopeLayer, TakenPermit,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::exit::Failure;

/// A gated service.
pub(super) struct Suite {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    calls: &'static str,
    pub(super) enforcer: LocalEnforcer,
    /// The roles of its policy.
    pub(super) roles: Vec<Role>,
}

/// A recorded call. The prompt that led to it is not sent anywhere.
#[derive(Debug, Deserialize)]
pub(super) struct Call {
    /// The line of the trace.
    #[serde(skip)]
    pub(super) line: u64,
    pub(super) kind: String,
    pub(super) task: String,
    pub(super) step: u64,
    pub(super) tool: String,
    pub(super) args: Value,
}

impl Suite {
    pub(super) fn all() -> Result<[Self; 2], Failure> {
        Ok([
            Self::new(
                "workspace",
                "Office assistant (mail, calendar, files)",
                include_str!("../../../../../examples/agentdojo/workspace.yaml"),
                include_str!("../../../../../examples/agentdojo/workspace.jsonl"),
            )?,
            Self::new(
                "slack",
                "Chat assistant (channels, messages, web pages)",
                include_str!("../../../../../examples/agentdojo/slack.yaml"),
                include_str!("../../../../../examples/agentdojo/slack.jsonl"),
            )?,
        ])
    }

    fn new(
        name: &'static str,
        title: &'static str,
        policy: &str,
        calls: &'static str,
    ) -> Result<Self, Failure> {
        let mut policy = Policy::from_text(policy, &format!("{name}.yaml")).map_err(Failure::no_answer)?;
        policy.records = Some(RecordsSpec::Memory);
        let roles = policy.roles.clone();
        let enforcer = LocalEnforcer::new(policy).map_err(Failure::no_answer)?;
        Ok(Self { name, title, calls, enforcer, roles })
    }

    /// The recorded calls, in order.
    pub(super) fn calls(&self) -> Result<Vec<Call>, Failure> {
        let read = |(text, line)| -> Result<Call, Failure> {
            let call: Call = serde_json::from_str(text).map_err(Failure::no_answer)?;
            Ok(Call { line, ..call })
        };
        self.calls.lines().zip(1..).map(read).collect()
    }

    /// A session of the suite's only role.
    pub(super) fn session(&self, owner: &str) -> Result<Provisioned, Failure> {
        self.enforcer.open(Provision::new(self.name, owner)).map_err(Failure::no_answer)
    }

    /// `POST /{suite}/tools/{tool}`, reached with a permit or not at all.
    pub(super) fn router(&self) -> Router {
        let gate = ScopeLayer::new(self.enforcer.clone())
            .extract(Http::new().hand_permit().reviews_at(&format!("/{}/reviews/", self.name)));
        Router::new().route(&format!("/{}/tools/{{tool}}", self.name), post(run)).route_layer(gate)
    }
}

/// Stands in for the real tools: says what would have run, with the arguments that were judged.
async fn run(TakenPermit(permitted): TakenPermit) -> String {
    let permit = permitted.id().to_string();
    let ran = permitted.run(async |call| {
        Ok::<_, std::convert::Infallible>(
            json!({"ran": call.tool, "with": call.args.to_value(), "permit": permit}),
        )
    });
    match ran.await {
        Ok(answer) => format!("{answer}\n"),
        Err(never) => match never {},
    }
}
