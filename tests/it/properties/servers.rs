//! What MCP servers add to the properties: a list of servers permits nothing but calls to its servers,
//! and taking from a list, a catalogue or a limit permits nothing at all.

use proptest::prelude::*;
use scopegate_core::{Args, ClaimedSession, McpClaims, ToolCall};
use scopegate_reference::Gen;
use scopegate_reference::generate::TOOLS;
use scopegate_reference::generate::servers::SERVERS;
use serde_json::{Value, json};

use super::monotone::Role;
use super::{cases, generated_call, generated_policy, role_names, world};

/// No generated call goes there, so listing it can only refuse.
const ELSEWHERE: &str = "vault";

/// One server less, or a list where there was none.
pub(super) fn narrow(random: &mut Gen, role: &mut Role) -> Option<String> {
    let list = role.entry("allowed_mcp_servers").or_insert_with(|| json!([])).as_array_mut()?;
    match list.len() {
        0 => list.push(json!(ELSEWHERE)),
        // Without any the role would no longer want one named.
        1 => return None,
        many => drop(list.remove(random.below(many as u64) as usize)),
    }
    Some(format!("allowed_mcp_servers is {list:?}"))
}

/// A tool as a role names it: mostly wherever it is called.
pub(super) fn entry(random: &mut Gen) -> String {
    let tool = random.pick(&TOOLS);
    if random.chance(30) { format!("{tool}@{}", random.pick(&SERVERS)) } else { tool.to_owned() }
}

/// A limit where there was none, or a smaller one.
pub(super) fn limit(random: &mut Gen, role: &mut Role) -> Option<String> {
    let server = random.pick(&SERVERS);
    let server =
        &if random.chance(30) { format!("{}@{server}", random.pick(&TOOLS)) } else { server.to_owned() };
    let limits = role.entry("mcp_server_rate_limits").or_insert_with(|| json!({})).as_object_mut()?;
    let calls = match limits.get(server).and_then(Value::as_u64).unwrap_or(0) {
        0 => random.range(1, 50),
        1 => return None,
        calls => random.range(1, calls - 1),
    };
    limits.insert(server.clone(), json!(calls));
    Some(format!("{calls} a minute to {server}"))
}

/// A tool less, a catalogue where nothing was known, or a schema that asks for more.
pub(super) fn tighten_catalogue(random: &mut Gen, servers: &mut Value) -> Option<String> {
    if servers.is_null() {
        *servers = json!({});
    }
    let server = random.pick(&SERVERS);
    let catalogue = servers.as_object_mut()?.entry(server);
    let tools = catalogue.or_insert_with(|| json!({"tools": TOOLS.map(|tool| json!({"name": tool}))}));
    let tools = tools["tools"].as_array_mut()?;
    if tools.is_empty() {
        return Some(format!("{server} has nothing"));
    }
    let at = random.below(tools.len() as u64) as usize;
    if random.chance(40) {
        return Some(format!("{server} has no {}", tools.remove(at)["name"]));
    }
    let schema = tools[at].as_object_mut()?.entry("inputSchema").or_insert_with(|| json!({}));
    let more = [
        json!({"required": ["note"]}),
        json!({"maxProperties": 2}),
        json!({"properties": {"amount": {"maximum": 50}}}),
    ];
    let all = schema.as_object_mut()?.entry("allOf").or_insert_with(|| json!([]));
    all.as_array_mut()?.push(random.pick_ref(&more).clone());
    Some(format!("{server} wants more of a tool"))
}

/// The policy without anything that roles say of one server's tools.
fn without_entries_of_servers(policy: &Value) -> Value {
    let mut policy = policy.clone();
    let entry = |name: &str| name.contains('@');
    for role in policy["roles"].as_array_mut().into_iter().flatten() {
        for member in role.as_object_mut().into_iter().flat_map(|role| role.values_mut()) {
            if let Some(list) = member.as_array_mut() {
                list.retain(|name| !name.as_str().is_some_and(entry));
            } else if let Some(map) = member.as_object_mut() {
                map.retain(|name, _| !entry(name));
            }
        }
    }
    policy
}

/// A permitted call to a server with something taken away or mistyped.
fn spoiled(call: &ToolCall, listed: bool) -> Vec<(&'static str, ToolCall)> {
    let claims = |session, schema| Some(Box::new(McpClaims { session, schema }));
    let foreign = claims(Some(ClaimedSession::Foreign), None);
    let named = |server: &str| format!("{}@{server}", call.tool).into();
    let mut all = vec![
        ("another session", ToolCall { mcp: foreign, ..call.clone() }),
        ("a schema that is a text", ToolCall { mcp: claims(None, Some(json!("x"))), ..call.clone() }),
        ("a schema nothing fits", ToolCall { mcp: claims(None, Some(json!({"not": {}}))), ..call.clone() }),
    ];
    for server in SERVERS {
        all.push(("a tool named like an entry", ToolCall { tool: named(server), ..call.clone() }));
        all.push((
            "the same without a server",
            ToolCall { tool: named(server), server: None, ..call.clone() },
        ));
    }
    for server in ["", "Filesystem", "filesystem ", "*"] {
        all.push(("a server that is not listed", ToolCall { server: Some(server.into()), ..call.clone() }));
    }
    if listed {
        all.push(("no server", ToolCall { server: None, ..call.clone() }));
    }
    all
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn what_is_taken_from_a_call_to_a_server_permits_nothing(seed: u64) {
        let mut random = Gen::new(seed);
        let policy = generated_policy(&mut random);
        let world = world(&policy);
        for role in role_names(&policy) {
            let call = generated_call(&mut random, &policy, &role);
            if world.ask(&world.open(&role, "ann"), &call) != "PERMIT" {
                continue;
            }
            for (what, call) in spoiled(&call, call.server.is_some()) {
                let answer = world.ask(&world.open(&role, "bob"), &call);
                if what == "no server" && answer == "PERMIT" {
                    // Then it is granted where no list stands, and no entry of a server has to do with it.
                    let plain = super::world(&without_entries_of_servers(&policy));
                    prop_assert_eq!(plain.ask(&plain.open(&role, "bob"), &call), "PERMIT");
                    continue;
                }
                prop_assert_ne!(answer, "PERMIT", "{} to {:?} with {}", call.tool, call.server, what);
            }
        }
    }

    #[test]
    fn whatever_a_registered_schema_requires_cannot_be_left_out(seed: u64) {
        let mut random = Gen::new(seed);
        let mut policy = generated_policy(&mut random);
        let required = json!({"required": ["note"], "properties": {"note": {"type": "string", "minLength": 1}}});
        let tools = TOOLS.map(|tool| json!({"name": tool, "inputSchema": required}));
        policy["mcp_servers"] = json!({"filesystem": {"tools": tools}});
        for role in policy["roles"].as_array_mut().expect("roles") {
            role["allowed_mcp_servers"] = json!(["filesystem"]);
        }
        let world = world(&policy);
        for role in role_names(&policy) {
            let mut call = generated_call(&mut random, &policy, &role);
            call.server = Some("filesystem".into());
            let Some(args) = call.args.to_value() else { continue };
            for note in [None, Some(json!(null)), Some(json!("")), Some(json!(1)), Some(json!(["x"]))] {
                let mut args = args.clone();
                args.as_object_mut().expect("an object").remove("note");
                note.into_iter().for_each(|note| args["note"] = note);
                call.args = Args::from_value(&args);
                let answer = world.ask(&world.open(&role, "ann"), &call);
                prop_assert!(!["PERMIT", "HOLD"].contains(&answer), "{answer} for {args}");
            }
        }
    }
}
