//! Where a policy engine is asked.

use super::words::PolicyAction;

/// What a policy engine is asked about a check.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PolicyQuestion<'a> {
    /// Always `sf_scope`.
    pub service: &'a str,
    /// The control; `capability_enforcement` unless another was named.
    pub control: &'a str,
    /// 1.0 where the manifest allows, 0.0 where it does not.
    pub observed: f64,
    /// Who asks.
    pub agent_id: &'a str,
    /// What it is about.
    pub resource: &'a str,
    /// What is to be done to it.
    pub action_name: &'a str,
}

/// What a policy engine says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an answer is these two")]
pub struct PolicyAnswer {
    /// The policy that says it.
    pub policy_id: String,
    /// What it says.
    pub action: PolicyAction,
}

/// A policy engine.
pub trait ScopePolicy: Send + Sync + 'static {
    /// What the policies in force say.
    ///
    /// # Errors
    /// Why there is no answer; then the check has none either.
    fn ask(&self, question: &PolicyQuestion<'_>) -> Result<PolicyAnswer, String>;
}

/// No policy is in force: everything the manifests allow stands.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct ImplicitDefault;

impl ScopePolicy for ImplicitDefault {
    fn ask(&self, _: &PolicyQuestion<'_>) -> Result<PolicyAnswer, String> {
        Ok(PolicyAnswer { policy_id: "implicit-default".to_owned(), action: PolicyAction::Allow })
    }
}
