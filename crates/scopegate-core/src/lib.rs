//! The vocabulary of Scopegate and the pure decider.
//!
//! ```text
//! framework call → ToolCall → Gate::try_admit → Enforcer → Decision → Permitted<ToolCall> → tool
//!                                │                 └─ facts → decide → commit
//!                                └ Go | Stop(refusal) | NeedArgs(call) | Ask(future)
//! ```
//!
//! There is no clock, lock, randomness, log, file or socket in this crate, and `async` only in
//! [`Enforcer`] and [`Gate`]. [`decide`] is a function of its arguments: an engine in the agent's
//! process and a plane across the network give the same answer because they call the same code.

mod arguments;
mod breaker;
mod budget;
mod call;
mod catalogue;
mod claims;
pub mod constraint;
mod decide;
mod decision;
mod denial;
mod digest;
mod enforcer;
mod environment;
mod facts;
mod forbid;
mod gate;
pub mod grant;
mod id;
mod identity;
pub mod json;
mod lazy;
mod machine;
mod mcp;
mod notice;
mod pack;
pub mod pin;
pub mod plain;
mod policy;
mod problem;
mod rate;
mod record;
mod record_text;
mod redact;
mod redemption;
mod request;
mod review;
mod role;
mod rows;
mod schedule;
mod schema;
mod scope;
mod stopped;
mod time;
mod trust;
mod verdict;

pub use self::breaker::{Attempt, Breaker, BreakerOpen, Ended};
pub use self::call::{Args, ToolCall};
pub use self::catalogue::{Catalogue, CatalogueTool, Catalogues};
pub use self::claims::{ClaimedSession, McpClaims};
pub use self::decide::decide;
pub use self::decision::{Credential, Decision, Hold, Obligation, Outcome, Permit};
pub use self::denial::{Denial, DenyCode, Detail, Severity};
pub use self::digest::CallDigest;
pub use self::enforcer::{
    EnforceError, Enforcer, Need, Provision, ProvisionError, Provisioned, Quick, Reviews, SessionHandle,
    SessionWatch, Sessions,
};
pub use self::facts::{Account, Asked, Changes, Facts, Hand, Handed, Held, Link, Meter, Paid, Ruling, Waits};
pub use self::gate::{Admission, Asking, Completion, Gate, Permitted, Refusal};
pub use self::grant::manifest::{Lack, Manifest, Manifests};
pub use self::grant::{Grant, GrantError, GrantKind, GrantState};
pub use self::id::{GrantId, Name, PermitId, ReviewId, SessionId};
pub use self::lazy::{LazySession, Step};
pub use self::machine::is_this_machine;
pub use self::notice::{Disclosure, Notice};
pub use self::pack::{PackDigest, PackError, PackHistory, PackSummary, PolicyPack};
pub use self::policy::{
    Answered, Conditions, Policies, PolicyDecision, PolicyMode, PolicyRule, PolicyType, PolicyView,
    ShadowCounts, ShadowExample, ShadowPass, ShadowReport, Shadowed, shadow,
};
pub use self::problem::{PolicyError, Problem, Segment};
pub use self::rate::{Advance, Quota, Spend, Spends, Tat, Window};
pub use self::record::{ChainError, ChainHead, ChainedRecord, DecisionRecord, Event};
pub use self::redact::{Redaction, Redactor};
pub use self::redemption::{Reading, Redeemed, Redemption};
pub use self::request::{AccessRequest, Consent, Notes, Principal, PrincipalRef, TrustUse};
pub use self::review::{Review, ReviewError, ReviewState};
pub use self::role::{
    Alternative, ApprovalBy, Consistency, Constraint, Operator, OutputRule, RateScope, RecordArguments, Role,
    WhenAbsent,
};
pub use self::scope::{
    Compiler, GuardsView, LimitKey, MAX_PARENTS, PatternView, Scope, ScopeView, Shape, ToolEntry, ToolId,
    ToolTable, ToolView,
};
pub use self::stopped::{Stopped, Unready};
pub use self::time::Timestamp;
pub use self::trust::{Trust, TrustMove, TrustStep};
pub use self::verdict::{ScopeSource, VerdictDigest};
