//! Adding an ANDed term, a guard or a forbid, or removing a tool from the one role that grants it,
//! never turns a refusal into a permit.

use proptest::prelude::*;
use scopegate_core::{Provision, ToolCall};
use scopegate_reference::Gen;
use scopegate_reference::generate::manifests::RESOURCES;
use scopegate_reference::generate::{ACTIONS, CREDENTIALS, TOOLS};
use serde_json::{Map, Value, json};

use super::{cases, generated_call, generated_policy, role_names, servers, world};

pub(super) type Role = Map<String, Value>;

/// What a fresh enforcer of this policy answers.
fn ask(policy: &Value, role: &str, child: Option<&str>, call: &ToolCall) -> &'static str {
    let world = world(policy);
    let session = world.open(role, "ann");
    match child {
        None => world.ask(&session, call),
        Some(child) => match world.engine.open_child(&session.principal, Provision::new(child, "ann")) {
            Ok(child) => world.ask(&child, call),
            Err(_) => "REFUSED",
        },
    }
}

/// More is refused: permit, then hold, then denial.
fn rank(answer: &str) -> u8 {
    match answer {
        "PERMIT" => 0,
        "HOLD" => 1,
        _ => 2,
    }
}

/// Makes one role stricter; says how, or that it could not.
fn tighten(random: &mut Gen, policy: &mut Value, spare: &Value) -> Option<String> {
    let roles = policy["roles"].as_array_mut()?;
    let at = random.below(roles.len() as u64) as usize;
    let tool = &servers::entry(random);
    if random.chance(10) {
        return remove_tool(roles, random.pick(&TOOLS));
    }
    if random.chance(10) {
        return servers::tighten_catalogue(random, &mut policy["mcp_servers"]);
    }
    if random.chance(10) {
        return add_manifest(random, policy);
    }
    let roles = policy["roles"].as_array_mut()?;
    let role = roles[at].as_object_mut()?;
    let how = match random.below(15) {
        0 => add_constraint(random, role, "parameter_constraints", tool, spare)?,
        1 => add_constraint(random, role, "approval_unless", tool, spare)?,
        2 => push(
            role,
            "denied_actions",
            json!(random.pick(&["write*", "read", tool, "*.reset", "*", "*@file*"])),
        ),
        3 if unwaived(role, tool) => push(role, "approval_required", json!(tool)),
        4 => narrow_list(random, role, "allowed_envs", &[json!("prod"), json!("dev")])?,
        5 => narrow_list(random, role, "allowed_days", &[json!(0), json!(3)])?,
        6 => lower(random, role, &["max_rows", "rate_limit_per_minute", "rate_limit_per_hour"])?,
        7 => narrow_hours(random, role)?,
        8 => bind_credential(random, role, tool)?,
        9 => forget_absence(random, role)?,
        10 => servers::narrow(random, role)?,
        11 => servers::limit(random, role)?,
        12 => {
            let flag = random.pick(&[
                "env_optional",
                "rows_optional",
                "max_delegation_depth",
                "allowed_credentials",
            ]);
            role.remove(flag)?;
            format!("without {flag}")
        }
        13 => raise_minimum(random, role),
        _ => add_constraint(random, role, "parameter_constraints", tool, spare)?,
    };
    Some(format!("{}: {how}", role["name"]))
}

/// Only where one role alone lists the tool: elsewhere a nearer grant would bring fewer guards.
fn remove_tool(roles: &mut [Value], tool: &str) -> Option<String> {
    let names = |entry: &Value| entry.as_str().and_then(|entry| entry.split('@').next()) == Some(tool);
    let read = |role: &Value| serde_json::from_value::<scopegate_core::Role>(role.clone()).expect("a role");
    let lists = |role: &Value| {
        let at_some_server = role["allowed_tools"].as_array().is_some_and(|tools| tools.iter().any(names));
        at_some_server || read(role).grants(tool, None)
    };
    let mut granting = roles.iter_mut().filter(|role| lists(role));
    let (role, None) = (granting.next()?, granting.next()) else { return None };
    role["allowed_tools"].as_array_mut()?.retain(|other| !names(other));
    Some(format!("{} does not list {tool}", role["name"]))
}

fn raise_minimum(random: &mut Gen, role: &mut Role) -> String {
    let so_far = role.get("min_trust_level").and_then(Value::as_u64).unwrap_or(0);
    let least = so_far.max(random.pick(&[0, 50, 51]));
    role.insert("min_trust_level".to_owned(), json!(least));
    format!("trusts from {least} on")
}

fn unwaived(role: &Role, tool: &str) -> bool {
    let unless = role.get("approval_unless").and_then(Value::as_object);
    let same = |entry: &String| entry == tool || entry.split('@').next() == Some(tool);
    unless.is_none_or(|unless| !unless.keys().any(same))
}

fn push(role: &mut Role, member: &str, value: Value) -> String {
    let list = role.entry(member).or_insert_with(|| json!([]));
    list.as_array_mut().expect("a list").push(value.clone());
    format!("{member} also has {value}")
}

