//! From a policy file to the roles of a plane.

use std::path::Path;

use scopegate_core::Role;
use scopegate_engine::Policy;

use super::plan::{Step, What, plan, tell};
use crate::cmd::policies::plan as policies;
use crate::confirm::change;
use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;
use crate::trial::read;

pub(super) fn diff(plane: &Plane, policy: &Path, output: &mut Output) -> Result<Exit, Failure> {
    let steps = look(plane, policy)?;
    tell(&steps, output)?;
    Ok(if steps.iter().all(|step| step.action == What::Keep) { Exit::Ok } else { Exit::Denied })
}

pub(super) fn apply(plane: &Plane, policy: &Path, yes: bool, output: &mut Output) -> Result<Exit, Failure> {
    let steps = look(plane, policy)?;
    tell(&steps, output)?;
    output.flush()?;
    let todo: Vec<&Step> = steps.iter().filter(|step| step.action != What::Keep).collect();
    if todo.is_empty() {
        output::message("nothing to do: the plane has these roles already");
        return Ok(Exit::Ok);
    }
    let question = format!("Write {} of {} roles to {}?", todo.len(), steps.len(), plane.url());
    change(yes, &question, || {
        write_all(plane, &todo)?;
        Ok(format!("{} of {} roles written", todo.len(), steps.len()))
    })
}

fn write_all(plane: &Plane, todo: &[&Step]) -> Result<(), Failure> {
    for (done, step) in todo.iter().enumerate() {
        let (role, of) = (reveal(&step.role), todo.len());
        write(plane, step)
            .map_err(|failure| failure.and(&format!("role `{role}` was not written; {done} of {of} were")))?;
    }
    Ok(())
}

fn write(plane: &Plane, step: &Step) -> Result<(), Failure> {
    let written = match step.action {
        What::Create => plane.ask(plane.client.create_role(&step.draft)),
        _ => plane.ask(plane.client.update_role(&step.role, &step.draft)),
    };
    written.map(drop)
}

/// The steps from what stands to what the file says.
fn look(plane: &Plane, policy: &Path) -> Result<Vec<Step>, Failure> {
    let policy: Policy = read(policy)?;
    for role in &policy.roles {
        refuse_local(role)?;
    }
    if !policy.manifests.is_empty() {
        return Err(Failure::usage(
            "`manifests` are enforced in a process and not on a plane: without them its agents could do more. \
             Keep these roles in a file",
        ));
    }
    if !policy.policies.is_empty() {
        refuse_without(plane, &policy)?;
    }
    if policy.records.is_some() {
        output::message("note: `records` is for a process; a plane keeps a log of its own");
    }
    plan(&policy.roles, &plane.ask(plane.client.list_roles())?)
}

/// The roles of a file are meant together with its policies: without these, agents could do more.
fn refuse_without(plane: &Plane, policy: &Policy) -> Result<(), Failure> {
    let stands = plane.ask(plane.client.xybern().list_policies())?;
    let steps = policies::plan(&policy.policies, &stands);
    match steps.iter().find(|step| step.action != policies::What::Keep) {
        Some(step) => Err(Failure::usage(format!(
            "the plane does not have policy `{}` as the file says it, and without it its agents could do more: \
             write it first, with `scopegate policies apply`",
            reveal(&step.policy)
        ))),
        None => Ok(()),
    }
}

/// A rule that a plane would keep and not enforce is refused, never ignored.
fn refuse_local(role: &Role) -> Result<(), Failure> {
    let local = [
        ("allowed_credentials", !role.allowed_credentials.is_empty()),
        ("credential_mapping", !role.credential_mapping.is_empty()),
    ];
    match local.into_iter().find(|(_, set)| *set) {
        None => Ok(()),
        Some((member, _)) => Err(Failure::usage(format!(
            "role `{}`: `{member}` is enforced in a process and not on a plane: leave it out, or keep this role in a file",
            reveal(&role.name)
        ))),
    }
}
