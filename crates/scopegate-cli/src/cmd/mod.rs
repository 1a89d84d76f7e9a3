//! One file a command: its arguments, its help, what it does.

pub(crate) mod agents;
pub(crate) mod audit;
pub(crate) mod check;
mod data;
pub(crate) mod decisions;
pub(crate) mod demo;
pub(crate) mod escalations;
pub(crate) mod explain;
pub(crate) mod grants;
pub(crate) mod keys;
pub(crate) mod mcp;
pub(crate) mod packs;
pub(crate) mod policies;
pub(crate) mod replay;
pub(crate) mod reviews;
pub(crate) mod roles;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod servers;
pub(crate) mod sessions;
pub(crate) mod status;
pub(crate) mod tenants;
pub(crate) mod validate;

use crate::args::Command;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Carries out a command.
pub(crate) fn run(command: Command, output: &mut Output) -> Result<Exit, Failure> {
    match command {
        Command::Check(check) => check.run(output),
        Command::Validate(validate) => validate.run(output),
        Command::Explain(explain) => explain.run(output),
        Command::Replay(replay) => replay.run(output),
        Command::Audit(audit) => audit.run(output),
        Command::Schema(schema) => schema.run(output),
        Command::Demo(demo) => demo.run(output),
        Command::Serve(serve) => serve.run(output),
        Command::Mcp(mcp) => mcp.run(output),
        Command::Keys(keys) => keys.run(output),
        Command::Tenants(tenants) => tenants.run(output),
        Command::Roles(roles) => roles.run(output),
        Command::Grants(grants) => grants.run(output),
        Command::Policies(policies) => policies.run(output),
        Command::Packs(packs) => packs.run(output),
        Command::Servers(servers) => servers.run(output),
        Command::Sessions(sessions) => sessions.run(output),
        Command::Agents(agents) => agents.run(output),
        Command::Decisions(decisions) => decisions.run(output),
        Command::Reviews(reviews) => reviews.run(output),
        Command::Escalations(escalations) => escalations.run(output),
        Command::Status(status) => status.run(output),
    }
}
