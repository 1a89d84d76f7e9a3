//! What a role and the rules of one tool ask of a call after line 6, found when the policy compiles: most
//! tools ask nothing, and a decision tells that by one look.

use super::{Level, ToolRules};

/// A set of lines of a decision. A line that reads what a role says has a bit here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Asks(u8);

impl Asks {
    pub(crate) const NOTHING: Self = Self(0);
    /// Line 8: `environment.rs`.
    const ENVIRONMENT: Self = Self(1);
    /// Line 8: `rows.rs`.
    const ROWS: Self = Self(1 << 1);
    /// Line 8: `constraint/`.
    const CONSTRAINTS: Self = Self(1 << 2);
    /// Line 11: `grant.rs`, `review.rs`.
    const APPROVAL: Self = Self(1 << 3);
    /// What a permit carries: a credential, duties, a digest of the arguments.
    const EXTRAS: Self = Self(1 << 4);

    /// Of a role-wide level, and whether the role wants arguments digested.
    pub(super) fn of_level(level: &Level, digests: bool) -> Self {
        // Every field is named, so that a new one does not go unasked. Lines 5 and 6 are asked in any case.
        let Level { schedule: _, min_trust: _, environments, rows, asks: _ } = level;
        Self::ENVIRONMENT
            .when(environments.is_some())
            .and(Self::ROWS.when(rows.is_some()))
            .and(Self::EXTRAS.when(digests))
    }

    /// Of the rules of one tool.
    pub(super) fn of_rules(rules: &ToolRules) -> Self {
        let ToolRules { constraints, approvals, credentials, duties, asks: _ } = rules;
        let extras = !credentials.is_empty() || duties.is_some();
        Self::CONSTRAINTS
            .when(!constraints.is_empty())
            .and(Self::APPROVAL.when(!approvals.is_empty()))
            .and(Self::EXTRAS.when(extras))
    }

    /// What both ask.
    #[inline]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn when(self, asked: bool) -> Self {
        if asked { self } else { Self::NOTHING }
    }
}
