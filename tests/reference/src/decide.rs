//! The decision, line by line as the specification numbers them.

use crate::beside::Shadowed;
use crate::grants::Grant;
use crate::guards::{
    Before, all_hold, charges, env_agrees, env_passes, glob_matches, is_name, judge_before_arguments,
    reads_arguments, rows_pass, server_charges, wants_person,
};
use crate::json::{Json, read_arguments};
use crate::manifest::{Manifest, read_manifests};
use crate::mcp::{Claim, Offered, judge_mcp};
use crate::policies::{Makes, Policy, Seen, read_policies};
use crate::policy::{Role, read_roles, read_servers, said, speaks_of};
use crate::rate::{Accounts, Charge};
use crate::review::{Answer, ReviewKey, Reviews};
use crate::schema::fits;
use crate::trust::Trusted;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A tool call.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The tool.
    pub tool: &'a str,
    /// The action, if the call names one.
    pub action: Option<&'a str>,
    /// The call's own env, if it has one.
    pub env: Option<&'a str>,
    /// The resource, if the call names one.
    pub resource: Option<&'a str>,
    /// The MCP server, if the call names one.
    pub server: Option<&'a str>,
    /// The MCP session it claims.
    pub claim: Option<Claim>,
    /// The agents that handed it on, nearest first.
    pub via: &'a [String],
    /// The schema it claims its tool to have, as JSON.
    pub schema: Option<&'a str>,
    /// The raw arguments.
    pub args: &'a [u8],
}

/// A session, or a sub-agent's session.
#[derive(Debug)]
pub(crate) struct Session {
    role: String,
    pub(crate) owner: String,
    expires: u64,
    parent: Option<usize>,
    revoked: bool,
    /// How many calls its budget has left, if it has one.
    left: Option<u64>,
}

/// The reference: a policy, and all the state that decisions depend on.
#[derive(Debug)]
pub struct Reference {
    roles: HashMap<String, Role>,
    servers: HashMap<String, Vec<Offered>>,
    manifests: HashMap<String, Manifest>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) trusted: Trusted,
    pub(crate) shadowed: BTreeMap<String, Shadowed>,
    env: Option<String>,
    credentials: HashSet<String>,
    pub(crate) sessions: Vec<Session>,
    suspended: HashSet<String>,
    accounts: Accounts,
    reviews: Reviews,
    pub(crate) grants: Vec<Grant>,
}

/// One session of the chain of sub-agents, as it bears on one tool.
pub(crate) struct Link<'a> {
    pub(crate) session: usize,
    pub(crate) owner: &'a str,
    pub(crate) role: &'a Role,
    /// The role, its parent, the parent's parent…
    pub(crate) chain: Vec<&'a Role>,
    /// The chain members whose role-wide guards apply; empty if nobody grants the tool.
    pub(crate) guards: Vec<&'a Role>,
}

/// What a decision changes.
pub(crate) enum Verdict {
    Deny(&'static str),
    Hold { key: ReviewKey, open_until: Option<u64> },
    Permit { charges: Vec<Charge>, consume: Option<ReviewKey> },
}

/// A second in nanoseconds.
pub(crate) const SECOND: u64 = 1_000_000_000;

impl Reference {
    /// Reads a policy that is known to be valid.
    pub fn new(policy_json: &str) -> Result<Reference, String> {
        Ok(Reference {
            roles: read_roles(policy_json)?,
            servers: read_servers(policy_json)?,
            manifests: read_manifests(policy_json)?,
            policies: read_policies(policy_json)?,
            trusted: Trusted::default(),
            shadowed: BTreeMap::new(),
            env: None,
            credentials: HashSet::new(),
            sessions: Vec::new(),
            suspended: HashSet::new(),
            accounts: Accounts::default(),
            reviews: Reviews::default(),
            grants: Vec::new(),
        })
    }

    /// Fixes the deployment's env.
    pub fn set_env(&mut self, env: Option<&str>) {
        self.env = env.map(str::to_string);
    }

    /// Names the credentials that the deployment can resolve.
    pub fn set_credentials(&mut self, resolvable: &[&str]) {
        self.credentials = resolvable.iter().map(|name| name.to_string()).collect();
    }

    /// Deletes a role.
    pub fn remove_role(&mut self, role: &str) {
        self.roles.remove(role);
    }

