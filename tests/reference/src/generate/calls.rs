//! Random calls, biased hard towards those that pass.

use super::arguments::Node;
use super::servers::SERVERS;
use super::{ACTIONS, ENVS, Gen, GeneratedCall, TOOLS};
use crate::decide::{Link, Reference};
use crate::mcp::server_passes;
use crate::policy::{Constraint, Role, said};

/// What a session's roles say, so far as it helps to make up a call that passes.
#[derive(Debug)]
pub struct Hints<'a> {
    reference: &'a Reference,
    session: usize,
}

impl<'a> Hints<'a> {
    /// Hints for calls of a session that is in service at `now`; `None` if it is not.
    pub fn of(reference: &'a Reference, session: usize, now: u64) -> Option<Hints<'a>> {
        reference.in_service(session, now).then_some(Hints { reference, session })
    }

    fn links(&self, tool: &str, server: Option<&str>) -> Vec<Link<'a>> {
        let link = |handle: &usize| self.reference.link(*handle, tool, server);
        self.reference.handles(self.session).iter().map(link).collect()
    }

    /// The tools that every link grants, at this server or at none.
    fn granted(&self, server: Option<&str>) -> Vec<&'static str> {
        let granted = |tool: &&str| self.links(tool, server).iter().all(|link| !link.guards.is_empty());
        TOOLS.into_iter().filter(granted).collect()
    }

    /// Every tool that could be permitted, and where it may go.
    fn reachable(&self) -> Vec<(&'static str, Option<&'static str>)> {
        let everywhere = std::iter::once(None).chain(SERVERS.map(Some));
        let passes =
            |tool: &str, server| self.links(tool, server).iter().all(|link| server_passes(link, server));
        everywhere
            .flat_map(|server| self.granted(server).into_iter().map(move |tool| (tool, server)))
            .filter(|(tool, server)| passes(tool, *server))
            .collect()
    }
}

fn constraints<'a>(
    members: &[&'a Role],
    tool: &str,
    server: Option<&str>,
    unless_too: bool,
) -> Vec<&'a Constraint> {
    let mut list: Vec<&Constraint> = Vec::new();
    for role in members {
        list.extend(said(&role.constraints, tool, server).flatten());
        if unless_too {
            list.extend(said(&role.approval_unless, tool, server).flatten());
        }
    }
    list
}

impl Gen {
    /// A call of that session, or of any session if there are no hints.
    pub fn call(&mut self, hints: Option<&Hints>) -> GeneratedCall {
        let (tool, server) = self.goal(hints);
        let links = hints.map(|hints| hints.links(&tool, server.as_deref())).unwrap_or_default();
        let members: Vec<&Role> = links.iter().flat_map(|link| link.chain.iter().copied()).collect();
        let guards: Vec<&Role> = links.iter().flat_map(|link| link.guards.iter().copied()).collect();

        let unless_too = self.chance(60);
        let wanted = constraints(&members, &tool, server.as_deref(), unless_too);
        let mut arguments = self.satisfy(&wanted);

        let action = if self.chance(35) { Some(self.pick(&ACTIONS).to_string()) } else { None };
        let fixed = hints.and_then(|hints| hints.reference.fixed_env());
        let fits = |env: &&str| {
            guards.iter().all(|r| r.allowed_envs.is_empty() || r.allowed_envs.iter().any(|e| e == env))
        };
        let fitting: Vec<&str> = ENVS.into_iter().filter(fits).collect();
        let good =
            fixed.or(if fitting.is_empty() { None } else { Some(self.pick(&fitting)) }).unwrap_or("prod");
        let env = match self.below(100) {
            0..=14 => Some(good.to_string()),
            15..=16 => Some(self.pick(&["prod", "dev", "PROD", "", "qa"]).to_string()),
            _ => None,
        };

        if let Node::Object(members) = &mut arguments {
            self.add_env(
                members,
                env.as_deref().unwrap_or(good),
                guards.iter().any(|r| !r.allowed_envs.is_empty()),
            );
            let most = guards.iter().map(|role| role.max_rows).filter(|rows| *rows > 0).min();
            self.add_limit(members, most);
            if self.chance(15) {
                let extra = Node::Raw(self.pick(&["1", "\"x\"", "[1,{\"a\":null}]", "1.5e1"]).to_string());
                members.push(("note".to_string(), extra));
            }
            if self.chance(50) {
                members.reverse();
            }
        }
        let spoil = if wanted.is_empty() { 8 } else { 25 };
        let args = if self.chance(spoil) { self.mutate(arguments) } else { self.write(&arguments, true) };
        let manifest = hints.and_then(|hints| hints.reference.manifest(hints.session));
        let resource = self.resource(manifest, action.as_deref(), &tool);
        let (claim, schema) = self.claims(server.is_some());
        let via = self.via();
        GeneratedCall { tool, action, env, resource, server, claim, via, schema, args }
    }

    /// The tool, and the server that the call names.
    fn goal(&mut self, hints: Option<&Hints>) -> (String, Option<String>) {
        let reachable = hints.map(Hints::reachable).unwrap_or_default();
        if !reachable.is_empty() && self.chance(90) {
            let (tool, server) = self.pick(&reachable);
            return (tool.to_string(), server.map(str::to_string));
        }
        let granted = hints.map(|hints| hints.granted(None)).unwrap_or_default();
        let tool = self.tool(&granted);
        let links = hints.map(|hints| hints.links(&tool, None)).unwrap_or_default();
        let server = self.server(&links);
        (tool, server)
    }

    fn tool(&mut self, granted: &[&str]) -> String {
        if !granted.is_empty() && self.chance(60) {
            return self.pick(granted).to_string();
        }
        let tool = self.pick(&TOOLS);
        match self.below(10) {
            // No tool has such a name, whatever entries look like.
            6 => format!("{tool}@{}", self.pick(&SERVERS)),
            7 => format!("{tool}@"),
            0 => tool.to_uppercase(),
            1 => format!("{tool} "),
            2 => tool.replace('a', "\u{430}"),
            3 => format!("{tool}\0"),
            4 => "unknown_tool".to_string(),
            5 => "".to_string(),
            _ => tool.to_string(),
        }
    }

    fn add_env(&mut self, members: &mut Vec<(String, Node)>, good: &str, restricted: bool) {
        if members.iter().any(|(name, _)| name == "env") || !self.chance(if restricted { 90 } else { 8 }) {
            return;
        }
        let value = match self.below(40) {
            0 => Node::Text(self.pick(&["prod", "dev", "Prod", "qa", ""]).to_string()),
            1 => Node::null(),
            2 => Node::Raw("1".to_string()),
            _ => Node::Text(good.to_string()),
        };
        members.push(("env".to_string(), value));
    }

    fn add_limit(&mut self, members: &mut Vec<(String, Node)>, most: Option<u64>) {
        if members.iter().any(|(name, _)| name == "limit")
            || !self.chance(if most.is_some() { 90 } else { 5 })
        {
            return;
        }
        let most = most.unwrap_or(10);
        let text = match self.below(30) {
            0 => (most + 1).to_string(),
            1 => "-1".to_string(),
            2 => "0.5".to_string(),
            3 => "null".to_string(),
            4 => format!("\"{most}\""),
            5..=9 => format!("{most}.0"),
            10..=12 => format!("{most}0e-1"),
            13..=15 => "0".to_string(),
            _ => most.to_string(),
        };
        members.push(("limit".to_string(), Node::Raw(text)));
    }
}