/// One more constraint, taken from another generated policy.
fn add_constraint(
    random: &mut Gen,
    role: &mut Role,
    member: &str,
    tool: &str,
    spare: &Value,
) -> Option<String> {
    let required = role.get("approval_required").and_then(Value::as_array);
    let anywhere = tool.split('@').next();
    let held = |tools: &Vec<Value>| tools.contains(&json!(tool)) || tools.contains(&json!(anywhere));
    if member == "approval_unless" && required.is_some_and(held) {
        return None;
    }
    let lists =
        spare["roles"].as_array()?.iter().filter_map(|role| role["parameter_constraints"].as_object());
    let all: Vec<&Value> =
        lists.flat_map(|tools| tools.values()).flat_map(|list| list.as_array().expect("a list")).collect();
    if all.is_empty() {
        return None;
    }
    let new = (*random.pick_ref(&all)).clone();
    let tools = role.entry(member).or_insert_with(|| json!({})).as_object_mut()?;
    tools.entry(tool).or_insert_with(|| json!([])).as_array_mut()?.push(new.clone());
    Some(format!("{member}.{tool} also has {new}"))
}

fn narrow_list(random: &mut Gen, role: &mut Role, member: &str, fresh: &[Value]) -> Option<String> {
    let list = role.entry(member).or_insert_with(|| json!([])).as_array_mut()?;
    match list.len() {
        0 => list.extend(fresh.iter().cloned()),
        1 => return None,
        many => drop(list.remove(random.below(many as u64) as usize)),
    }
    Some(format!("{member} is {list:?}"))
}

fn lower(random: &mut Gen, role: &mut Role, members: &[&str]) -> Option<String> {
    let member = random.pick(members);
    let value = match role.get(member).and_then(Value::as_u64).unwrap_or(0) {
        0 => random.range(1, 50),
        1 => return None,
        value => random.range(1, value - 1),
    };
    role.insert(member.to_owned(), json!(value));
    Some(format!("{member} is {value}"))
}

fn narrow_hours(random: &mut Gen, role: &mut Role) -> Option<String> {
    if role.contains_key("allowed_hours_end") {
        return None;
    }
    let start = random.below(24);
    let end = (start + random.range(1, 23)) % 24;
    role.insert("allowed_hours_start".to_owned(), json!(start));
    role.insert("allowed_hours_end".to_owned(), json!(end));
    Some(format!("hours {start} to {end}"))
}

fn bind_credential(random: &mut Gen, role: &mut Role, tool: &str) -> Option<String> {
    let mapping = role.entry("credential_mapping").or_insert_with(|| json!({})).as_object_mut()?;
    let name = random.pick(&CREDENTIALS);
    if mapping.insert(tool.to_owned(), json!(name)).is_some() {
        return None; // another credential is not a stricter one
    }
    Some(format!("{tool} needs {name}"))
}

/// A constraint on an optional argument, or one with alternatives, becomes stricter.
fn forget_absence(random: &mut Gen, role: &mut Role) -> Option<String> {
    let tools = role.get_mut("parameter_constraints")?.as_object_mut()?;
    let mut all: Vec<&mut Value> =
        tools.values_mut().flat_map(|list| list.as_array_mut().expect("a list")).collect();
    let at = random.below(all.len() as u64) as usize;
    let constraint = all.get_mut(at)?.as_object_mut()?;
    if constraint.remove("when_absent").is_none() {
        let alternatives = constraint.get_mut("any_of")?.as_array_mut()?;
        alternatives.pop().filter(|_| !alternatives.is_empty())?;
    }
    Some(format!("stricter: {constraint:?}"))
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn stricter_is_stricter(seed: u64) {
        let mut random = Gen::new(seed);
        let before = generated_policy(&mut random);
        let spare = generated_policy(&mut random);
        let mut after = before.clone();
        let mut how = Vec::new();
        for _ in 0..random.range(1, 3) {
            let kept = after.clone();
            match tighten(&mut random, &mut after, &spare) {
                Some(step) => how.push(step),
                None => after = kept,
            }
        }
        let names = role_names(&before);
        for _ in 0..12 {
            let role = random.pick_ref(&names).clone();
            let child = if random.chance(20) { Some(random.pick_ref(&names).clone()) } else { None };
            // Calls that the stricter policy would permit tell most.
            let policy = if random.chance(70) { &after } else { &before };
            let call = generated_call(&mut random, policy, &role);
            let (loose, strict) =
                (ask(&before, &role, child.as_deref(), &call), ask(&after, &role, child.as_deref(), &call));
            prop_assert!(
                rank(strict) >= rank(loose),
                "{loose} became {strict} for {role} (child {child:?}) calling {} with {:?}, after {how:?} in {before:#}",
                call.tool, call.args.to_json(),
            );
        }
    }
}

/// The agent gets a manifest, which it had not before.
fn add_manifest(random: &mut Gen, policy: &mut Value) -> Option<String> {
    let names = [&ACTIONS[..], &TOOLS[..]].concat();
    let actions: Map<String, Value> = random
        .some(&RESOURCES, 60)
        .into_iter()
        .map(|resource| (resource.to_owned(), json!(random.some(&names, 60))))
        .collect();
    let manifest = json!({"agent_id": "ann", "resource_actions": actions});
    match policy["manifests"].as_array_mut() {
        Some(manifests) if manifests.iter().any(|manifest| manifest["agent_id"] == "ann") => return None,
        Some(manifests) => manifests.push(manifest),
        None => policy["manifests"] = json!([manifest]),
    }
    Some("a manifest".to_owned())
}
