//! Assertions that were used: an agent proves itself once with each.

use std::collections::HashMap;

use scopegate_core::{Name, Timestamp};
use sha2::{Digest as _, Sha256};

use super::super::tenant::lock;
use super::super::{Failure, Tenant};
use super::Standing;
use crate::assertion::{Claims, Refused, Unverified};
use crate::store::{AssertionRow, Change};

/// Most assertions of an agent that could be used again: two hundred a second for five minutes.
const MOST: usize = 60_000;

/// The names of assertions that were used, as long as they could be used again.
#[derive(Debug, Default)]
pub(in crate::domain) struct Spent {
    by_agent: HashMap<Name, Used>,
    /// Whatever was good until then only may have been forgotten, also when the clock was set back since.
    forgotten: Timestamp,
}

#[derive(Debug, Default)]
struct Used {
    names: HashMap<[u8; 32], Timestamp>,
    /// How many there have to be before those that are too old are forgotten.
    sweep_at: usize,
}

/// A proof that was looked at and not used yet.
#[derive(Debug)]
pub(crate) struct Proof {
    /// The agent.
    pub(crate) agent: Name,
    /// The credential that signed.
    pub(crate) credential: Name,
    jti: String,
    until: Timestamp,
}

impl Spent {
    /// What was used before this process, which knows of nothing older than `latest`.
    pub(in crate::domain) fn restore(rows: &[AssertionRow], latest: Timestamp) -> Self {
        let mut spent = Self { forgotten: latest, ..Self::default() };
        for row in rows {
            spent.by_agent.entry(row.agent.clone()).or_default().names.insert(row.name, row.until);
        }
        spent
    }

    /// Uses an assertion, once.
    fn spend(&mut self, proof: &Proof, now: Timestamp) -> Result<AssertionRow, Refused> {
        let Proof { agent, jti, until, .. } = proof;
        if *until <= now.max(self.forgotten) {
            return Err(Refused::Old);
        }
        let name: [u8; 32] = Sha256::digest(jti.as_bytes()).into();
        let used = self.by_agent.entry(agent.clone()).or_default();
        if used.names.contains_key(&name) {
            return Err(Refused::Replayed);
        }
        if used.names.len() >= used.sweep_at.clamp(1_024, MOST) {
            used.names.retain(|_, until| now < *until);
            used.sweep_at = used.names.len() * 2;
            self.forgotten = self.forgotten.max(now);
        }
        if used.names.len() >= MOST {
            return Err(Refused::TooMany);
        }
        used.names.insert(name, *until);
        Ok(AssertionRow { agent: agent.clone(), name, until: *until })
    }
}

impl Tenant {
    /// Looks at an assertion that names a credential of this tenant.
    pub(crate) fn prove(&self, assertion: Unverified<'_>, now: Timestamp) -> Result<Proof, Refused> {
        let credential = self.book.agents().credential(assertion.kid()).cloned().ok_or(Refused::Kid)?;
        let claims: Claims = assertion.verify(&credential.public_key, &self.id)?;
        match Standing::of(&credential, now) {
            Standing::Revoked => return Err(Refused::Revoked),
            standing if !standing.is_good() => return Err(Refused::Expired),
            _ => {}
        }
        if claims.issuer != credential.agent {
            return Err(Refused::Issuer);
        }
        let until = claims.until(now)?;
        Ok(Proof { agent: claims.issuer, credential: credential.id.clone(), jti: claims.jti, until })
    }

    /// Uses a proof up. Once this returns it is used for every later process too.
    pub(crate) async fn spend(&self, proof: &Proof, now: Timestamp) -> Result<Result<(), Refused>, Failure> {
        let spent = lock(&self.book.spent).spend(proof, now);
        match spent {
            Err(refused) => Ok(Err(refused)),
            Ok(assertion) => {
                let used = Change::Assertion { tenant: self.id.clone(), assertion };
                self.change(|| Ok(((), vec![used]))).await.map(Ok)
            }
        }
    }

    /// Whether a credential that was good is good now.
    pub(crate) fn still_takes(&self, credential: &str, now: Timestamp) -> bool {
        self.book.agents().credential(credential).is_some_and(|row| Standing::of(row, now).is_good())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(agent: &str, jti: &str, until: u64) -> Proof {
        let (agent, credential) = (agent.into(), "cred_1".into());
        Proof { agent, credential, jti: jti.to_owned(), until: Timestamp::from_secs(until) }
    }

    fn spend(spent: &mut Spent, proof: &Proof, now: u64) -> Result<(), Refused> {
        spent.spend(proof, Timestamp::from_secs(now)).map(drop)
    }

    #[test]
    fn an_assertion_is_good_once_and_nobody_else_uses_it_up() {
        let mut spent = Spent::default();
        let (first, other) = (proof("a", "one", 300), proof("b", "one", 300));
        assert_eq!(spend(&mut spent, &first, 10), Ok(()));
        assert_eq!(spend(&mut spent, &first, 10), Err(Refused::Replayed));
        // Neither can it be renewed.
        assert_eq!(spend(&mut spent, &proof("a", "one", 600), 299), Err(Refused::Replayed));
        assert_eq!(spend(&mut spent, &other, 10), Ok(()));
        assert_eq!(spend(&mut spent, &first, 300), Err(Refused::Old));
    }

    #[test]
    fn another_process_goes_on_where_this_one_ended() {
        let mut spent = Spent::default();
        let row = spent.spend(&proof("a", "one", 300), Timestamp::from_secs(10)).unwrap();
        let mut next = Spent::restore(&[row], Timestamp::from_secs(50));
        assert_eq!(spend(&mut next, &proof("a", "one", 300), 60), Err(Refused::Replayed));
        assert_eq!(spend(&mut next, &proof("a", "two", 300), 60), Ok(()));
        // A clock that was set back: what the store has forgotten is not new.
        assert_eq!(spend(&mut next, &proof("a", "three", 50), 20), Err(Refused::Old));
    }

    #[test]
    fn what_is_forgotten_is_too_old_whatever_the_clock_says() {
        let mut spent = Spent::default();
        for second in 0..200_000_u64 {
            let (name, until) = (second.to_string(), second + 300);
            assert_eq!(spend(&mut spent, &proof("a", &name, until), second), Ok(()));
            assert!(spent.by_agent["a"].names.len() <= 1_024, "at second {second}");
        }
        assert_eq!(spend(&mut spent, &proof("a", "0", 300), 10), Err(Refused::Old));
    }

    #[test]
    fn an_agent_cannot_fill_the_memory_of_the_plane() {
        let mut spent = Spent::default();
        for n in 0..MOST {
            assert_eq!(spend(&mut spent, &proof("a", &n.to_string(), 300), 1), Ok(()));
        }
        assert_eq!(spend(&mut spent, &proof("a", "more", 300), 1), Err(Refused::TooMany));
        assert_eq!(spend(&mut spent, &proof("b", "more", 300), 1), Ok(()));
        assert_eq!(spend(&mut spent, &proof("a", "more", 600), 301), Ok(()));
    }
}
