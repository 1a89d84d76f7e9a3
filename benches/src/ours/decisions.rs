//! Decisions by the embedded enforcer: session by token, tool by name, rate limits on.

use bytes::Bytes;
use scopegate_core::json::{Document, Json};
use scopegate_core::{AccessRequest, Args, Enforcer, Name, Principal, Provision, Quick, ToolCall};
use scopegate_engine::{LocalEnforcer, RecordsSpec};

use super::agent::{self, Agent, CALLS_OF_AN_AGENT, denies, permits};
use crate::Result;
use crate::harness::Item;
use crate::workload::{self, Case};

/// As many as the peer of goal 3 has.
const SESSIONS: usize = 1_000;
/// So many records fit in a lane of the queue; fewer are put in before the writer is waited for.
const RECORDS: u64 = 512;

pub(super) fn items() -> Vec<Item> {
    vec![
        constrained("ours/constrained/allow", Case::Allow),
        constrained("ours/deny_tool", Case::DenyTool),
        constrained("ours/deny_arg", Case::DenyArg),
        unconstrained(),
        from_json("ours/json/allow", Case::Allow),
        from_json("ours/json/deny_arg", Case::DenyArg),
        with_records("ours/recorded/allow", RecordsSpec::Memory),
        with_records("ours/audit/record", RecordsSpec::Memory)
            .over(with_records("ours/unrecorded/allow", RecordsSpec::None)),
    ]
}

fn constrained(name: &str, case: Case) -> Item {
    let build = move || {
        let enforcer = agent::enforcer([agent::role(0, 3)], RecordsSpec::None)?;
        Agent::new(enforcer, workload::role(0), agent::call(case))
    };
    let right = if case.allowed() { permits } else { denies };
    Item::refreshed(name, build, Agent::ask, right, (CALLS_OF_AN_AGENT, Agent::replace))
}

/// A thousand sessions in turn, like the peer's.
fn unconstrained() -> Item {
    let build = || {
        let enforcer = agent::enforcer([agent::plain_role()], RecordsSpec::None)?;
        let open = |index| Ok(enforcer.open(Provision::new("plain", format!("agent-{index}")))?.principal);
        let sessions = (0..SESSIONS).map(open).collect::<Result<_>>()?;
        let call = ToolCall::new(workload::PLAIN_TOOL).with_args(agent::call(Case::Allow).args);
        let mut agents = Agents { enforcer, sessions, call, next: 0 };
        // A session's first call lays out its accounts; those that are measured find them, like the peer's.
        (0..SESSIONS).for_each(|_| drop(agents.ask()));
        Ok(agents)
    };
    Item::new("ours/unconstrained/allow", build, Agents::ask, |answer: &Option<Quick>| {
        answer.as_ref().is_some_and(permits)
    })
}

struct Agents {
    enforcer: LocalEnforcer,
    sessions: Vec<Principal>,
    call: ToolCall,
    next: usize,
}

impl Agents {
    fn ask(&mut self) -> Option<Quick> {
        self.next = (self.next + 1) % SESSIONS;
        let session = self.sessions.get(self.next)?;
        Some(self.enforcer.try_enforce(&AccessRequest::new(session.as_ref(), &self.call)))
    }
}

/// From the bytes of the whole call; the session's token came apart from them, as in a header.
fn from_json(name: &str, case: Case) -> Item {
    let build = move || {
        let enforcer = agent::enforcer([agent::role(0, 3)], RecordsSpec::None)?;
        let agent = Agent::new(enforcer, workload::role(0), agent::call(case))?;
        Ok((agent, Bytes::from(workload::call_json(case)?)))
    };
    let ask = |(agent, text): &mut (Agent, Bytes)| {
        agent.call = read(text.clone())?;
        Some(agent.ask())
    };
    let right = move |answer: &Option<Quick>| {
        answer.as_ref().is_some_and(|answer| if case.allowed() { permits(answer) } else { denies(answer) })
    };
    let replace = |(agent, _): &mut (Agent, Bytes)| agent.replace();
    Item::refreshed(name, build, ask, right, (CALLS_OF_AN_AGENT, replace))
}

fn read(text: Bytes) -> Option<ToolCall> {
    let document = Document::read(text).ok()?;
    let name = |pointer| match document.root().pointer(pointer)?.get() {
        Json::String(name) => Some(Name::new(&name)),
        _ => None,
    };
    let (tool, env) = (name("/tool")?, name("/env"));
    let mut call = ToolCall::new(tool).with_args(Args::at_pointer(document, "/args"));
    call.env = env;
    Some(call)
}

/// With records, or without and waited for in the same places. The writer's thread runs beside; waiting for it
/// to catch up is not measured.
fn with_records(name: &str, records: RecordsSpec) -> Item {
    let build = move || {
        let enforcer = agent::enforcer([agent::role(0, 3)], records.clone())?;
        Agent::new(enforcer, workload::role(0), agent::call(Case::Allow))
    };
    let catch_up = |agent: &mut Agent| {
        wait(agent.enforcer.flush());
        agent.replace_after(RECORDS);
    };
    Item::refreshed(name, build, Agent::ask, permits, (RECORDS, catch_up))
}

/// Waits by asking again and again: what is waited for is some milliseconds away.
fn wait(future: impl Future<Output = bool>) {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while future.as_mut().poll(&mut context).is_pending() {
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}
