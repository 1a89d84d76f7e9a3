//! The MCP servers of a role and its parents: which its calls may go to, and how often.

use super::compile::{MAX_RATE, limit};
use super::{Asked, Limit, Scope};
use crate::facts::Account;
use crate::id::Name;
use crate::problem::{PolicyError, Problem};
use crate::rate::Window;
use crate::role::Role;

/// Most servers that one role may limit.
const MAX_LIMITED: usize = 256;

/// What the roles of a chain say of servers.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Servers {
    /// By level, the servers that the role and its parents up to there agree on; `None` where none of
    /// them lists any.
    listed: Box<[Option<Box<[Name]>>]>,
    /// Those that all sessions of one owner share, and those that each session has: of a server, or of one
    /// tool there, as the roles name it.
    limits: [Box<[(Name, Limit)]>; 2],
}

impl Servers {
    /// `None` when no role of the chain says anything.
    pub(super) fn compile(chain: &[&Role]) -> Option<Box<Self>> {
        let (mut shared, mut own) = (Vec::new(), Vec::new());
        for (role, level) in chain.iter().zip(0..) {
            for (server, calls) in &role.mcp_server_rate_limits {
                let [of_all, of_one] = limit(role, level, Window::Minute, *calls);
                shared.extend(of_all.map(|limit| (server.clone(), limit)));
                own.extend(of_one.map(|limit| (server.clone(), limit)));
            }
        }
        let says = !shared.is_empty() || chain.iter().any(|role| !role.allowed_mcp_servers.is_empty());
        let limits = [shared.into(), own.into()];
        says.then(|| Box::new(Self { listed: listed(chain), limits }))
    }

    /// The limits that accounts of this kind count, in the order of their slots.
    pub(super) fn limits(&self, account: Account) -> &[(Name, Limit)] {
        let [shared, own] = &self.limits;
        match account {
            Account::Shared => shared,
            Account::Own => own,
        }
    }

    /// Whether any limit counts on accounts of this kind.
    pub(super) fn count(&self, account: Account) -> bool {
        !self.limits(account).is_empty()
    }

    /// How the servers of a level read, and every limit up to there.
    pub(super) fn words(&self, level: u8) -> Vec<String> {
        let listed = self.listed.get(usize::from(level)).and_then(Option::as_deref);
        let listed = listed.map(|names| match names {
            [] => "no MCP server: the lists of its roles have none in common".to_owned(),
            names => format!("the MCP server must be named, and be one of: {}", names.join(", ")),
        });
        let limits = [Account::Own, Account::Shared].into_iter().flat_map(|account| {
            let limits = self.limits(account).iter().filter(|(_, limit)| limit.level <= level);
            limits.map(move |(limited, limit)| match limited.split_once('@') {
                Some((tool, server)) => {
                    format!("{} of `{tool}` to MCP server `{server}`", limit.words(account))
                }
                None => format!("{} to MCP server `{limited}`", limit.words(account)),
            })
        });
        listed.into_iter().chain(limits).collect()
    }
}

/// What a role says of servers, checked on its own.
pub(super) fn check(role: &Role) -> Result<(), PolicyError> {
    let limits = &role.mcp_server_rate_limits;
    let refused = |problem: Problem| PolicyError::from(problem).in_member("mcp_server_rate_limits");
    if limits.len() > MAX_LIMITED {
        return Err(refused(Problem::TooMany(limits.len(), MAX_LIMITED)));
    }
    match limits.iter().find(|(_, calls)| **calls > MAX_RATE) {
        Some((server, calls)) => {
            let problem = PolicyError::from(Problem::TooLarge(*calls, MAX_RATE));
            Err(problem.in_member(server).in_member("mcp_server_rate_limits"))
        }
        None => Ok(()),
    }
}

/// Every list guards what is granted there or further up, so what is in force is what they share.
fn listed(chain: &[&Role]) -> Box<[Option<Box<[Name]>>]> {
    let mut agreed: Option<Vec<Name>> = None;
    let levels = chain.iter().map(|role| {
        let own = &role.allowed_mcp_servers;
        match &mut agreed {
            _ if own.is_empty() => {}
            None => agreed = Some(own.clone()),
            Some(agreed) => agreed.retain(|server| own.contains(server)),
        }
        agreed.clone().map(Vec::into_boxed_slice)
    });
    levels.collect()
}

impl Scope {
    #[inline(always)]
    pub(crate) fn servers(&self) -> Option<&Servers> {
        self.guards.servers.as_deref()
    }

    /// The servers that a call of this tool may go to; `None` when none is listed. A tool that
    /// nobody grants is judged as if the farthest role did.
    pub(crate) fn listed_servers(&self, asked: Asked<'_>) -> Option<&[Name]> {
        let listed = &self.servers()?.listed;
        let granted = self.grants(asked);
        let level = granted.map_or(listed.len().checked_sub(1)?, |granted| usize::from(granted.depth));
        listed.get(level)?.as_deref()
    }

    /// The limits of one server, and of this tool there, on accounts of this kind, and their slots: behind
    /// those of all servers.
    pub(crate) fn server_limits(
        &self,
        account: Account,
        tool: &str,
        server: &str,
    ) -> impl Iterator<Item = (&Limit, u16)> {
        let counts = move |limited: &Name| match limited.split_once('@') {
            Some(limited) => limited == (tool, server),
            None => limited == server,
        };
        let before = self.limits(account).len();
        let limits = self.servers().map(|servers| servers.limits(account)).unwrap_or_default().iter();
        let placed = limits.zip(before..).filter(move |((limited, _), _)| counts(limited));
        placed.filter_map(|((_, limit), slot)| Some((limit, u16::try_from(slot).ok()?)))
    }
}
