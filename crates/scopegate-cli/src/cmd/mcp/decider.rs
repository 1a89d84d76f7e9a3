//! Who decides: a policy file in this process, or a plane.

use std::collections::BTreeMap;
use std::path::PathBuf;

use scopegate_client::{Client, RemoteEnforcer};
use scopegate_core::{Catalogue, Name, Provision};
use scopegate_engine::{LocalEnforcer, Policy};
use scopegate_mcp::Guard;
use scopegate_mcp::proxy::{CatalogueSink, Refused};

use super::shown::Shown;
use crate::exit::Failure;
use crate::reveal::reveal;
use crate::trial;

/// Which policy or plane, and in which role.
#[derive(Debug, clap::Args)]
pub(crate) struct DeciderArgs {
    /// The policy file, YAML or JSON
    #[arg(short, long, value_name = "FILE", required_unless_present = "plane")]
    policy: Option<PathBuf>,
    /// A plane that decides instead, with the key of an agent from SCOPEGATE_API_KEY
    #[arg(long, value_name = "URL", conflicts_with = "policy", requires = "role")]
    plane: Option<String>,
    /// The role of the client's agent; may be left out when the policy has only one
    #[arg(short, long)]
    role: Option<Name>,
    /// The agent, as records name it
    #[arg(long, value_name = "NAME", default_value = "mcp")]
    agent: Name,
}

/// An enforcer, and who asks it.
pub(crate) struct Decider {
    kind: Kind,
    session: Provision,
}

enum Kind {
    Local(LocalEnforcer, Box<Policy>),
    Remote(RemoteEnforcer),
}

impl DeciderArgs {
    pub(crate) fn open(&self) -> Result<Decider, Failure> {
        match (&self.policy, &self.plane) {
            (Some(path), _) => {
                let policy = trial::read(path)?;
                let role = trial::role(&policy, self.role.as_ref())?;
                let enforcer = LocalEnforcer::new(policy.clone()).map_err(Failure::usage)?;
                Ok(self.decider(Kind::Local(enforcer, Box::new(policy)), role))
            }
            (None, Some(url)) => {
                let client = Client::builder().url(url).env();
                if !client.has_api_key() {
                    return Err(Failure::usage("set SCOPEGATE_API_KEY to the plane's key of an agent"));
                }
                let enforcer = RemoteEnforcer::builder(client).build();
                let enforcer = enforcer.map_err(|error| Failure::usage(reveal(&error.to_string())))?;
                let role = self.role.clone().ok_or_else(|| Failure::usage("which role? add --role"))?;
                Ok(self.decider(Kind::Remote(enforcer), role))
            }
            (None, None) => Err(Failure::usage("who decides? add --policy FILE, or --plane URL")),
        }
    }

    fn decider(&self, kind: Kind, role: Name) -> Decider {
        Decider { kind, session: Provision::new(role, self.agent.clone()) }
    }
}

impl Decider {
    /// A guard whose session is opened when the first call comes.
    pub(crate) fn guard(&self) -> Guard {
        match &self.kind {
            Kind::Local(enforcer, _) => Guard::opening(enforcer.clone(), self.session.clone()),
            Kind::Remote(enforcer) => Guard::opening(Shown(enforcer.clone()), self.session.clone()),
        }
    }

    /// A role that does not list a server is denied everything there: better said now.
    pub(crate) fn check_lists(&self, server: &Name) -> Result<(), Failure> {
        let Kind::Local(_, policy) = &self.kind else { return Ok(()) };
        let listed = listed(policy, &self.session.role);
        if listed.contains(&server) {
            return Ok(());
        }
        let (role, server) = (&self.session.role, reveal(server));
        let others = match &*listed {
            [] => "it lists none".to_owned(),
            some => {
                format!("it lists {}", some.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "))
            }
        };
        Err(Failure::usage(format!(
            "role `{role}` may not use the server `{server}`: {others}\nadd `{server}` to its allowed_mcp_servers, or say \
             with --server-name under which of these names the server is known"
        )))
    }

    /// Takes up what servers offer; a plane has its own catalogues.
    pub(crate) fn sink(&self) -> Option<impl CatalogueSink + use<>> {
        match &self.kind {
            Kind::Local(enforcer, policy) => {
                Some(Sink { enforcer: enforcer.clone(), written: policy.mcp_servers.clone() })
            }
            Kind::Remote(_) => None,
        }
    }

    /// What was decided here is sent to the plane, what is recorded is on disk.
    pub(crate) async fn close(&self) {
        match &self.kind {
            Kind::Local(enforcer, _) => enforcer.flush().await,
            Kind::Remote(enforcer) => enforcer.close().await,
        };
    }
}

/// The servers of a role and of those it inherits from.
fn listed<'a>(policy: &'a Policy, role: &'a str) -> Vec<&'a Name> {
    let find = |name: &str| policy.roles.iter().find(|role| role.name == name);
    let chain = std::iter::successors(find(role), |role| find(role.parent_role_id.as_ref()?));
    // A policy whose roles inherit in a circle is refused when it is read.
    chain.flat_map(|role| &role.allowed_mcp_servers).collect()
}

/// What the policy says of a server stands above what the server says of itself, a quarantine above both.
struct Sink {
    enforcer: LocalEnforcer,
    written: BTreeMap<Name, Catalogue>,
}

impl CatalogueSink for Sink {
    fn put(&self, server: &Name, catalogue: Catalogue) -> Result<(), Refused> {
        let catalogue = match self.written.get(server) {
            Some(written) => written.clone().quarantine_as(&catalogue),
            None => catalogue,
        };
        self.enforcer.put_catalogue(server.clone(), catalogue).map_err(|error| Refused(error.to_string()))
    }
}
