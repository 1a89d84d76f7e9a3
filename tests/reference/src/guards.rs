//! The guards of a decision, one function each. They know no state but what they are handed.

use crate::constraint::{fold, holds};
use crate::decide::{Call, Link, SECOND};
use crate::json::Json;
use crate::manifest::Manifest;
use crate::number::Decimal;
use crate::policy::{Constraint, Role, said, speaks_of};
use crate::rate::{Account, Charge, Window};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What lines 4 to 6 look at beside the call and its roles.
pub(crate) struct Before<'a> {
    pub(crate) now: u64,
    /// In tenths.
    pub(crate) trust: u64,
    pub(crate) resolvable: &'a HashSet<String>,
    pub(crate) manifest: Option<&'a Manifest>,
    /// Whether trust and time stand back.
    pub(crate) lifts: bool,
}

/// Lines 4 to 6.
pub(crate) fn judge_before_arguments(links: &[Link], call: &Call, before: &Before) -> Option<&'static str> {
    let Before { now, trust, resolvable, manifest, lifts } = *before;
    // Line 4.
    let forbids = |pattern: &String| {
        let (pattern, at) = pattern.split_once('@').map_or((pattern.as_str(), None), |(p, at)| (p, Some(at)));
        let there =
            at.is_none_or(|at| call.server.is_some_and(|s| glob_matches(at.as_bytes(), s.as_bytes())));
        let names = [Some(call.tool), call.action];
        there && names.into_iter().flatten().any(|name| glob_matches(pattern.as_bytes(), name.as_bytes()))
    };
    if links.iter().flat_map(|link| &link.chain).any(|role| role.denied_actions.iter().any(forbids)) {
        return Some("ACTION_FORBIDDEN");
    }
    // Line 5.
    if links.iter().any(|link| link.guards.is_empty()) {
        return Some("SCOPE_VIOLATION");
    }
    // A role that grants is not enough where the agent has a manifest and the call names a resource.
    if let (Some(manifest), Some(resource)) = (manifest, call.resource)
        && !manifest.covers(resource, call.action, call.tool)
    {
        return Some("SCOPE_VIOLATION");
    }
    let distrusts = |role: &&Role| role.min_trust.is_some_and(|least| trust < least);
    if !lifts && links.iter().any(|link| link.guards.iter().any(distrusts)) {
        return Some("TRUST_TOO_LOW");
    }
    let credential_fails = |role: &&Role| {
        let mut credentials = said(&role.credential_mapping, call.tool, call.server);
        credentials.any(|name| !role.allowed_credentials.contains(name) || !resolvable.contains(name))
    };
    if links.iter().any(|link| link.chain.iter().any(credential_fails)) {
        return Some("CREDENTIAL_VIOLATION");
    }
    for (distance, link) in links.iter().enumerate() {
        if distance as u64 > link.role.max_delegation_depth {
            return Some("DELEGATION_DEPTH_EXCEEDED");
        }
    }
    // Line 6.
    if !lifts && links.iter().any(|link| link.guards.iter().any(|role| !time_passes(role, now))) {
        return Some("TIME_VIOLATION");
    }
    None
}

/// Whether a glob matches a whole name; `*` is any run of bytes.
pub(crate) fn glob_matches(glob: &[u8], name: &[u8]) -> bool {
    match glob.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skip| glob_matches(rest, &name[skip..])),
        Some((byte, rest)) => {
            name.split_first().is_some_and(|(first, others)| first == byte && glob_matches(rest, others))
        }
    }
}

/// Whether a role could list a tool of this name.
pub(crate) fn is_name(tool: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
    (1..=128).contains(&tool.len()) && tool.bytes().all(allowed)
}

/// Whether the hour and the day are allowed.
fn time_passes(role: &Role, now: u64) -> bool {
    let hour = now / (3600 * SECOND) % 24;
    // 1970-01-01 was a Thursday, which is day 3.
    let day = (now / (24 * 3600 * SECOND) + 3) % 7;
    let (start, end) = role.hours;
    let hour_passes = match start.cmp(&end) {
        Ordering::Equal => true,
        Ordering::Less => start <= hour && hour < end,
        Ordering::Greater => hour >= start || hour < end,
    };
    hour_passes && (role.days.is_empty() || role.days.contains(&day))
}

