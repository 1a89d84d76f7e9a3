//! `scopegate demo --plane`: the same recorded calls, decided with a plane on this machine.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use scopegate::client::{Client, ExportOrder, RoleDraft};
use scopegate::{
    Admission, Args, Gate, Principal, Provision, Refusal, RemoteEnforcer, Role, Sessions, ToolCall,
};
use scopegate_core::Timestamp;
use scopegate_engine::{Clock, SystemClock};
use scopegate_server::keys::{Kind, Prefix};
use scopegate_server::setup::{self, KeyOrder};
use scopegate_server::store::{SqliteStore, TenantId};
use scopegate_server::{Config, serve};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::line;
use super::suite::{Call, Suite};
use crate::answer::Verdict;
use crate::cmd::replay::Replayed;
use crate::exit::Failure;
use crate::output::Output;

/// Runs all recorded calls, and shows where each was decided and how long that took.
pub(super) async fn play(suites: &[Suite], output: &mut Output) -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(Failure::no_answer)?;
    let (admin, agent) = keys(folder.path(), SystemClock::new().now())?;
    let config = Config { addr: ([127, 0, 0, 1], 0).into(), ..Config::new(folder.path()) };
    let started = serve::start(config).await.map_err(Failure::no_answer)?;
    let url = started.url();
    let (stop, stopped) = oneshot::channel::<()>();
    let plane = tokio::spawn(started.run(async { drop(stopped.await) }));

    let admin = Client::builder().url(&url).api_key(admin).build().map_err(Failure::no_answer)?;
    let enforcer = RemoteEnforcer::new(&url, agent).map_err(Failure::no_answer)?;
    if !output.is_json() {
        output.line(format!("A plane listens on {url}; an agent decides with what it lends."))?;
    }
    let mut all = Measured::default();
    for suite in suites {
        for role in &suite.roles {
            admin.create_role(&draft(role)?).await.map_err(Failure::no_answer)?;
        }
        all.extend(run(suite, &enforcer, output).await?);
    }
    let told = enforcer.close().await;
    let kept = records(&admin).await?;
    drop(stop);
    plane.await.map_err(Failure::no_answer)?.map_err(Failure::no_answer)?;
    if output.is_json() { Ok(()) } else { all.tell(told, kept, output) }
}

/// A key that writes roles and reads the log, and an agent's.
fn keys(folder: &std::path::Path, now: Timestamp) -> Result<(String, String), Failure> {
    let mut store = SqliteStore::open(folder).map_err(Failure::no_answer)?;
    setup::first_tenant(&mut store, now).map_err(Failure::no_answer)?;
    let mut key = |kind| {
        let tenant = TenantId::parse("default").map_err(Failure::no_answer)?;
        let order = KeyOrder { tenant, kind, name: None, prefix: Prefix::Sb, expires_at: None };
        setup::create_key(&mut store, order, now).map(|key| key.secret).map_err(Failure::no_answer)
    };
    Ok((key(Kind::Dev)?, key(Kind::Agent)?))
}

/// How many records the log has.
async fn records(admin: &Client) -> Result<u64, Failure> {
    let mut log = Vec::new();
    admin.export_audit(&ExportOrder::default(), &mut log).await.map_err(Failure::no_answer)?;
    let log: Value = serde_json::from_slice(&log).map_err(Failure::no_answer)?;
    Ok(log.get("count").and_then(Value::as_u64).unwrap_or_default())
}

