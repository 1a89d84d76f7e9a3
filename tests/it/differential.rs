//! The engine and the independent reference decide the same scenarios alike.
//!
//! A million calls per run; `SCOPEGATE_DIFFERENTIAL_CALLS` asks for another number. On a
//! disagreement the seed is printed: it replays the very scenario.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use scopegate_core::grant::{Emergency, OpenBreakGlass, OpenWindow};
use scopegate_core::pin::DefinitionDigest;
use scopegate_core::{
    AccessRequest, Args, CallDigest, Catalogue, ClaimedSession, Decision, Enforcer, GrantId, McpClaims, Name,
    Outcome, PolicyType, Principal, Provision, ProvisionError, Provisioned, Quick, Reviews, Role, Timestamp,
    ToolCall,
};
use scopegate_engine::{LocalEnforcer, ManualClock, Policy, RecordsSpec};
use scopegate_reference::beside::Shadowed;
use scopegate_reference::mcp::Claim;
use scopegate_reference::{Event, GeneratedCall, Reference, Scenario, budgeted, scenario};

/// Every answer these rules can give.
const ANSWERS: [&str; 25] = [
    "PERMIT",
    "HOLD",
    "JWT_INVALID",
    "AGENT_SUSPENDED",
    "SESSION_REVOKED",
    "JWT_EXPIRED",
    "SESSION_EXPIRED",
    "MCP_SESSION_HIJACK",
    "MCP_SERVER_UNAUTHORIZED",
    "MCP_TOOL_NOT_FOUND",
    "MCP_TOOL_CHANGED",
    "ACTION_FORBIDDEN",
    "SCOPE_VIOLATION",
    "TRUST_TOO_LOW",
    "CREDENTIAL_VIOLATION",
    "DELEGATION_DEPTH_EXCEEDED",
    "TIME_VIOLATION",
    "INVALID_ARGUMENTS",
    "ENV_VIOLATION",
    "MCP_ARGUMENT_SCHEMA_VIOLATION",
    "PARAMETER_VIOLATION",
    "DATA_LIMIT_EXCEEDED",
    "POLICY_DENIED",
    "RATE_LIMIT_EXCEEDED",
    "MCP_RATE_LIMIT_EXCEEDED",
];
/// The longest life a role may give its sessions, in seconds.
const LONGEST: u64 = 30 * 24 * 3600;
const REJECTED: &str = "APPROVAL_REJECTED";

#[test]
fn engine_and_reference_agree() {
    let wanted: usize =
        std::env::var("SCOPEGATE_DIFFERENTIAL_CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = wanted.div_ceil(threads);
    let runs: Vec<_> = (0..threads)
        .map(|thread| std::thread::spawn(move || run(scenario, thread as u64 * 1_000_000_007, share)))
        .collect();
    let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
    for run in runs {
        for (answer, count) in run.join().expect("no disagreement") {
            *seen.entry(answer).or_default() += count;
        }
    }
    let total: usize = seen.values().sum();
    println!("{total} calls, no disagreement");
    for (answer, count) in &seen {
        println!("{answer:28} {count:>8} {:>6.2} %", *count as f64 * 100.0 / total as f64);
    }
    assert!(total >= wanted);
    for answer in ANSWERS.iter().chain([&REJECTED]) {
        assert!(seen.contains_key(answer), "{answer} was never given");
    }
}

/// Budgets of calls, beside everything else. They are apart, so that a budget hides no other answer above.
#[test]
fn engine_and_reference_agree_on_budgets() {
    let seen = run(budgeted, 0, 50_000);
    for answer in ANSWERS.iter().chain([&REJECTED, &"SESSION_TERMINATED"]) {
        assert!(seen.contains_key(answer), "{answer} was never given");
    }
}

fn run(scenario: fn(u64) -> Scenario, first_seed: u64, calls: usize) -> BTreeMap<&'static str, usize> {
    let mut seen = BTreeMap::new();
    let mut total = 0;
    for seed in first_seed.. {
        if total >= calls {
            break;
        }
        for (index, expected, actual) in replay(&scenario(seed)) {
            assert_eq!(
                expected, actual,
                "seed {seed}, event {index}: the reference says {expected}, the engine {actual}"
            );
            *seen.entry(expected).or_default() += 1;
            total += 1;
        }
    }
    seen
}

