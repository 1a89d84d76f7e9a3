//! From the policies of a file to those of a plane: what would change.

use scopegate_client::xybern::{PolicyDraft, PolicyView};
use scopegate_core::PolicyRule;
use serde::Serialize;

use crate::exit::Failure;
use crate::output::Output;
use crate::reveal::reveal;

/// What becomes of one policy.
#[derive(Debug, PartialEq, Serialize)]
pub(in crate::cmd) struct Step {
    pub(in crate::cmd) policy: String,
    pub(in crate::cmd) action: What,
    /// The one that is there.
    #[serde(rename = "policy_id", skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip)]
    pub(super) draft: PolicyDraft,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cmd) enum What {
    Create,
    Update,
    Keep,
}

/// A step for each policy of the file. Those of packs are not its business.
pub(in crate::cmd) fn plan(wanted: &[PolicyRule], stands: &[PolicyView]) -> Vec<Step> {
    let step = |rule: &PolicyRule| {
        let draft = PolicyDraft::from(rule);
        let known = stands.iter().find(|view| view.pack.is_none() && view.name == rule.name);
        let action = match known {
            None => What::Create,
            Some(known) if PolicyDraft::from(known) == draft => What::Keep,
            Some(_) => What::Update,
        };
        let id = known.map(|known| known.policy_id.clone());
        Step { policy: rule.name.to_string(), action, id, draft }
    };
    wanted.iter().map(step).collect()
}

pub(super) fn tell(steps: &[Step], output: &mut Output) -> Result<(), Failure> {
    for step in steps {
        if output.is_json() {
            output.json(step)?;
            continue;
        }
        let policy = reveal(&step.policy);
        output.line(match step.action {
            What::Create => format!("+ create {policy}"),
            What::Update => format!("~ update {policy}"),
            What::Keep => format!("= keep {policy}"),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use scopegate_core::{PolicyDecision, PolicyType};
    use serde_json::json;

    use super::*;

    fn stands(rule: &PolicyRule, pack: Option<&str>) -> PolicyView {
        let mut view = serde_json::to_value(PolicyDraft::from(rule)).unwrap();
        for (member, value) in [
            ("policy_id", json!(format!("pol_{}", rule.name))),
            ("pack", json!(pack)),
            ("created_at", json!("2026-01-01T00:00:00.000Z")),
            ("updated_at", json!("2026-01-01T00:00:00.000Z")),
        ] {
            view[member] = value;
        }
        serde_json::from_value(view).unwrap()
    }

    #[test]
    fn policies_are_known_by_their_names_and_compared_in_all() {
        let rule = |name: &str| PolicyRule::new(name, PolicyType::ActionType, PolicyDecision::Hold);
        let mut changed = rule("b");
        changed.absolute = false;
        let known = [
            stands(&rule("a"), None),
            stands(&changed, None),
            stands(&rule("c"), Some("a pack")),
            stands(&rule("x"), None),
        ];
        let steps = plan(&[rule("a"), rule("b"), rule("c")], &known);
        let told: Vec<_> =
            steps.iter().map(|step| (&*step.policy, step.action, step.id.as_deref())).collect();
        let expected =
            [("a", What::Keep, Some("pol_a")), ("b", What::Update, Some("pol_b")), ("c", What::Create, None)];
        assert_eq!(told, expected);
    }
}
