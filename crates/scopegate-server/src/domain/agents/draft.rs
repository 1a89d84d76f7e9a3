//! What is said of an agent, before it is believed.

use scopegate_core::{Name, Timestamp};
use serde_json::{Map, Value};

use super::super::Failure;
use super::super::member::Invalid;
use crate::store::{AgentRow, Permissions, TenantId};

/// The framework of an agent that names none.
const CUSTOM: Name = Name::new_static("custom");
const MAX_NAME: usize = 128;
const MAX_DESCRIPTION: usize = 2_000;
/// Most capabilities, and most scopes.
const MAX_LIST: usize = 100;
/// The longest delegation policy, as JSON.
const MAX_POLICY: usize = 4_096;

/// Members of an agent; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Draft {
    pub(crate) name: Option<Name>,
    pub(crate) framework: Option<Name>,
    pub(crate) description: Option<String>,
    pub(crate) capabilities: Option<Vec<String>>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) delegation_policy: Option<Map<String, Value>>,
    pub(crate) permissions: Option<Permissions>,
    /// Whether its calls are judged; all of them are denied otherwise.
    pub(crate) is_active: Option<bool>,
}

impl Draft {
    /// A new agent.
    pub(super) fn begin(self, tenant: &TenantId, id: Name, now: Timestamp) -> Result<AgentRow, Failure> {
        if self.name.is_none() {
            return Err(Invalid::new("name", "is needed").into());
        }
        if self.is_active == Some(false) {
            return Err(Invalid::new("is_active", "an agent begins active").into());
        }
        let none = AgentRow {
            tenant: tenant.clone(),
            id,
            name: Name::default(),
            framework: CUSTOM,
            description: None,
            capabilities: Vec::new(),
            scopes: Vec::new(),
            delegation_policy: Map::new(),
            permissions: Permissions::default(),
            roles: Vec::new(),
            created_at: now,
            updated_at: now,
            deactivated_at: None,
        };
        self.applied_to(&none, now)
    }

    /// An agent with these members changed.
    pub(super) fn applied_to(self, before: &AgentRow, now: Timestamp) -> Result<AgentRow, Failure> {
        let row = AgentRow {
            name: self.name.unwrap_or_else(|| before.name.clone()),
            framework: self.framework.unwrap_or_else(|| before.framework.clone()),
            description: match self.description {
                Some(text) => Some(text).filter(|text| !text.is_empty()),
                None => before.description.clone(),
            },
            capabilities: self.capabilities.unwrap_or_else(|| before.capabilities.clone()),
            scopes: self.scopes.unwrap_or_else(|| before.scopes.clone()),
            delegation_policy: self.delegation_policy.unwrap_or_else(|| before.delegation_policy.clone()),
            permissions: self.permissions.unwrap_or_else(|| before.permissions.clone()),
            updated_at: now,
            ..before.clone()
        };
        check(&row)?;
        Ok(row)
    }
}

fn check(row: &AgentRow) -> Result<(), Invalid> {
    named("name", &row.name)?;
    named("framework", &row.framework)?;
    if row.description.as_ref().is_some_and(|text| text.len() > MAX_DESCRIPTION) {
        return Err(Invalid::new("description", &format!("has at most {MAX_DESCRIPTION} bytes")));
    }
    for (member, list) in [("capabilities", &row.capabilities), ("scopes", &row.scopes)] {
        if list.len() > MAX_LIST {
            return Err(Invalid::new(member, &format!("has at most {MAX_LIST} elements")));
        }
        list.iter().try_for_each(|element| named(member, element))?;
    }
    for (member, list) in [
        ("permissions.allowed_action_types", &row.permissions.allowed),
        ("permissions.denied_action_types", &row.permissions.denied),
    ] {
        patterns(member, list)?;
    }
    if Value::Object(row.delegation_policy.clone()).to_string().len() > MAX_POLICY {
        return Err(Invalid::new("delegation_policy", &format!("has at most {MAX_POLICY} bytes as JSON")));
    }
    Ok(())
}

/// Patterns as roles have them.
pub(in crate::domain) fn patterns(member: &str, list: &[Name]) -> Result<(), Invalid> {
    let good = |pattern: &Name| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.:/-*".contains(&b);
        (1..=MAX_NAME).contains(&pattern.len()) && pattern.bytes().all(plain)
    };
    if list.len() > MAX_LIST {
        return Err(Invalid::new(member, &format!("has at most {MAX_LIST} elements")));
    }
    match list.iter().find(|pattern| !good(pattern)) {
        None => Ok(()),
        Some(_) => Err(Invalid::new(
            member,
            "must be patterns: letters, digits and `_ . : / -`, where `*` may stand for any characters",
        )),
    }
}

/// A name that people read: not empty, not endless, in one line, and nothing at its ends that nobody sees.
fn named(member: &str, text: &str) -> Result<(), Invalid> {
    let good = !text.is_empty()
        && text.len() <= MAX_NAME
        && text.trim() == text
        && !text.chars().any(char::is_control);
    let why =
        format!("must be texts of 1 to {MAX_NAME} bytes, without control characters or spaces at the ends");
    if good { Ok(()) } else { Err(Invalid::new(member, &why)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn begin(draft: Draft) -> Result<AgentRow, String> {
        let tenant = TenantId::parse("default").unwrap();
        draft.begin(&tenant, "agent_1".into(), Timestamp::from_secs(5)).map_err(|failure| failure.to_string())
    }

    fn named(name: &str) -> Draft {
        Draft { name: Some(name.into()), ..Draft::default() }
    }

    #[test]
    fn a_draft_changes_what_it_names_and_nothing_else() {
        let first = begin(Draft { scopes: Some(vec!["pay".to_owned()]), ..named("bot") }).unwrap();
        assert_eq!((first.name.as_str(), first.framework.as_str()), ("bot", "custom"));
        let change = Draft { description: Some("pays".to_owned()), ..Draft::default() };
        let next = change.applied_to(&first, Timestamp::from_secs(6)).unwrap();
        let described = Some("pays".to_owned());
        assert_eq!(next, AgentRow { description: described, updated_at: Timestamp::from_secs(6), ..first });
        let reset = Draft { description: Some(String::new()), scopes: Some(Vec::new()), ..Draft::default() };
        let reset = reset.applied_to(&next, Timestamp::from_secs(7)).unwrap();
        assert_eq!((reset.description, reset.scopes), (None, Vec::<String>::new()));
    }

    #[test]
    fn what_is_no_agent_is_refused_with_the_member_that_is_wrong() {
        let policy = json!({ "x": "y".repeat(MAX_POLICY) });
        for (draft, said) in [
            (Draft::default(), "`name`"),
            (named(""), "`name`"),
            (named(" bot"), "`name`"),
            (named("b\not"), "`name`"),
            (named(&"b".repeat(129)), "`name`"),
            (Draft { framework: Some("".into()), ..named("bot") }, "`framework`"),
            (Draft { description: Some("d".repeat(2_001)), ..named("bot") }, "`description`"),
            (Draft { capabilities: Some(vec!["c".to_owned(); 101]), ..named("bot") }, "`capabilities`"),
            (Draft { scopes: Some(vec![String::new()]), ..named("bot") }, "`scopes`"),
            (Draft { delegation_policy: policy.as_object().cloned(), ..named("bot") }, "`delegation_policy`"),
            (Draft { is_active: Some(false), ..named("bot") }, "`is_active`"),
        ] {
            let why = begin(draft.clone()).unwrap_err();
            assert!(why.starts_with(said), "{why} of {draft:?}");
        }
    }
}
