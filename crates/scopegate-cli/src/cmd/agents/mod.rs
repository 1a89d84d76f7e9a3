//! `scopegate agents`: who acts on a plane, what they prove themselves with, and an end to it.

mod keys;
mod show;

use scopegate_client::xybern::{AgentDraft, Paging, Permissions};

use self::keys::Keys;
use crate::confirm;
use crate::connection::{Connection, Plane};
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};
use crate::reveal::reveal;

/// Register agents of a plane, look into them, stop them, and let them go on
///
/// An agent's id is the owner of its sessions. Whoever is not registered is known by the name of its key
/// (`keys create --name`), or else by the key's id, and can be suspended by it. Looking takes a key of kind
/// admin or auditor, everything else one of kind admin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 not (you said no), 2 it cannot be done as given, 4 no answer

Examples:
  scopegate agents register invoice-bot --framework langchain --key-file invoice-bot.pem
  scopegate agents list
  scopegate agents keys rotate agent_3hTq0ZkV9aXcQ1w2 --key-file invoice-bot.pem
  scopegate agents suspend invoice-bot")]
pub(crate) struct Agents {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Register an agent, with a private key that is shown once
    ///
    /// One of the same name and framework is found, and left as it is.
    Register {
        /// What people call it
        name: String,
        /// What it is built with
        #[arg(long, default_value = "custom")]
        framework: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// What it may pass on; again for each
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        #[command(flatten)]
        key: keys::New,
    },
    /// List agents in the order they were registered
    List,
    /// Show everything about an agent
    Show {
        /// Its id
        agent: String,
    },
    /// Change what is known of an agent
    Update {
        /// Its id
        agent: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        /// What it is for; empty for nothing
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// What it may pass on, in the place of what it might; again for each
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Option<Vec<String>>,
        /// Patterns of all that it may do, in the place of what stood there; empty for no limit; again for each
        #[arg(long = "allow", value_name = "PATTERN")]
        allow: Option<Vec<String>>,
        /// Patterns of what it may never do, in the place of what stood there; empty for nothing; again for each
        #[arg(long = "deny", value_name = "PATTERN")]
        deny: Option<Vec<String>>,
        /// Let it go on after it was deactivated
        #[arg(long)]
        activate: bool,
    },
    /// Deny every call of an agent, and end its sessions
    Deactivate {
        /// Its id
        agent: String,
        /// Deactivate it without asking
        #[arg(short, long)]
        yes: bool,
    },
    /// Show what was decided for an agent, newest first
    History {
        /// Its id
        agent: String,
        /// How many decisions, 200 at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=200))]
        last: u64,
    },
    /// What an agent proves itself with
    Keys(Keys),
    /// Deny every call of whoever acts under a name, in all its sessions, and open no new one
    Suspend {
        /// The agent's id, or the owner of its sessions
        owner: String,
    },
    /// Judge its calls again, also in sessions that are not over by then
    Readmit {
        /// The agent's id, or the owner of its sessions
        owner: String,
    },
}

impl Agents {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.action {
            Action::Register { name, framework, description, scopes, key } => {
                let mut draft = AgentDraft::named(name).of_framework(framework);
                draft.description = description;
                draft.scopes = Some(scopes).filter(|scopes| !scopes.is_empty());
                register(&plane, draft, &key, output)
            }
            Action::List => show::list(&plane, output),
            Action::Show { agent } => {
                output.members(&plane.ask(plane.client.xybern().get_agent(&agent))?)?;
                Ok(Exit::Ok)
            }
            Action::Update { agent, name, description, scopes, allow, deny, activate } => {
                let mut draft = AgentDraft::default();
                (draft.name, draft.description, draft.scopes) = (name, description, scopes);
                draft.is_active = activate.then_some(true);
                if allow.is_some() || deny.is_some() {
                    draft.permissions = Some(permissions(&plane, &agent, allow, deny)?);
                }
                if draft == AgentDraft::default() {
                    return Err(Failure::usage(
                        "say what to change: --name, --description, --scope, --allow, --deny or --activate",
                    ));
                }
                output.members(&plane.ask(plane.client.xybern().update_agent(&agent, &draft))?)?;
                Ok(Exit::Ok)
            }
            Action::Deactivate { agent, yes } => deactivate(&plane, &agent, yes, output),
            Action::History { agent, last } => show::history(&plane, &agent, Paging::new(1, last), output),
            Action::Keys(keys) => keys.run(&plane, output),
            Action::Suspend { owner } => {
                plane.ask(plane.client.suspend(&owner))?;
                output::message(&format!("`{}` is suspended", reveal(&owner)));
                Ok(Exit::Ok)
            }
            Action::Readmit { owner } => {
                plane.ask(plane.client.readmit(&owner))?;
                output::message(&format!("`{}` is readmitted", reveal(&owner)));
                Ok(Exit::Ok)
            }
        }
    }
}

fn register(
    plane: &Plane,
    mut draft: AgentDraft,
    key: &keys::New,
    output: &mut Output,
) -> Result<Exit, Failure> {
    draft.credential_ttl_days = key.days;
    // Looked at first: a private key that cannot be written is lost.
    let mut place = key.place()?;
    let made = plane.ask(plane.client.xybern().register_agent(&draft))?;
    let new = made.credential.as_ref().is_some_and(|credential| credential.private_key.is_some());
    let name = reveal(&made.agent.name);
    if !new {
        drop(place);
        output::message(&format!("agent `{name}` was registered already; it is left as it is"));
        output.members(&made.agent)?;
        return Ok(Exit::Ok);
    }
    let Some(credential) = made.credential else { return Err(Failure::no_answer("no credential came")) };
    output::message(&format!("agent `{name}` is registered as {}", reveal(&made.agent.agent_id)));
    place.keep(credential, output)
}

/// The agent's permissions with these in the place of what stood there.
fn permissions(
    plane: &Plane,
    agent: &str,
    allow: Option<Vec<String>>,
    deny: Option<Vec<String>>,
) -> Result<Permissions, Failure> {
    let mut permissions = plane.ask(plane.client.xybern().get_agent(agent))?.permissions;
    let given = |patterns: Vec<String>| patterns.into_iter().filter(|pattern| !pattern.is_empty()).collect();
    if let Some(patterns) = allow {
        permissions.allowed_action_types = given(patterns);
    }
    if let Some(patterns) = deny {
        permissions.denied_action_types = given(patterns);
    }
    Ok(permissions)
}

fn deactivate(plane: &Plane, agent: &str, yes: bool, output: &mut Output) -> Result<Exit, Failure> {
    // Looked at first, so that nobody is asked about an agent that is not there.
    let name = reveal(&plane.ask(plane.client.xybern().get_agent(agent))?.name);
    let question = format!("Deactivate agent `{name}`? Its sessions end, and every call is denied.");
    confirm::change(yes, &question, || {
        let agent = plane.ask(plane.client.xybern().deactivate_agent(agent))?;
        if output.is_json() {
            output.json(&agent)?;
        }
        Ok(format!("agent `{name}` is deactivated"))
    })
}