    /// Opens a session; the handle counts up from 0, over sessions and sub-agent sessions together.
    pub fn open(&mut self, role: &str, owner: &str, now_ns: u64, ttl_s: u64) -> usize {
        let expires = now_ns.saturating_add(ttl_s.saturating_mul(SECOND));
        self.add(Session {
            role: role.to_string(),
            owner: owner.to_string(),
            expires,
            parent: None,
            revoked: false,
            left: None,
        })
    }

    /// Opens a sub-agent's session, which ends no later than its parent.
    pub fn open_child(&mut self, parent: usize, role: &str, now_ns: u64, ttl_s: u64) -> usize {
        let wanted = now_ns.saturating_add(ttl_s.saturating_mul(SECOND));
        let expires = wanted.min(self.sessions[parent].expires);
        let owner = self.sessions[parent].owner.clone();
        self.add(Session {
            role: role.to_string(),
            owner,
            expires,
            parent: Some(parent),
            revoked: false,
            left: None,
        })
    }

    fn add(&mut self, session: Session) -> usize {
        self.sessions.push(session);
        self.sessions.len() - 1
    }

    /// Gives a session a budget of calls.
    pub fn limit(&mut self, session: usize, most: u64) {
        self.sessions[session].left = Some(most);
    }

    /// Revokes a session.
    pub fn revoke(&mut self, session: usize) {
        self.sessions[session].revoked = true;
    }

    /// Suspends an agent.
    pub fn suspend(&mut self, owner: &str) {
        self.suspended.insert(owner.to_string());
    }

    /// Decides a call: `PERMIT`, `HOLD` or a deny code. `None` is an unknown token.
    pub fn decide(&mut self, session: Option<usize>, call: &Call, now_ns: u64) -> &'static str {
        let Some(session) = session else { return "JWT_INVALID" };
        let (verdict, paying) = self.judge(session, call, now_ns);
        self.look_beside(session, call, now_ns, &verdict);
        self.move_trust(session, &verdict);
        match verdict {
            Verdict::Deny(code) => code,
            Verdict::Hold { key, open_until } => {
                if let Some(until) = open_until {
                    self.reviews.open(key, until);
                }
                "HOLD"
            }
            Verdict::Permit { charges, consume } => {
                self.accounts.spend(&charges, now_ns);
                if let Some(grant) = paying {
                    self.spend_grant(grant);
                }
                for handle in self.handles(session) {
                    let left = &mut self.sessions[handle].left;
                    *left = left.map(|calls| calls - 1);
                }
                if let Some(key) = consume {
                    self.reviews.consume(&key);
                }
                "PERMIT"
            }
        }
    }

    pub(crate) fn seen<'a, 'c>(&'a self, session: usize, call: &'a Call<'c>, now: u64) -> Seen<'a, 'c> {
        let owner = &self.sessions[session].owner;
        let above = self.handles(session).len() - 1;
        Seen { call, owner, above, now, trust: self.trusted.of(owner) }
    }

    /// A person answers the pending review of this very call, if there is one.
    pub fn resolve(&mut self, session: usize, call: &Call, approve: bool) {
        if let Ok(arguments) = read_arguments(call.args) {
            let key = self.review_key(session, call, &arguments);
            self.reviews.resolve(&key, approve);
        }
    }

    /// By the roles alone, or by this grant.
    pub(crate) fn judge_by(&self, session: usize, call: &Call, now: u64, grant: Option<usize>) -> Verdict {
        // Line 2, link after link.
        let handles = self.handles(session);
        for handle in &handles {
            if let Some(code) = self.out_of_service(&self.sessions[*handle], now) {
                return Verdict::Deny(code);
            }
        }
        let links: Vec<Link> =
            handles.iter().map(|handle| self.link(*handle, call.tool, call.server)).collect();
        if let Some(code) = judge_mcp(session, &links, call, &self.servers) {
            return Verdict::Deny(code);
        }
        let seen = self.seen(session, call, now);
        let mut first = self.policies.iter().filter(|policy| policy.live && policy.comes_first());
        if first.any(|policy| policy.matches(&seen)) {
            return Verdict::Deny("ACTION_FORBIDDEN"); // line 4 as well
        }
        let mut links = links;
        if grant.is_some() {
            // Every role in force guards what no role grants.
            links[0].guards = links[0].chain.clone();
        }
        let lifts = grant.is_some_and(|grant| self.is_glass(grant));
        let trust = self.trusted.of(&self.sessions[session].owner);
        let before =
            Before { now, trust, resolvable: &self.credentials, manifest: self.manifest(session), lifts };
        match judge_before_arguments(&links, call, &before) {
            Some(code) => Verdict::Deny(code),
            None => self.judge_arguments(session, &links, call, (now, lifts)),
        }
    }

