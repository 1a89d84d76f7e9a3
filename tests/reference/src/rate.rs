//! Rate accounts: GCRA with a burst of N, spent only by a permit.

use std::collections::HashMap;

/// The window of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Window {
    /// 60 s
    Minute,
    /// 3600 s
    Hour,
}

impl Window {
    fn nanoseconds(self) -> u64 {
        match self {
            Window::Minute => 60_000_000_000,
            Window::Hour => 3_600_000_000_000,
        }
    }
}

/// Which account a limit is counted on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// Shared by all sessions of that owner and role.
    Shared {
        /// The agent.
        owner: String,
        /// The session's role.
        role: String,
        /// The chain member that sets the limit.
        member: String,
        /// The window.
        window: Window,
        /// The MCP server whose calls alone are counted.
        server: Option<String>,
    },
    /// One session's own.
    Session {
        /// The session.
        session: usize,
        /// The chain member that sets the limit.
        member: String,
        /// The window.
        window: Window,
        /// The MCP server whose calls alone are counted.
        server: Option<String>,
    },
}

impl Account {
    fn window(&self) -> Window {
        match self {
            Account::Shared { window, .. } | Account::Session { window, .. } => *window,
        }
    }
}

/// An account that a call has to pay, and its limit N.
pub type Charge = (Account, u64);

/// All accounts: the theoretical arrival time of each.
#[derive(Debug, Default)]
pub struct Accounts(HashMap<Account, u64>);

impl Accounts {
    fn start(&self, account: &Account, now: u64) -> u64 {
        self.0.get(account).copied().unwrap_or(0).max(now)
    }

    /// Whether every account has room for one more.
    pub fn admit(&self, charges: &[Charge], now: u64) -> bool {
        charges.iter().all(|(account, limit)| {
            let interval = account.window().nanoseconds().div_ceil(*limit);
            self.start(account, now) - now <= (limit - 1) * interval
        })
    }

    /// How long until every account has room for one more.
    pub fn wait(&self, charges: &[Charge], now: u64) -> u64 {
        let wait = |(account, limit): &Charge| {
            let interval = account.window().nanoseconds().div_ceil(*limit);
            (self.start(account, now) - now).saturating_sub((limit - 1) * interval)
        };
        charges.iter().map(wait).max().unwrap_or(0)
    }

    /// Spends one on every account.
    pub fn spend(&mut self, charges: &[Charge], now: u64) {
        for (account, limit) in charges {
            let interval = account.window().nanoseconds().div_ceil(*limit);
            let next = self.start(account, now) + interval;
            self.0.insert(account.clone(), next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_then_even_refill() {
        let account =
            Account::Session { session: 0, member: "r".to_string(), window: Window::Minute, server: None };
        let charges = vec![(account, 3)];
        let mut accounts = Accounts::default();
        let start = 1_000_000_000_000_000_000;
        for _ in 0..3 {
            assert!(accounts.admit(&charges, start));
            accounts.spend(&charges, start);
        }
        let twenty_seconds = 20_000_000_000;
        assert!(!accounts.admit(&charges, start + twenty_seconds - 1));
        assert!(accounts.admit(&charges, start + twenty_seconds));
    }

    #[test]
    fn one_and_uneven() {
        let account = |member: &str| Account::Session {
            session: 0,
            member: member.to_string(),
            window: Window::Minute,
            server: None,
        };
        let charges = vec![(account("one"), 1), (account("seven"), 7)];
        let mut accounts = Accounts::default();
        accounts.spend(&charges, 5);
        assert!(!accounts.admit(&charges, 60_000_000_004));
        assert!(accounts.admit(&charges, 60_000_000_005));
        accounts.spend(&charges[1..], 5);
        // ceil(60e9 / 7) = 8571428572, twice
        assert_eq!(accounts.start(&charges[1].0, 5), 5 + 2 * 8_571_428_572);
    }
}
