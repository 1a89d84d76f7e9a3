//! Packs: policies and roles that are deployed, changed and taken back as one. Values; whoever holds them
//! puts what they say in force.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::digest::{digest_text, tagged};
use crate::id::Name;
use crate::policy::PolicyRule;
use crate::problem::{self, PolicyError, Problem};
use crate::role::Role;

/// Longest version, in bytes.
const LONGEST: usize = 64;
/// Most versions of a pack that are kept, the oldest forgotten first.
const KEPT: usize = 32;

/// Policies and roles under one name and version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "packs are built field by field")]
pub struct PolicyPack {
    /// Unique; letters, digits and `_ . : / -`, at most 128.
    pub name: Name,
    /// Whatever tells it from its other versions: `2.1.0`.
    pub version: Name,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its policies, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyRule>,
    /// Its roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
}

/// SHA-256 over a domain tag and the canonical form (RFC 8785) of a pack's policies and roles. Packs of one
/// digest say the same, whatever they are called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackDigest([u8; 32]);

digest_text!(PackDigest);

/// What the deployment of a pack changes, policies and roles together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::exhaustive_structs, reason = "a summary is all of its parts")]
pub struct PackSummary {
    /// That were not there.
    pub created: usize,
    /// That say something else.
    pub updated: usize,
    /// That are gone.
    pub removed: usize,
    /// That stay as they were.
    pub unchanged: usize,
}

/// Why a pack was not deployed or taken back. Nothing changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// It is wrong in itself, or with what else is in force.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The version is there already and says something else.
    #[error(
        "version `{0}` of this pack was deployed with other policies or roles; give this one another version"
    )]
    Version(Name),
    /// Something else has a name of the pack's already.
    #[error("{kind} `{name}` is in force already, and is not this pack's")]
    Taken {
        /// What has the name.
        kind: &'static str,
        /// The name.
        name: Name,
    },
    /// There is no such pack.
    #[error("unknown pack `{0}`")]
    Unknown(Name),
    /// The pack has no such version to go back to.
    #[error("pack `{0}` has no such version to go back to")]
    NoVersion(Name),
}

/// The versions of one pack, in the order they were deployed, and the one in force.
#[derive(Clone, Debug, Default)]
pub struct PackHistory {
    versions: Vec<(PackDigest, Arc<PolicyPack>)>,
    active: usize,
}

impl PolicyPack {
    /// The digest of what it says.
    ///
    /// # Errors
    /// [`PolicyError`] when its name or version is none, or a number of it has no canonical form.
    pub fn digest(&self) -> Result<PackDigest, PolicyError> {
        problem::name(&self.name).map_err(|problem| PolicyError::from(problem).in_member("name"))?;
        if self.version.is_empty() || self.version.len() > LONGEST {
            let problem = Problem::PackVersion(self.version.len(), LONGEST);
            return Err(PolicyError::from(problem).in_member("version"));
        }
        let said = tagged("scopegate-pack-v1", &json!({ "policies": self.policies, "roles": self.roles }));
        said.map(PackDigest).ok_or_else(|| Problem::NoCanonicalForm.into())
    }

    /// What would change, were this in force in the place of `before`.
    pub fn summary(&self, before: Option<&Self>) -> PackSummary {
        let none = Self::default();
        let before = before.unwrap_or(&none);
        let a = compare(&before.policies, &self.policies, |policy| &policy.name);
        let b = compare(&before.roles, &self.roles, |role| &role.name);
        PackSummary {
            created: a.created + b.created,
            updated: a.updated + b.updated,
            removed: a.removed + b.removed,
            unchanged: a.unchanged + b.unchanged,
        }
    }
}

impl PackHistory {
    /// A history as it was kept: all versions, and which of them is in force.
    ///
    /// # Errors
    /// [`PackError`] when that is no history.
    pub fn restore(versions: Vec<PolicyPack>, active: &str) -> Result<Self, PackError> {
        let digested = |pack: PolicyPack| Ok((pack.digest()?, Arc::new(pack)));
        let versions: Vec<_> = versions.into_iter().map(digested).collect::<Result<_, PackError>>()?;
        let kept = Self { versions, active: 0 };
        let (active, _) = kept.find(active).ok_or_else(|| PackError::NoVersion(active.into()))?;
        Ok(Self { active, ..kept })
    }

    /// The version in force.
    pub fn active(&self) -> Option<&Arc<PolicyPack>> {
        self.versions.get(self.active).map(|(_, pack)| pack)
    }

    /// The digest of the version in force.
    pub fn digest(&self) -> Option<PackDigest> {
        self.versions.get(self.active).map(|(digest, _)| *digest)
    }

    /// All versions, in the order they were first deployed.
    pub fn versions(&self) -> impl Iterator<Item = (PackDigest, &Arc<PolicyPack>)> {
        self.versions.iter().map(|(digest, pack)| (*digest, pack))
    }

    /// The history once this is deployed; `None` when what is in force says the same.
    ///
    /// # Errors
    /// [`PackError`], also when this very version was something else.
    pub fn deployed(&self, pack: &Arc<PolicyPack>) -> Result<Option<Self>, PackError> {
        let digest = pack.digest()?;
        if self.digest() == Some(digest) {
            return Ok(None);
        }
        let mut next = self.clone();
        match self.find(&pack.version) {
            Some((at, known)) if known == digest => next.active = at,
            Some(_) => return Err(PackError::Version(pack.version.clone())),
            None => {
                // The newest stands last, and the one in force is not forgotten before it is replaced.
                if next.versions.len() >= KEPT {
                    next.versions.remove(0);
                }
                next.versions.push((digest, pack.clone()));
                next.active = next.versions.len() - 1;
            }
        }
        Ok(Some(next))
    }