    /// The session, its parent, the parent's parent…
    pub(crate) fn handles(&self, session: usize) -> Vec<usize> {
        std::iter::successors(Some(session), |handle| self.sessions[*handle].parent).collect()
    }

    fn out_of_service(&self, session: &Session, now: u64) -> Option<&'static str> {
        if self.suspended.contains(&session.owner) {
            Some("AGENT_SUSPENDED")
        } else if session.revoked {
            Some("SESSION_REVOKED")
        } else if now >= session.expires {
            Some("JWT_EXPIRED")
        } else if self.chain(&session.role).is_none() {
            Some("SESSION_EXPIRED")
        } else if session.left == Some(0) {
            Some("SESSION_TERMINATED")
        } else {
            None
        }
    }

    /// Whether the session and all above it are in service.
    pub(crate) fn in_service(&self, session: usize, now: u64) -> bool {
        self.handles(session).iter().all(|handle| self.out_of_service(&self.sessions[*handle], now).is_none())
    }

    /// The role's chain; `None` if the role, or one above it, does not exist.
    fn chain(&self, role: &str) -> Option<Vec<&Role>> {
        let mut chain = vec![self.roles.get(role)?];
        while let Some(parent) = &chain[chain.len() - 1].parent {
            chain.push(self.roles.get(parent)?);
        }
        Some(chain)
    }

    /// The link of a session whose role exists.
    pub(crate) fn link(&self, handle: usize, tool: &str, server: Option<&str>) -> Link<'_> {
        let session = &self.sessions[handle];
        let chain = self.chain(&session.role).unwrap_or_default();
        let grants = |role: &&Role| {
            role.allowed_tools.iter().any(|entry| speaks_of(entry, tool, server))
                || is_name(tool)
                    && role.allowed_actions.iter().any(|glob| glob_matches(glob.as_bytes(), tool.as_bytes()))
        };
        let guards = match chain.iter().rposition(grants) {
            Some(farthest) => chain[..=farthest].to_vec(),
            None => Vec::new(),
        };
        Link { session: handle, owner: &session.owner, role: chain[0], chain, guards }
    }

    /// Lines 7 to 12.
    fn judge_arguments(
        &self,
        session: usize,
        links: &[Link],
        call: &Call,
        (now, lifts): (u64, bool),
    ) -> Verdict {
        let tool = call.tool;
        let fixed_env = self.env.as_deref().or(call.env);

        // Line 7.
        let schemas = self.schemas(call);
        let mut arguments = None;
        let seen = self.seen(session, call, now);
        let for_policies = self.policies.iter().any(|policy| policy.live && policy.wants_arguments(&seen));
        if !schemas.is_empty() || for_policies || reads_arguments(links, call, fixed_env) {
            match read_arguments(call.args) {
                Ok(read) => arguments = Some(read),
                Err(_) => return Verdict::Deny("INVALID_ARGUMENTS"),
            }
        }
        let nothing = Json::Obj(Vec::new());
        let read = arguments.as_ref().unwrap_or(&nothing);
        // Nobody has to read them for a fixed env, but here they have been read.
        let at_hand = read_arguments(call.args).unwrap_or(Json::Obj(Vec::new()));

        // Line 8.
        let contradicts = self.env.is_some() && call.env.is_some() && self.env.as_deref() != call.env;
        if contradicts
            || !env_agrees(&at_hand, fixed_env)
            || !links.iter().all(|link| link.guards.iter().all(|role| env_passes(role, read, fixed_env)))
        {
            return Verdict::Deny("ENV_VIOLATION");
        }
        if !schemas.iter().all(|schema| fits(schema, read)) {
            return Verdict::Deny("MCP_ARGUMENT_SCHEMA_VIOLATION");
        }
        let constraints =
            |role: &&Role| said(&role.constraints, tool, call.server).all(|list| all_hold(list, read));
        if !links.iter().all(|link| link.chain.iter().all(constraints)) {
            return Verdict::Deny("PARAMETER_VIOLATION");
        }
        if !links.iter().all(|link| link.guards.iter().all(|role| rows_pass(role, read))) {
            return Verdict::Deny("DATA_LIMIT_EXCEEDED");
        }

        // Line 9.
        let stands = |policy: &&Policy| policy.live && !(lifts && policy.can_be_lifted());
        let matching = self.policies.iter().filter(stands).filter(|policy| policy.matches(&seen));
        let strictest = matching.map(|policy| policy.makes).max();
        if strictest == Some(Makes::Deny) {
            return Verdict::Deny("POLICY_DENIED");
        }

        // Line 10.
        let mut charges = charges(links);
        if !self.accounts.admit(&charges, now) {
            return Verdict::Deny("RATE_LIMIT_EXCEEDED");
        }
        let for_server = server_charges(links, tool, call.server);
        if !self.accounts.admit(&for_server, now) {
            return Verdict::Deny("MCP_RATE_LIMIT_EXCEEDED");
        }
        charges.extend(for_server);

        // Lines 11 and 12.
        let wanting = links.iter().flat_map(|link| &link.chain).filter(|role| wants_person(role, call, read));
        let by_policy = strictest.map(|_| 900);
        let Some(ttl) = wanting.map(|role| role.approval_ttl_seconds).chain(by_policy).min() else {
            return Verdict::Permit { charges, consume: None };
        };
        let key = self.review_key(session, call, read);
        match self.reviews.answer(&key, now) {
            None => Verdict::Hold { key, open_until: Some(now.saturating_add(ttl.saturating_mul(SECOND))) },
            Some(Answer::Pending) => Verdict::Hold { key, open_until: None },
            Some(Answer::Rejected) => Verdict::Deny("APPROVAL_REJECTED"),
            Some(Answer::Approved) => Verdict::Permit { charges, consume: Some(key) },
        }
    }

    /// What the arguments have to fit: what is registered for the tool, and what the call brings along.
    fn schemas(&self, call: &Call) -> Vec<Json> {
        let offered = call.server.and_then(|server| self.servers.get(server)).into_iter().flatten();
        let registered = offered.filter(|offered| offered.tool == call.tool).filter_map(|o| o.schema.clone());
        let claimed = call.schema.map(|text| match serde_json::from_str(text) {
            Ok(value) => Json::from_policy(&value),
            Err(_) => Json::Null,
        });
        registered.chain(claimed).collect()
    }

    fn review_key(&self, handle: usize, call: &Call, arguments: &Json) -> ReviewKey {
        let session = &self.sessions[handle];
        ReviewKey {
            session: handle,
            owner: session.owner.clone(),
            role: session.role.clone(),
            tool: call.tool.to_string(),
            action: call.action.map(str::to_string),
            resource: call.resource.map(str::to_string),
            env: call.env.map(str::to_string),
            server: call.server.map(str::to_string),
            via: call.via.to_vec(),
            args: arguments.canonical(),
        }
    }

    /// The manifest of a session's agent, if it has one.
    pub(crate) fn manifest(&self, session: usize) -> Option<&Manifest> {
        self.manifests.get(&self.sessions[session].owner)
    }

    /// Whether the agent is suspended.
    pub(crate) fn is_suspended(&self, owner: &str) -> bool {
        self.suspended.contains(owner)
    }

    /// How long until that session has rate left for the tool on that server.
    pub(crate) fn rate_wait(&self, session: usize, tool: &str, server: Option<&str>, now: u64) -> u64 {
        let links: Vec<Link> =
            self.handles(session).iter().map(|handle| self.link(*handle, tool, server)).collect();
        let all = [charges(&links), server_charges(&links, tool, server)].concat();
        self.accounts.wait(&all, now)
    }

    /// When a session's own time is over.
    pub(crate) fn expires(&self, session: usize) -> u64 {
        self.sessions[session].expires
    }

    /// Role and owner of a session.
    pub(crate) fn identity(&self, session: usize) -> (&str, &str) {
        (&self.sessions[session].role, &self.sessions[session].owner)
    }

    /// The env the deployment fixes.
    pub(crate) fn fixed_env(&self) -> Option<&str> {
        self.env.as_deref()
    }

    /// All roles.
    pub(crate) fn roles(&self) -> &HashMap<String, Role> {
        &self.roles
    }
}
