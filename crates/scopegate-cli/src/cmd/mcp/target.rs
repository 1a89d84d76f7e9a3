//! The servers that calls go to.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use scopegate_core::Name;
use scopegate_core::pin::Pins;
use scopegate_mcp::proxy::{Endpoint, Program, Server, Tell, Upstream, UpstreamError};

use super::decider::Decider;
use super::servers;
use crate::exit::Failure;
use crate::reveal::reveal;

/// A program to start, an address, or a file with several of them.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The server")]
pub(crate) struct TargetArgs {
    /// The server's name in roles [default: the program's name, or the host]
    #[arg(long, value_name = "NAME", conflicts_with = "servers")]
    server_name: Option<Name>,
    /// A server that speaks streamable HTTP
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    upstream: Option<String>,
    /// A header for that server, with its value in a variable: Authorization=TOKEN_VARIABLE
    #[arg(long, value_name = "NAME=VARIABLE", requires = "upstream")]
    upstream_header: Vec<String>,
    /// One more variable of the environment for the program, which else gets PATH, HOME, LANG, TERM
    /// and TMPDIR; a NAME alone passes this process's own value on
    #[arg(long, value_name = "NAME[=VALUE]", requires = "command")]
    env: Vec<String>,
    /// A YAML file with several servers, `servers: {NAME: {command, args, env} or {url, headers}}`:
    /// their tools and prompts are shown as NAME__TOOL
    #[arg(long, value_name = "FILE", conflicts_with_all = ["upstream", "command"])]
    servers: Option<PathBuf>,
    /// Let a method through that MCP does not have; a role has to grant it as `mcp:METHOD`
    #[arg(long, value_name = "METHOD")]
    allow_method: Vec<String>,
    /// The program that is the server, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// One server, or several that are served as one.
pub(crate) enum Target {
    One(Arc<Server>),
    Several(Vec<Arc<Server>>),
}

impl Target {
    pub(crate) fn servers(&self) -> &[Arc<Server>] {
        match self {
            Self::One(server) => std::slice::from_ref(server),
            Self::Several(servers) => servers,
        }
    }
}

impl TargetArgs {
    /// Nothing is started yet.
    pub(crate) fn open(
        &self,
        decider: &Decider,
        pins: Option<&Pins>,
        tell: &Tell,
    ) -> Result<Target, Failure> {
        let server = |name: Name, upstream: Upstream| {
            let mut server = Server::new(name, upstream).tell(tell.clone());
            if let Some(pins) = pins {
                let own = pins.server(server.name()).cloned().unwrap_or_default();
                server = server.pinned(own);
            }
            if let Some(sink) = decider.sink() {
                server = server.catalogue_to(sink);
            }
            let methods = self.allow_method.iter();
            Arc::new(methods.fold(server, |server, method| server.allow_method(method)))
        };
        if let Some(path) = &self.servers {
            let all = servers::read(path)?.into_iter().map(|(name, upstream)| server(name, upstream));
            return Ok(Target::Several(all.collect()));
        }
        let (name, upstream) = self.named()?;
        Ok(Target::One(server(name, upstream)))
    }

    /// The one server, for whoever only wants to know what it offers.
    pub(crate) fn alone(&self, tell: &Tell) -> Result<Server, Failure> {
        if self.servers.is_some() {
            return Err(Failure::usage("one server at a time: give its command, or --upstream URL"));
        }
        let (name, upstream) = self.named()?;
        Ok(Server::new(name, upstream).tell(tell.clone()))
    }

    /// Each server, for whoever only wants to know what they offer.
    pub(crate) fn each(&self, tell: &Tell) -> Result<Vec<Server>, Failure> {
        let Some(path) = &self.servers else { return Ok(vec![self.alone(tell)?]) };
        let all = servers::read(path)?.into_iter();
        Ok(all.map(|(name, upstream)| Server::new(name, upstream).tell(tell.clone())).collect())
    }

    fn named(&self) -> Result<(Name, Upstream), Failure> {
        let upstream = self.upstream()?;
        let name = self.server_name.clone().or_else(|| upstream.name().map(Name::from));
        let name = name.ok_or_else(|| Failure::usage("what is the server called? add --server-name"))?;
        Ok((name, upstream))
    }

    fn upstream(&self) -> Result<Upstream, Failure> {
        if let Some(url) = &self.upstream {
            let headers = self.upstream_header.iter().map(|header| header.split_once('=').ok_or_else(|| {
                let name = reveal(header.split([' ', ':']).next().unwrap_or_default());
                Failure::usage(format!(
                    "--upstream-header {name}: a value never stands on the command line, where others see it; say \
                     NAME=VARIABLE"
                ))
            }));
            let headers = headers.collect::<Result<Vec<_>, _>>()?;
            return endpoint(url, headers).map(Upstream::Endpoint);
        }
        if self.command.is_empty() {
            return Err(Failure::usage(
                "which server? end the command with `-- COMMAND ARGUMENTS`, or add --upstream URL or --servers FILE",
            ));
        }
        passed_on(Program::new(&self.command), &self.env).map(Upstream::Program)
    }
}

/// A server at an address, with headers whose values are in variables.
pub(super) fn endpoint<'h>(
    url: &str,
    headers: impl IntoIterator<Item = (&'h str, &'h str)>,
) -> Result<Endpoint, Failure> {
    let wrong = |error: UpstreamError| Failure::usage(reveal(&error.to_string()));
    headers.into_iter().try_fold(Endpoint::new(url).map_err(wrong)?, |endpoint, (name, variable)| {
        let value = std::env::var(variable).map_err(|_| {
            Failure::usage(format!("header {}: the variable `{}` is not set", reveal(name), reveal(variable)))
        })?;
        endpoint.header(name, &value).map_err(wrong)
    })
}

/// A program, with more of the environment.
pub(super) fn passed_on(program: Program, env: &[String]) -> Result<Program, Failure> {
    env.iter().try_fold(program, |program, variable| {
        let (name, value) = match variable.split_once('=') {
            Some((name, value)) => (name, OsString::from(value)),
            None => {
                let unset = || Failure::usage(format!("env: the variable `{}` is not set", reveal(variable)));
                (variable.as_str(), std::env::var_os(variable).ok_or_else(unset)?)
            }
        };
        Ok(program.env(name, value))
    })
}
