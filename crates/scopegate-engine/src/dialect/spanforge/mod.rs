//! SpanForge's scope client: its calls, its words and its signed records, over the manifests of a [`LocalEnforcer`].
//!
//! [`ScopeEnforcer::evaluate`] asks the agent's manifest alone; no role is looked at. Each answer has a signed
//! record that is emitted before the answer is given. `allowed` is the answer: the words `escalate`,
//! `human_review` and `redact` are labels on a refusal, and an agent that nobody registered is one.
//!
//! [`LocalEnforcer`]: crate::LocalEnforcer

mod builder;
mod circuit;
mod decision;
mod enforcer;
mod events;
mod export;
mod ids;
mod ledger;
mod policy;
mod question;
mod record;
mod signing;
mod sink;
#[cfg(test)]
mod tests;
mod verify;
mod words;
mod yaml;

pub use self::builder::{ScopeBuildError, ScopeBuilder};
pub use self::decision::ScopeDecision;
pub use self::enforcer::{MissingCapability, ScopeEnforcer, ScopeStatus};
pub use self::events::EventChain;
pub use self::export::{ExportLine, ScopeExport};
pub use self::policy::{ImplicitDefault, PolicyAnswer, PolicyQuestion, ScopePolicy};
pub use self::question::{ScopeError, ScopeQuestion};
pub use self::record::{Head, SCHEMA_KEY, SignedRecord};
pub use self::signing::{KeyError, SIGNING_KEY_VARIABLE, SigningKey};
pub use self::sink::{FileScopeSink, MemoryScopeSink, ScopeSink};
pub use self::verify::{Tampered, verify_records};
pub use self::words::{ACTION_CATEGORIES, Outcome, PolicyAction, resolve_action_category};
pub use self::yaml::manifest_from_yaml;
