//! An engine and a till that agents pay into: a small world for what frameworks do with one call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scopegate_core::{Event, Name, Provision, ReviewState, Reviews, Timestamp};
use scopegate_engine::{CredentialSource, LocalEnforcer, ManualClock, Policy};
use serde_json::{Value, json};

/// A Monday at noon, UTC.
const NOON: Timestamp = Timestamp::from_secs(1_767_614_400);

/// Small sums pass, large ones need a person, and nothing else is granted but what an agent may leave
/// to its helper, under the names that frameworks have for that.
pub const POLICY: &str = "
version: 1
roles:
  - name: payer
    allowed_tools: [pay, helper, delegate_to_helper, transfer_to_helper]
    default_ttl_seconds: 600
    max_delegation_depth: 2
    parameter_constraints:
      pay: [{field: amount, operator: lte, value: 1000}]
    approval_unless:
      pay: [{field: amount, operator: lte, value: 100}]
  - name: helper
    allowed_tools: [pay]
    parameter_constraints:
      pay: [{field: amount, operator: lte, value: 10}]
";

/// What a policy may call `till-key`.
pub const SECRET: &str = "open sesame";

/// An engine, its clock, and what was paid.
#[derive(Clone, Debug)]
pub struct Till {
    /// Decides under the policy.
    pub engine: LocalEnforcer,
    /// The clock that it reads.
    pub clock: Arc<ManualClock>,
    purse: Purse,
}

/// What tools pay into.
#[derive(Clone, Debug, Default)]
pub struct Purse(Arc<Mutex<Vec<Payment>>>);

/// What a tool ran with.
#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    /// The sum.
    pub amount: u64,
    /// The secret that was bound to the tool.
    pub secret: Option<String>,
}

/// Nobody pays thirteen.
#[derive(Debug)]
pub struct Unlucky(u64);

impl Till {
    /// An engine with this policy, and nothing paid.
    ///
    /// # Panics
    /// When the policy is wrong.
    pub fn new(policy: &str) -> Self {
        let policy = Policy::from_text(policy, "policy").unwrap_or_else(|error| panic!("{error}"));
        let clock = Arc::new(ManualClock::new(NOON));
        let engine = LocalEnforcer::builder(policy).clock(clock.clone()).credentials(Vault);
        Self { engine: engine.build().expect("a checked policy"), clock, purse: Purse::default() }
    }

    /// Whoever pays.
    pub fn payer() -> Provision {
        Provision::new("payer", "agent-7")
    }

    /// What tools pay into.
    pub fn purse(&self) -> Purse {
        self.purse.clone()
    }

    /// The sums that were paid, in order.
    pub fn paid(&self) -> Vec<u64> {
        self.payments().into_iter().map(|payment| payment.amount).collect()
    }

    /// What was paid, in order.
    pub fn payments(&self) -> Vec<Payment> {
        self.purse.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has been recorded: events in order, outcomes too.
    ///
    /// # Panics
    /// When records failed.
    pub async fn events(&self) -> Vec<Event> {
        assert!(self.engine.flush().await, "{:?}", self.engine.record_failure());
        self.engine.records().iter().map(|line| line.record.event).collect()
    }

    /// Whose calls were decided, by name: sessions of different owners are not recorded in order.
    ///
    /// # Panics
    /// When records failed.
    pub async fn roles(&self) -> Vec<Name> {
        assert!(self.engine.flush().await, "{:?}", self.engine.record_failure());
        let records = self.engine.records();
        let mut roles: Vec<_> =
            records.iter().filter_map(|line| line.record.role.clone()).map(|(role, _)| role).collect();
        roles.sort();
        roles
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Settles the next review that comes up.
    ///
    /// # Panics
    /// When it cannot be settled.
    pub async fn settles_next(&self, approve: bool) {
        loop {
            if let Some(review) = self.engine.pending_reviews().first() {
                let settled = match approve {
                    true => self.engine.approve(review.id, "dana").await,
                    false => self.engine.reject(review.id, "dana").await,
                };
                assert_eq!(settled.expect("a pending review").state == ReviewState::Approved, approve);
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Purse {
    /// What the tool does, with the secret that its body finds.
    ///
    /// # Errors
    /// [`Unlucky`].
    pub async fn pay(&self, amount: u64, secret: Option<String>) -> Result<String, Unlucky> {
        // Others get a turn, as with a tool that waits for a network.
        tokio::task::yield_now().await;
        if amount == 13 {
            return Err(Unlucky(amount));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Payment { amount, secret });
        Ok(format!("paid {amount}"))
    }
}

impl std::fmt::Display for Unlucky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "nobody pays {}", self.0)
    }
}

impl std::error::Error for Unlucky {}

/// A call of the tool.
pub fn pays(amount: u64) -> (&'static str, Value) {
    ("pay", json!({"amount": amount}))
}

/// What the tool takes.
pub fn pay_schema() -> Value {
    json!({"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]})
}

struct Vault;

impl CredentialSource for Vault {
    fn find(&self, name: &str) -> Option<Arc<str>> {
        (name == "till-key").then(|| SECRET.into())
    }
}