    /// The history once it is taken back to a version, or to the one deployed before the one in force.
    ///
    /// # Errors
    /// [`PackError::NoVersion`].
    pub fn taken_back(&self, version: Option<&str>) -> Result<Self, PackError> {
        let none = || PackError::NoVersion(self.active().map(|pack| pack.name.clone()).unwrap_or_default());
        let active = match version {
            Some(version) => self.find(version).map(|(at, _)| at),
            None => self.active.checked_sub(1),
        };
        Ok(Self { active: active.ok_or_else(none)?, ..self.clone() })
    }

    fn find(&self, version: &str) -> Option<(usize, PackDigest)> {
        let at = self.versions.iter().position(|(_, pack)| pack.version == version)?;
        self.versions.get(at).map(|(digest, _)| (at, *digest))
    }
}

fn compare<T: PartialEq>(before: &[T], after: &[T], name: impl Fn(&T) -> &Name) -> PackSummary {
    let find = |list: &[T], wanted: &T| list.iter().position(|item| name(item) == name(wanted));
    let stays = |item: &T| find(before, item).and_then(|at| before.get(at)).map(|known| known == item);
    let kept: Vec<Option<bool>> = after.iter().map(stays).collect();
    let count = |what: Option<bool>| kept.iter().filter(|kept| **kept == what).count();
    PackSummary {
        created: count(None),
        updated: count(Some(false)),
        removed: before.iter().filter(|item| find(after, item).is_none()).count(),
        unchanged: count(Some(true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{PolicyDecision, PolicyType};

    fn pack(version: &str, policies: &[(&str, i64)], roles: &[&str]) -> Arc<PolicyPack> {
        let policy = |(name, priority): &(&str, i64)| PolicyRule {
            priority: *priority,
            ..PolicyRule::new(*name, PolicyType::ActionType, PolicyDecision::Hold)
        };
        Arc::new(PolicyPack {
            name: "finance".into(),
            version: version.into(),
            description: format!("version {version}"),
            policies: policies.iter().map(policy).collect(),
            roles: roles.iter().map(|name| Role::new(*name)).collect(),
        })
    }

    #[test]
    fn a_digest_is_of_what_a_pack_says() {
        let digest = |pack: &PolicyPack| pack.digest().unwrap();
        assert_eq!(digest(&pack("1", &[("a", 1)], &["r"])), digest(&pack("2", &[("a", 1)], &["r"])));
        assert_ne!(digest(&pack("1", &[("a", 1)], &["r"])), digest(&pack("1", &[("a", 2)], &["r"])));
        assert_ne!(digest(&pack("1", &[("a", 1)], &[])), digest(&pack("1", &[], &["a"])));
        let nameless = PolicyPack { name: "a b".into(), ..PolicyPack::clone(&pack("1", &[], &[])) };
        assert_eq!(nameless.digest().unwrap_err().path.len(), 1);
        for version in ["", &"1".repeat(65)] {
            assert!(pack(version, &[], &[]).digest().is_err(), "{version}");
        }
    }

    #[test]
    fn a_summary_counts_by_name() {
        let before = pack("1", &[("a", 1), ("b", 1), ("c", 1)], &["r", "s"]);
        let after = pack("2", &[("b", 2), ("c", 1), ("d", 1)], &["s"]);
        let told = PackSummary { created: 1, updated: 1, removed: 2, unchanged: 2 };
        assert_eq!(after.summary(Some(&before)), told);
        assert_eq!(before.summary(None), PackSummary { created: 5, ..PackSummary::default() });
    }

    #[test]
    fn versions_come_and_are_gone_back_to() {
        let [one, two, three] =
            [pack("1", &[("a", 1)], &[]), pack("2", &[("a", 2)], &[]), pack("3", &[("a", 3)], &[])];
        let deploy = |history: &PackHistory, pack: &Arc<PolicyPack>| history.deployed(pack).unwrap();
        let history = deploy(&PackHistory::default(), &one).unwrap();
        assert!(deploy(&history, &one).is_none());
        assert!(deploy(&history, &pack("1.0", &[("a", 1)], &[])).is_none(), "it says the same");
        let other = history.deployed(&pack("1", &[("a", 9)], &[]));
        assert_eq!(other.unwrap_err(), PackError::Version("1".into()));
        let history = deploy(&history, &two).unwrap();
        let history = deploy(&history, &three).unwrap();
        let version = |history: &PackHistory| history.active().unwrap().version.clone();
        assert_eq!(version(&history), "3");
        let back = history.taken_back(None).unwrap();
        assert_eq!(version(&back), "2");
        assert_eq!(version(&back.taken_back(None).unwrap()), "1");
        let first = history.taken_back(Some("1")).unwrap();
        assert_eq!(first.taken_back(None).unwrap_err(), PackError::NoVersion("finance".into()));
        assert!(history.taken_back(Some("4")).is_err());
        assert_eq!(version(&deploy(&first, &three).unwrap()), "3", "forward again");
        assert_eq!(deploy(&first, &three).unwrap().versions().count(), 3);
        let kept = first.versions().map(|(_, pack)| PolicyPack::clone(pack)).collect();
        let again = PackHistory::restore(kept, "1").unwrap();
        assert_eq!((again.digest(), again.versions().count()), (first.digest(), 3));
        assert!(PackHistory::restore(Vec::new(), "1").is_err());
        let many = (0..40).fold(PackHistory::default(), |history, n| {
            deploy(&history, &pack(&n.to_string(), &[("a", n)], &[])).unwrap()
        });
        assert_eq!((version(&many).as_str(), many.versions().count()), ("39", 32));
    }
}
