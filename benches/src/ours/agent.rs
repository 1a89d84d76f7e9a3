//! The invoice processor as Scopegate is given it, and an agent that acts in its role.

use scopegate_core::{
    AccessRequest, Args, Constraint, Decision, Enforcer, Operator, Principal, Provision, Quick, RateScope,
    Role, Timestamp, ToolCall,
};
use scopegate_engine::{Clock, LocalEnforcer, Policy, RecordsSpec, SystemClock};
use serde_json::{Value, json};

use crate::Result;
use crate::workload::{self, Case};

/// As many calls a minute, and an hour, as a role can be allowed.
const CALLS: u64 = 1_000_000;
/// After so many calls an agent is replaced: a limit that is reached is another operation.
pub(super) const CALLS_OF_AN_AGENT: u64 = 900_000;
/// Tuesday, 2026-01-06, 10:00 UTC.
const TUESDAY: Timestamp = Timestamp::from_secs(1_767_693_600);

/// The system's clock, set to a Tuesday at ten: read as often and at the same price.
#[derive(Debug)]
struct Tuesday {
    ahead: u64,
}

impl Tuesday {
    fn new() -> Self {
        // Wraps where the day lies behind.
        Self { ahead: TUESDAY.nanos().wrapping_sub(SystemClock::new().now().nanos()) }
    }
}

impl Clock for Tuesday {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(SystemClock::new().now().nanos().wrapping_add(self.ahead))
    }
}

/// The role: everything that the peers' are given, and two rate limits.
pub(super) fn role(index: usize, tools: usize) -> Role {
    let mut role = limited(Role::new(workload::role(index)).allow(workload::tools(tools)))
        .require_approval([workload::APPROVAL_TOOL]);
    role.allowed_envs = workload::ENVIRONMENTS.map(Into::into).into();
    role.max_rows = workload::MAX_ROWS.into();
    role.rows_optional = true;
    let (amount, below) = (workload::AMOUNT_ABOVE, workload::AMOUNT_BELOW);
    let constraints: [(&str, Operator, Value); 6] = [
        ("amount", Operator::Gt, amount.into()),
        ("amount", Operator::Lt, below.into()),
        ("currency", Operator::In, json!(workload::CURRENCIES)),
        ("method", Operator::Eq, workload::METHOD.into()),
        ("memo", Operator::Contains, workload::MEMO_PART.into()),
        ("vendor_id", Operator::Regex, workload::VENDOR_PATTERN.into()),
    ];
    constraints.into_iter().fold(role, |role, (field, operator, value)| {
        role.constrain(workload::CONSTRAINED_TOOL, Constraint::new(field, operator, value))
    })
}

/// A role with the same tools, hours, days and rate limits, and no rule about arguments.
pub(super) fn plain_role() -> Role {
    limited(Role::new("plain").allow(workload::tools(3)))
}

fn limited(mut role: Role) -> Role {
    role.allowed_hours_start = workload::HOURS.start.into();
    role.allowed_hours_end = workload::HOURS.end.into();
    // The workload's week begins on Sunday, ours on Monday.
    role.allowed_days = workload::DAYS.map(|day| u64::from(day) - 1).collect();
    role.rate_limit_per_minute = CALLS;
    role.rate_limit_per_hour = CALLS;
    role.rate_scope = RateScope::Key;
    role.default_ttl_seconds = 24 * 3600;
    role
}

/// An enforcer of these roles.
pub(super) fn enforcer(roles: impl IntoIterator<Item = Role>, records: RecordsSpec) -> Result<LocalEnforcer> {
    let mut policy = Policy::new(roles);
    policy.records = Some(records);
    Ok(LocalEnforcer::builder(policy).clock(Tuesday::new()).build()?)
}

/// The payment, its arguments read.
pub(super) fn call(case: Case) -> ToolCall {
    let call = workload::call(case);
    let args = Args::parse(call.args.to_string());
    let mut ours = ToolCall::new(call.tool).with_args(args);
    ours.env = Some(call.env.into());
    ours
}

/// Whether the answer came at once and is a permit.
pub(super) fn permits(answer: &Quick) -> bool {
    matches!(answer, Quick::Decided(Decision::Permit(_)))
}

/// Whether the answer came at once and is a denial.
pub(super) fn denies(answer: &Quick) -> bool {
    matches!(answer, Quick::Decided(Decision::Deny(_)))
}

/// An agent in a session, with the one call it makes.
pub(super) struct Agent {
    pub(super) enforcer: LocalEnforcer,
    pub(super) session: Principal,
    pub(super) call: ToolCall,
    role: String,
    owners: u64,
    step: u64,
    asked: u64,
}

impl Agent {
    pub(super) fn new(enforcer: LocalEnforcer, role: impl Into<String>, call: ToolCall) -> Result<Self> {
        let role = role.into();
        let session = enforcer.open(Provision::new(role.as_str(), "agent-0"))?.principal;
        Ok(Self { enforcer, session, call, role, owners: 0, step: 1, asked: 0 })
    }

    /// Asks, by session token.
    pub(super) fn ask(&mut self) -> Quick {
        self.enforcer.try_enforce(&AccessRequest::new(self.session.as_ref(), &self.call))
    }

    /// Another agent takes over, whose limits nobody has used.
    pub(super) fn replace(&mut self) {
        self.owners += self.step;
        let owner = format!("agent-{}", self.owners);
        // Without a session the next answers are denials: never cheaper ones unnoticed, for limits stay used.
        if let Ok(opened) = self.enforcer.open(Provision::new(self.role.as_str(), owner)) {
            self.session = opened.principal;
        }
    }

    /// Names later agents so that they share no owner with those of the other number.
    pub(super) fn number(&mut self, number: u64) {
        (self.owners, self.step) = (number, 2);
    }

    /// The same once enough calls have been made; so many more were made just now.
    pub(super) fn replace_after(&mut self, calls: u64) {
        self.asked += calls;
        if self.asked > CALLS_OF_AN_AGENT {
            self.asked = 0;
            self.replace();
        }
    }
}
