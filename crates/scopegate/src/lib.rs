//! Decides, inline, whether an AI agent may make this tool call, with these arguments, now.
//!
//! ```no_run
//! # #[cfg(feature = "axum")] fn app() -> Result<axum::Router, Box<dyn std::error::Error>> {
//! use axum::{Router, routing::post};
//! use scopegate::{LocalEnforcer, ScopeLayer};
//!
//! let enforcer = LocalEnforcer::from_file("policy.yaml")?;
//! let app = Router::new()
//!     .route("/tools/{tool}", post(async |args: String| format!("ran with {args}")))
//!     .layer(ScopeLayer::new(enforcer));
//! # Ok(app) }
//! ```
//!
//! From here on a request to `/tools/pay` reaches its handler only if the policy lets its session
//! call `pay` with the arguments in its body. A session is opened for a role, and its token is all
//! that the agent is given:
//!
//! ```
//! # #[cfg(feature = "local")] fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use scopegate::{Admission, Args, Gate, LocalEnforcer, Policy, Principal, Provision, ToolCall};
//!
//! let policy = Policy::from_text(
//!     "
//! version: 1
//! roles:
//!   - name: clerk
//!     allowed_tools: [search, pay]
//!     parameter_constraints:
//!       pay:
//!         - {field: amount, operator: lte, value: 100}
//! ",
//!     "policy.yaml", // what errors call it
//! )?;
//! let enforcer = LocalEnforcer::new(policy)?;
//! let session = enforcer.open(Provision::new("clerk", "agent-7"))?;
//! let agent = Principal::token(session.token());
//!
//! // What every door does, by hand: only a `Gate` turns a call into one that may run.
//! let gate = Gate::new(enforcer);
//! let call = ToolCall::new("pay").with_args(Args::parse(r#"{"amount": 4000}"#));
//! match gate.try_admit(agent.as_ref(), call) {
//!     Admission::Stop(refusal) => {
//!         assert_eq!(refusal.to_string(), "`amount` must be at most 100");
//!     }
//!     other => return Err(format!("{other:?}").into()),
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "local"))] fn main() {}
//! ```
//!
//! # Features
//! - `local` (default): [`LocalEnforcer`] decides in this process, with a policy file and no
//!   network.
//! - `remote`: [`RemoteEnforcer`] decides in this process with what a plane lends, and asks the plane
//!   otherwise; the plane's own client is in [`client`].
//! - `tower`: [`ScopeLayer`] puts any `tower::Service` behind a gate.
//! - `axum`: routes and route parameters as tools, and [`TakenPermit`], an extractor.
//! - `tonic`: [`Grpc`], for tonic services.
//! - `rig`: [`rig`], which guards the tools of rig agents.
//! - `mcp`: [`mcp`], which guards MCP servers built with rmcp.
//! - `swarms`: `scopegate::swarms`, which guards swarms-rs agents. It takes minutes to build.
//!
//! # Where to look
//! - to write a policy: [`Policy`], [`Role`], [`Constraint`]
//! - to ask: [`Gate`], which answers with a [`Permitted`] call or a [`Refusal`]
//! - to let people decide held calls: [`Reviews`]
//! - to open, narrow and end sessions: [`Sessions`]
//! - to put something else behind the gate: [`Extract`] and [`Refuse`]
//! - to decide elsewhere: [`Enforcer`]. Whoever builds one over the pure decider takes
//!   `scopegate-core` itself.
//!
//! [`LocalEnforcer`]: https://docs.rs/scopegate/latest/scopegate/struct.LocalEnforcer.html
//! [`RemoteEnforcer`]: https://docs.rs/scopegate/latest/scopegate/struct.RemoteEnforcer.html
//! [`client`]: https://docs.rs/scopegate/latest/scopegate/client/index.html
//! [`Policy`]: https://docs.rs/scopegate/latest/scopegate/struct.Policy.html
//! [`ScopeLayer`]: https://docs.rs/scopegate/latest/scopegate/struct.ScopeLayer.html
//! [`TakenPermit`]: https://docs.rs/scopegate/latest/scopegate/struct.TakenPermit.html
//! [`Grpc`]: https://docs.rs/scopegate/latest/scopegate/struct.Grpc.html
//! [`rig`]: https://docs.rs/scopegate/latest/scopegate/rig/index.html
//! [`mcp`]: https://docs.rs/scopegate/latest/scopegate/mcp/index.html
//! [`Extract`]: https://docs.rs/scopegate/latest/scopegate/trait.Extract.html
//! [`Refuse`]: https://docs.rs/scopegate/latest/scopegate/trait.Refuse.html