/// Whether any rule of this call reads arguments.
pub(crate) fn reads_arguments(links: &[Link], call: &Call, fixed_env: Option<&str>) -> bool {
    let listed = |map: &HashMap<String, Vec<Constraint>>| {
        said(map, call.tool, call.server).any(|list| !list.is_empty())
    };
    let tool_rule = |role: &&Role| {
        listed(&role.constraints)
            || listed(&role.approval_unless)
            || role.approval_required.iter().any(|entry| speaks_of(entry, call.tool, call.server))
    };
    let wide_rule =
        |role: &&Role| role.max_rows > 0 || (!role.allowed_envs.is_empty() && fixed_env.is_none());
    links.iter().any(|link| link.chain.iter().any(tool_rule) || link.guards.iter().any(wide_rule))
}

/// An `env` argument that is read has to say what the deployment or the call says.
pub(crate) fn env_agrees(arguments: &Json, fixed_env: Option<&str>) -> bool {
    if fixed_env.is_some() && has_case_variant(arguments, "env") {
        return false;
    }
    match (fixed_env, arguments.present("env")) {
        (Some(fixed), Some(Json::Str(argument))) => argument == fixed,
        (Some(_), Some(_)) => false,
        _ => true,
    }
}

/// Whether the role allows the call's env.
pub(crate) fn env_passes(role: &Role, arguments: &Json, fixed_env: Option<&str>) -> bool {
    if role.allowed_envs.is_empty() {
        return true;
    }
    if has_case_variant(arguments, "env") {
        return false;
    }
    let listed = |env: &str| role.allowed_envs.iter().any(|allowed| allowed == env);
    match (fixed_env, arguments.present("env")) {
        (Some(fixed), _) => listed(fixed),
        (None, None) => role.env_optional,
        (None, Some(Json::Str(env))) => listed(env),
        (None, Some(_)) => false,
    }
}

/// Whether the call asks for no more rows than the role allows.
pub(crate) fn rows_pass(role: &Role, arguments: &Json) -> bool {
    if role.max_rows == 0 {
        return true;
    }
    if has_case_variant(arguments, "limit") {
        return false;
    }
    match arguments.present("limit") {
        None => role.rows_optional,
        Some(Json::Num(limit)) => {
            let most = Decimal::from_u64(role.max_rows);
            limit.is_integer() && !limit.is_negative() && limit.compare(&most) != Ordering::Greater
        }
        Some(_) => false,
    }
}

/// Whether a top-level member differs from the name by case alone.
fn has_case_variant(arguments: &Json, name: &str) -> bool {
    match arguments {
        Json::Obj(members) => members.iter().any(|(other, _)| other != name && fold(other) == name),
        _ => false,
    }
}

/// Whether every constraint of a list holds.
pub(crate) fn all_hold(list: &[Constraint], arguments: &Json) -> bool {
    list.iter().all(|constraint| holds(constraint, arguments))
}

/// Whether this role wants a person to agree to this call.
pub(crate) fn wants_person(role: &Role, call: &Call, arguments: &Json) -> bool {
    role.approval_required.iter().any(|entry| speaks_of(entry, call.tool, call.server))
        || said(&role.approval_unless, call.tool, call.server).any(|list| !all_hold(list, arguments))
}

/// All accounts the call has to pay for the roles' own limits, each once.
pub(crate) fn charges(links: &[Link]) -> Vec<Charge> {
    let mut charges = BTreeMap::new();
    for link in links {
        for role in &link.guards {
            charge(&mut charges, link, role, Window::Minute, None, role.rate_per_minute);
            charge(&mut charges, link, role, Window::Hour, None, role.rate_per_hour);
        }
    }
    charges.into_iter().collect()
}

/// All accounts the call has to pay for going to that MCP server, and to that tool there, each once.
pub(crate) fn server_charges(links: &[Link], tool: &str, server: Option<&str>) -> Vec<Charge> {
    let mut charges = BTreeMap::new();
    for (link, server) in links.iter().zip(std::iter::repeat(server)) {
        let Some(server) = server else { continue };
        for role in &link.guards {
            for (limited, limit) in &role.mcp_rates {
                if limited == server || limited.split_once('@') == Some((tool, server)) {
                    charge(&mut charges, link, role, Window::Minute, Some(limited), *limit);
                }
            }
        }
    }
    charges.into_iter().collect()
}

fn charge(
    charges: &mut BTreeMap<Account, u64>,
    link: &Link,
    role: &Role,
    window: Window,
    server: Option<&str>,
    limit: u64,
) {
    if limit == 0 {
        return;
    }
    let (member, server) = (role.name.clone(), server.map(str::to_string));
    let shared = Account::Shared {
        owner: link.owner.to_string(),
        role: link.role.name.clone(),
        member: member.clone(),
        window,
        server: server.clone(),
    };
    if role.rate_by_session {
        charges.insert(Account::Session { session: link.session, member, window, server }, limit);
        charges.insert(shared, limit * 10);
    } else {
        charges.insert(shared, limit);
    }
}
