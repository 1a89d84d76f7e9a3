//! The invoice processor: one role and one call, in the form that every engine is given.
//!
//! The role may use [`tools`] in [`ENVIRONMENTS`], on [`DAYS`] within [`HOURS`], for at most [`MAX_ROWS`] rows.
//! [`CONSTRAINED_TOOL`] has six conditions on its five arguments, and [`APPROVAL_TOOL`] needs an approval.

use std::ops::{Range, RangeInclusive};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where the role may act.
pub const ENVIRONMENTS: [&str; 2] = ["staging", "production"];
/// The hours of the day in which it may act.
pub const HOURS: Range<u8> = 8..18;
/// The days of the week on which it may act, where Sunday is 0.
pub const DAYS: RangeInclusive<u8> = 1..=5;
/// The most rows that a call may touch.
pub const MAX_ROWS: u32 = 500;

/// The tool whose arguments are constrained.
pub const CONSTRAINED_TOOL: &str = "send_payment";
/// The tool that needs an approval.
pub const APPROVAL_TOOL: &str = "issue_refund";
/// The tool without any constraint.
pub const PLAIN_TOOL: &str = "read_invoice";
/// A tool that no role is granted.
pub const UNKNOWN_TOOL: &str = "delete_vendor";

/// `amount` must be above this.
pub const AMOUNT_ABOVE: i64 = 0;
/// `amount` must be below this.
pub const AMOUNT_BELOW: i64 = 10_000;
/// `currency` must be one of these.
pub const CURRENCIES: [&str; 3] = ["USD", "EUR", "GBP"];
/// `method` must equal this.
pub const METHOD: &str = "sepa";
/// `memo` must contain this.
pub const MEMO_PART: &str = "invoice";
/// `vendor_id` must match this.
pub const VENDOR_PATTERN: &str = "^VND-[0-9]{6}$";

/// The name of the `index`th role.
pub fn role(index: usize) -> String {
    format!("invoice-processor-{index:06}")
}

/// The names of a role's `count` tools: the three that matter first, then unconstrained ones.
pub fn tools(count: usize) -> Vec<String> {
    let named = [PLAIN_TOOL, CONSTRAINED_TOOL, APPROVAL_TOOL].map(String::from);
    named.into_iter().chain((3..count).map(|index| format!("ledger_tool_{index:03}"))).collect()
}

/// What is asked, and so how it has to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every engine answers all of them")]
pub enum Case {
    /// A payment within every limit.
    Allow,
    /// A tool that the role is not granted.
    DenyTool,
    /// A payment that is too large.
    DenyArg,
}

impl Case {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Allow, Self::DenyTool, Self::DenyArg];

    /// The last part of an item's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::DenyTool => "deny_tool",
            Self::DenyArg => "deny_arg",
        }
    }

    /// Whether the call has to be allowed.
    pub fn allowed(self) -> bool {
        self == Self::Allow
    }
}

/// A tool call and the facts it is decided on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// The agent's session, which rate limits are counted by.
    pub session: String,
    /// The role of the session.
    pub role: String,
    /// The tool called.
    pub tool: String,
    /// The environment it acts on.
    pub env: String,
    /// Hour of the day.
    pub hour: u8,
    /// Day of the week.
    pub dow: u8,
    /// How many rows the call touches.
    pub rows: u32,
    /// Whether somebody has approved it.
    pub approved: bool,
    /// The tool's arguments.
    pub args: Value,
}

/// The arguments of the call.
pub fn arguments(case: Case) -> Value {
    json!({
        "vendor_id": "VND-004211",
        "amount": if case == Case::DenyArg { 25_000 } else { 4_200 },
        "currency": "EUR",
        "method": METHOD,
        "memo": "monthly invoice settlement",
    })
}

/// The call of the first role.
pub fn call(case: Case) -> Call {
    Call {
        session: "sess-000042".into(),
        role: role(0),
        tool: if case == Case::DenyTool { UNKNOWN_TOOL } else { CONSTRAINED_TOOL }.into(),
        env: "production".into(),
        hour: 10,
        dow: 2,
        rows: 1,
        approved: false,
        args: arguments(case),
    }
}

/// The call as it arrives: JSON.
pub fn call_json(case: Case) -> serde_json::Result<String> {
    serde_json::to_string(&call(case))
}