/// A role of a policy file, as a plane is given it: what is unset there would mean something else here.
fn draft(role: &Role) -> Result<RoleDraft, Failure> {
    let mut members = match serde_json::to_value(role).map_err(Failure::no_answer)? {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (member, unset) in
        [("env_optional", json!(false)), ("rows_optional", json!(false)), ("rate_scope", json!("key"))]
    {
        members.entry(member).or_insert(unset);
    }
    Ok(RoleDraft::from(members))
}

async fn run(suite: &Suite, enforcer: &RemoteEnforcer, output: &mut Output) -> Result<Measured, Failure> {
    if !output.is_json() {
        output.line(format!("\n{}:\n", suite.title))?;
    }
    let (gate, mut sessions, mut measured) =
        (Gate::new(enforcer.clone()), HashMap::new(), Measured::default());
    for call in suite.calls()? {
        let task = format!("{}-{}", call.kind, call.task);
        if !sessions.contains_key(&task) {
            let opened = enforcer.provision(Provision::new(suite.name, task.as_str())).await;
            sessions.insert(task.clone(), opened.map_err(Failure::no_answer)?.principal);
        }
        let Some(who) = sessions.get(&task) else { continue };
        let answer = ask(&gate, who, call).await;
        answer.tell(output)?;
        measured.add(&answer);
    }
    Ok(measured)
}

/// An answer, where it was made, and how long that took.
struct Answer {
    replayed: Replayed,
    here: bool,
    took: Duration,
}

async fn ask(gate: &Gate, who: &Principal, call: Call) -> Answer {
    let asked = ToolCall::new(call.tool.as_str()).with_args(Args::from_value(&call.args));
    let began = Instant::now();
    let (here, admitted) = match gate.try_admit(who.as_ref(), asked) {
        Admission::Go(permitted) => (true, Ok(permitted)),
        Admission::Stop(refusal) => (true, Err(refusal)),
        Admission::NeedArgs(call) => (false, gate.admit(who, call).await),
        Admission::Ask(asking) => (false, asking.await),
    };
    let took = began.elapsed();
    let (verdict, code, reason) = match admitted {
        Ok(permitted) => {
            permitted.complete(scopegate::Outcome::Ok);
            (Verdict::Permit, None, None)
        }
        Err(refusal @ Refusal::Held(_)) => (Verdict::Hold, None, Some(refusal.to_string())),
        Err(refusal) => (Verdict::Deny, Some(refusal.code().to_owned()), Some(refusal.to_string())),
    };
    let replayed = Replayed::new(
        call.line,
        (call.kind, call.task, call.step),
        call.tool.into(),
        (verdict, code, reason),
    );
    Answer { replayed, here, took }
}

impl Answer {
    fn tell(&self, output: &mut Output) -> Result<(), Failure> {
        let (place, micros) = (if self.here { "here" } else { "plane" }, self.took.as_micros() as u64);
        if !output.is_json() {
            return output.line(format!("{place:>7} {micros:>7} µs{}", line(&self.replayed)));
        }
        let mut told = serde_json::to_value(&self.replayed).map_err(Failure::no_answer)?;
        if let Some(members) = told.as_object_mut() {
            members.insert("decided".to_owned(), json!(place));
            members.insert("latency_us".to_owned(), json!(micros));
        }
        output.json(&told)
    }
}

/// How long decisions took, by where they were made.
#[derive(Default)]
struct Measured {
    here: Vec<Duration>,
    plane: Vec<Duration>,
}

impl Measured {
    fn add(&mut self, answer: &Answer) {
        if answer.here { &mut self.here } else { &mut self.plane }.push(answer.took);
    }

    fn extend(&mut self, other: Self) {
        self.here.extend(other.here);
        self.plane.extend(other.plane);
    }

    fn tell(mut self, told: bool, kept: u64, output: &mut Output) -> Result<(), Failure> {
        output.line("\ndecided     calls   median      p99")?;
        for (name, times) in [("here", &mut self.here), ("plane", &mut self.plane)] {
            times.sort_unstable();
            let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
            let micros = |time: Option<&Duration>| time.map_or(0, Duration::as_micros);
            output.line(format!(
                "{name:<9} {:>7} {:>5} µs {:>5} µs",
                times.len(),
                micros(at(50)),
                micros(at(99))
            ))?;
        }
        let rest = if told { "" } else { "; some of what was decided here did not arrive" };
        output.line(format!("\nThe plane's log holds {kept} records{rest}."))
    }
}
