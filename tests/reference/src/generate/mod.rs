//! Random policies, arguments, calls and mutations, all from one seed.

mod addresses;
mod against;
pub mod arguments;
pub mod calls;
pub mod constraints;
pub mod manifests;
pub mod mutate;
pub mod policies;
pub mod servers;

use crate::decide::Call;
use crate::mcp::Claim;

/// All tool names that policies use.
pub const TOOLS: [&str; 8] =
    ["pay", "read_file", "write_file", "search", "delete_file", "send.mail", "db:query", "ns/tool"];
/// Actions that calls name.
pub const ACTIONS: [&str; 5] = ["read", "write", "delete", "admin.reset", "READ"];
/// Environments.
pub const ENVS: [&str; 3] = ["prod", "staging", "dev"];
/// Owners of sessions.
pub const OWNERS: [&str; 3] = ["alice", "bob", "carol"];
/// Credential names.
pub const CREDENTIALS: [&str; 3] = ["gh-token", "db-pass", "mail-key"];

/// A small generator of random numbers (splitmix64), and of all else that is random here.
#[derive(Debug, Clone)]
pub struct Gen {
    state: u64,
    /// The policy in hand is about constraints alone: values go close to what they refuse.
    focused: bool,
    /// The roles of the policy in hand list MCP servers.
    servers: bool,
    /// A policy in hand asks through whose hands calls came.
    handed: bool,
}

/// A call that was made up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedCall {
    /// The tool.
    pub tool: String,
    /// The action, if the call names one.
    pub action: Option<String>,
    /// The call's own env, if it has one.
    pub env: Option<String>,
    /// The resource, if the call names one.
    pub resource: Option<String>,
    /// The MCP server, if the call names one.
    pub server: Option<String>,
    /// The MCP session it claims.
    pub claim: Option<Claim>,
    /// The agents that handed it on, nearest first.
    pub via: Vec<String>,
    /// The schema it claims its tool to have, as JSON.
    pub schema: Option<String>,
    /// The raw arguments.
    pub args: Vec<u8>,
}

impl GeneratedCall {
    /// The call as the reference takes it.
    pub fn as_call(&self) -> Call<'_> {
        Call {
            tool: &self.tool,
            action: self.action.as_deref(),
            env: self.env.as_deref(),
            resource: self.resource.as_deref(),
            server: self.server.as_deref(),
            claim: self.claim,
            via: &self.via,
            schema: self.schema.as_deref(),
            args: &self.args,
        }
    }
}

impl Gen {
    /// A generator; the same seed gives the same sequence for ever.
    pub fn new(seed: u64) -> Gen {
        Gen { state: seed, focused: false, servers: false, handed: false }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// A number from `low` to `high`, both included.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True that many times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// True that many times in a thousand.
    pub fn rarely(&mut self, per_thousand: u64) -> bool {
        self.below(1000) < per_thousand
    }

    /// One of the items, of which there is at least one.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    /// The same for items that are not copied.
    pub fn pick_ref<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// The items that pass a throw of `percent`, in their order.
    pub fn some<'a>(&mut self, items: &[&'a str], percent: u64) -> Vec<&'a str> {
        items.iter().copied().filter(|_| self.chance(percent)).collect()
    }
}