// The call, who asks, and the answer.
#[doc(inline)]
pub use scopegate_core::{
    AccessRequest, Admission, Args, Asking, ClaimedSession, Completion, Consent, Credential, Decision,
    Denial, DenyCode, Detail, Disclosure, EnforceError, Enforcer, Gate, Hold, McpClaims, Need, Obligation,
    Outcome, Permit, Permitted, Principal, PrincipalRef, Quick, Redaction, Redactor, Refusal, Severity,
    Stopped, ToolCall, Unready, json, pin,
};
// Policies.
#[doc(inline)]
pub use scopegate_core::{
    Alternative, ApprovalBy, Catalogue, CatalogueTool, Constraint, GuardsView, Lack, Manifest, Manifests,
    Operator, OutputRule, PolicyError, Problem, RateScope, RecordArguments, Role, ScopeView, Segment,
    ToolView, WhenAbsent,
};
// Sessions, reviews and records.
#[doc(inline)]
pub use scopegate_core::{
    CallDigest, ChainError, ChainedRecord, DecisionRecord, Event, Name, PermitId, Provision, ProvisionError,
    Provisioned, Review, ReviewError, ReviewId, ReviewState, Reviews, SessionHandle, SessionId, SessionWatch,
    Sessions, Timestamp,
};

#[cfg(feature = "local")]
#[doc(inline)]
pub use scopegate_engine::{
    BuildError, Clock, CredentialSource, Durability, EnvCredentials, FileCredentials, FileSink, FileSpec,
    LocalBuilder, LocalEnforcer, ManualClock, MemorySink, Policy, PolicyFileError, RecordSink, RecordsSpec,
    RemoveRoleError, SCHEMA_LINE, SystemClock, Verified, VerifyError, Watch, record_files, spanforge, verify,
};

#[cfg(feature = "remote")]
#[doc(inline)]
pub use scopegate_client::{Counts, RemoteBuildError, RemoteBuilder, RemoteEnforcer};

/// The client of a plane: what people and programs ask of it beside decisions.
#[cfg(feature = "remote")]
pub mod client {
    pub use scopegate_client::{
        BuildError, Call, Client, ClientBuilder, ClientError, Clocks, Delivery, DeliveryStatus, Denied,
        Epoch, ExportFormat, ExportOrder, Health, ManualClocks, McpCall, Outage, Pending, Provision, Review,
        ReviewStatus, RoleDraft, RoleView, SessionStatus, SessionToken, SessionView, SystemClocks, Token,
        webhook,
    };
}

#[cfg(feature = "tower")]
#[doc(inline)]
pub use scopegate_tower::{
    AnySession, ArgsFrom, Custody, Extract, Fault, Found, Head, Http, OneSession, PermitSlot, ReadBody,
    Refuse, ResponseFuture, ScopeLayer, ScopeService, SessionFrom, Stop, ToolFrom,
};

#[cfg(feature = "rig")]
#[doc(inline)]
pub use scopegate_rig as rig;

#[cfg(feature = "mcp")]
#[doc(inline)]
pub use scopegate_mcp as mcp;

#[cfg(feature = "swarms")]
#[doc(inline)]
pub use scopegate_swarms as swarms;

#[cfg(feature = "axum")]
#[doc(inline)]
pub use scopegate_tower::TakenPermit;

#[cfg(feature = "tonic")]
#[doc(inline)]
pub use scopegate_tower::{Grpc, HandlerAdmits};

/// The README's examples compile.
#[cfg(all(
    doctest,
    feature = "axum",
    feature = "local",
    feature = "mcp",
    feature = "remote",
    feature = "rig"
))]
#[doc = include_str!("../../../README.md")]
struct Readme;