/// Both sides of one scenario.
struct Pair {
    reference: Reference,
    engine: LocalEnforcer,
    clock: Arc<ManualClock>,
    roles: BTreeMap<Name, Role>,
    servers: BTreeMap<Name, Catalogue>,
    sessions: Vec<Option<Provisioned>>,
    /// What was granted beside roles, where the engine had room for it.
    grants: Vec<Option<GrantId>>,
    /// A policy reads trust, so that the engine keeps count.
    reads_trust: bool,
    /// Owner and role of every session, opened or not.
    asked: Vec<(Name, Name)>,
}

fn replay(scenario: &Scenario) -> Vec<(usize, &'static str, &'static str)> {
    let mut pair = Pair::new(scenario);
    let mut answers = Vec::new();
    for (index, event) in scenario.events.iter().enumerate() {
        if let Some((expected, actual)) = pair.apply(&scenario.events, event) {
            answers.push((index, expected, actual));
        }
    }
    pair.compare_what_was_counted(&scenario.policy);
    answers
}

impl Pair {
    fn new(scenario: &Scenario) -> Self {
        let mut policy = Policy::from_text(&scenario.policy, "generated")
            .unwrap_or_else(|e| panic!("{e}\n{}", scenario.policy));
        policy.records = Some(RecordsSpec::None);
        // The scenario alone says how long sessions live.
        policy.roles.iter_mut().for_each(|role| role.default_ttl_seconds = LONGEST);
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(scenario.start_ns)));
        let secrets: BTreeMap<Name, Arc<str>> =
            scenario.credentials.iter().map(|name| (name.into(), "secret".into())).collect();
        let mut builder = LocalEnforcer::builder(policy.clone()).clock(clock.clone()).credentials(secrets);
        if let Some(env) = &scenario.env {
            builder = builder.env(env.as_str());
        }
        Self {
            reference: scenario.reference().expect("the reference reads every generated policy"),
            engine: builder.build().expect("the engine reads every generated policy"),
            clock,
            reads_trust: policy
                .policies
                .iter()
                .any(|policy| policy.enabled && policy.policy_type == PolicyType::Threshold),
            servers: policy.mcp_servers,
            roles: policy.roles.into_iter().map(|role| (role.name.clone(), role)).collect(),
            sessions: Vec::new(),
            grants: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn now(&self) -> u64 {
        scopegate_engine::Clock::now(&*self.clock).nanos()
    }

    fn apply(&mut self, events: &[Event], event: &Event) -> Option<(&'static str, &'static str)> {
        let now = self.now();
        match event {
            Event::Open { role, owner, ttl_s, max_calls } => {
                let session = self.reference.open(role, owner, now, *ttl_s);
                max_calls.iter().for_each(|most| self.reference.limit(session, *most));
                self.asked.push((owner.into(), role.into()));
                let request = Provision {
                    ttl: Some(Duration::from_secs(*ttl_s)),
                    max_calls: *max_calls,
                    ..Provision::new(role.as_str(), owner.as_str())
                };
                self.sessions.push(self.engine.open(request).ok());
            }
            Event::Child { parent, role, ttl_s, max_calls } => {
                let session = self.reference.open_child(*parent, role, now, *ttl_s);
                max_calls.iter().for_each(|most| self.reference.limit(session, *most));
                self.asked.push((self.asked[*parent].0.clone(), role.into()));
                let child = self.child(*parent, role, *ttl_s, *max_calls);
                self.sessions.push(child);
            }
            Event::Advance { ns } => self.clock.advance(Duration::from_nanos(*ns)),
            Event::Revoke { session } => {
                self.reference.revoke(*session);
                if let Some(session) = &self.sessions[*session] {
                    self.engine.end(session.session).expect("a known session");
                }
            }
            Event::Suspend { owner } => {
                self.reference.suspend(owner);
                self.engine.suspend(owner.as_str());
            }
            Event::RemoveRole { role } => {
                self.reference.remove_role(role);
                self.engine.remove_role(role).expect("nobody inherits from it");
            }
            Event::Resolve { call_index, approve } => self.resolve(events, *call_index, *approve),
            Event::Grant { glass, agent, scopes, minutes, uses } => {
                self.reference.grant((*glass, agent), scopes, *minutes, *uses, now);
                let opened = self.grant(*glass, agent, scopes, (*minutes, *uses));
                if opened.is_none() {
                    // There was enough of it: that is no rule about calls.
                    self.reference.end_grant(self.grants.len());
                }
                self.grants.push(opened);
            }
            Event::EndGrant { grant } => {
                self.reference.end_grant(*grant);
                if let Some(id) = self.grants[*grant] {
                    // It may be over already.
                    let _ = pollster(self.engine.end_grant(id, "an operator".into(), String::new()));
                }
            }
            Event::Call { session, call } => return Some(self.call(*session, call, now)),
        }
        None
    }

    /// The engine refuses children that are too deep when they are opened; the rule is about
    /// calls. So depth is lent for the opening and taken back, as two reloads would.
    fn child(&self, parent: usize, role: &str, ttl: u64, max_calls: Option<u64>) -> Option<Provisioned> {
        let parent = &self.sessions[parent].as_ref()?.principal;
        let ttl = Some(Duration::from_secs(ttl));
        let request = Provision { ttl, max_calls, ..Provision::new(role, "ignored") };
        match self.engine.open_child(parent, request.clone()) {
            Err(ProvisionError::Depth(_)) => {}
            child => return child.ok(),
        }
        let live = self.engine.roles();
        for name in &live {
            let deep = Role { max_delegation_depth: 8, ..self.roles[name].clone() };
            self.engine.put_role(deep).expect("a valid role");
        }
        let child = self.engine.open_child(parent, request);
        for name in &live {
            self.engine.put_role(self.roles[name].clone()).expect("a valid role");
        }
        child.ok()
    }

    fn grant(
        &self,
        glass: bool,
        agent: &str,
        scopes: &[String],
        (minutes, max_uses): (u64, Option<u64>),
    ) -> Option<GrantId> {
        let (agent, by) = (Name::from(agent), Name::from("an operator"));
        let patterns: Vec<Name> = scopes.iter().map(Name::from).collect();
        let opened = if glass {
            pollster(self.engine.break_glass(OpenBreakGlass {
                agent,
                justification: "it is generated".to_owned(),
                severity: Emergency::High,
                minutes: Some(minutes),
                actions: patterns,
                max_uses,
                by,
            }))
        } else {
            pollster(self.engine.open_window(OpenWindow {
                agent,
                scopes: patterns,
                actions: Vec::new(),
                minutes,
                reason: "it is generated".to_owned(),
                max_uses,
                max_extensions: None,
                workflow: None,
                by,
            }))
        };
        opened.ok().map(|grant| grant.id)
    }

    fn resolve(&mut self, events: &[Event], call_index: usize, approve: bool) {
        let Some(Event::Call { session: Some(session), call }) = events.get(call_index) else { return };
        self.reference.resolve(*session, &call.as_call(), approve);
        // The pending review of this very call, which an equal earlier call may have opened.
        let Some(open) = &self.sessions[*session] else { return };
        let (owner, role) = &self.asked[*session];
        let call = tool_call(call);
        let digest = CallDigest::of_defined(open.session, owner, role, &call, self.definition(&call));
        let reviews = self.engine.pending_reviews();
        let Some(review) = reviews.iter().find(|review| Some(review.digest) == digest) else { return };
        let settled = match approve {
            true => pollster(self.engine.approve(review.id, "a reviewer")),
            false => pollster(self.engine.reject(review.id, "a reviewer")),
        };
        settled.expect("a pending review");
    }

    /// What the tool was registered as, where its server is.
    fn definition(&self, call: &ToolCall) -> Option<DefinitionDigest> {
        let catalogue = self.servers.get(call.server.as_ref()?)?;
        DefinitionDigest::of(catalogue.tools.iter().find(|tool| tool.name == call.tool)?)
    }

    fn call(
        &mut self,
        session: Option<usize>,
        call: &GeneratedCall,
        now: u64,
    ) -> (&'static str, &'static str) {
        let expected = self.reference.decide(session, &call.as_call(), now);
        let forged = Principal::token("sgs_forged");
        let principal = match session.map(|session| &self.sessions[session]) {
            Some(Some(session)) => &session.principal,
            Some(None) => {
                // The engine opens no child under a session that is over; the reference does, and
                // must refuse it everything.
                assert!(
                    !["PERMIT", "HOLD"].contains(&expected),
                    "the engine should have opened this session"
                );
                return (expected, expected);
            }
            None => &forged,
        };
        let call = self.claiming(session, call);
        let request = AccessRequest::new(principal.as_ref(), &call);
        let decision = match self.engine.try_enforce(&request) {
            Quick::Decided(decision) => decision,
            Quick::Need(_) => pollster(self.engine.enforce(&request)).expect("a local decision"),
        };
        let actual = match decision {
            Decision::Permit(permit) => {
                self.engine.complete(permit.id, Outcome::Ok);
                "PERMIT"
            }
            Decision::Hold(_) => "HOLD",
            Decision::Deny(denial) => denial.code.as_str(),
        };
        (expected, actual)
    }

    /// What policies in the shadow would have done, and how far agents are trusted.
    fn compare_what_was_counted(&self, policy: &str) {
        let report = self.engine.shadow_report();
        let counted: BTreeMap<String, Shadowed> = report
            .iter()
            .map(|(name, counts)| {
                let counts = Shadowed {
                    evaluated: counts.evaluated,
                    would_deny: counts.would_deny,
                    would_hold: counts.would_hold,
                    would_have_changed: counts.would_have_changed,
                };
                (name.to_string(), counts)
            })
            .collect();
        assert_eq!(&counted, self.reference.shadowed(), "{policy}");
        let read_by_a_role =
            self.engine.roles().iter().any(|role| self.roles[role].min_trust_level.is_some());
        if self.reads_trust || read_by_a_role {
            for (owner, _) in &self.asked {
                assert_eq!(
                    u64::from(self.engine.trust(owner).tenths()),
                    self.reference.trust(owner),
                    "{policy}"
                );
            }
        }
    }

    /// The call with what it claims, in the engine's ids.
    fn claiming(&self, session: Option<usize>, call: &GeneratedCall) -> ToolCall {
        let handle = |claim| match claim {
            Claim::Own => session,
            Claim::Of(handle) => Some(handle),
            Claim::Foreign => None,
        };
        let opened = |handle: usize| self.sessions.get(handle)?.as_ref();
        let ours = |claim| match handle(claim).and_then(opened) {
            Some(session) => ClaimedSession::Ours(session.session),
            None => ClaimedSession::Foreign,
        };
        let schema = call.schema.as_deref().map(|text| serde_json::from_str(text).expect("JSON"));
        let claims = McpClaims { session: call.claim.map(ours), schema };
        ToolCall { mcp: (claims != McpClaims::default()).then(|| Box::new(claims)), ..tool_call(call) }
    }
}

fn tool_call(call: &GeneratedCall) -> ToolCall {
    let view = call.as_call();
    let mut call = ToolCall::new(view.tool).with_args(Args::parse(view.args.to_vec()));
    call.action = view.action.map(Into::into);
    call.env = view.env.map(Into::into);
    call.resource = view.resource.map(Into::into);
    call.server = view.server.map(Into::into);
    call.via = (!view.via.is_empty()).then(|| view.via.iter().map(Into::into).collect());
    call
}

/// Nothing here really waits: records are off.
fn pollster<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("a local decision waited"),
    }
}
