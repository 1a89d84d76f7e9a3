//! The proxy itself: what is in front of what, and who decides.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use scopegate_mcp::Area;
use scopegate_mcp::proxy::{Fleet, Server, Tell, UpstreamError};

use super::decider::DeciderArgs;
use super::target::{Target, TargetArgs};
use super::{listen, stdio};
use crate::cmd::serve::{log_to_stderr, stopped};
use crate::exit::{Exit, Failure};
use crate::reveal::reveal;

/// See [`Mcp`](super::Mcp).
#[derive(Debug, clap::Args)]
pub(crate) struct ProxyArgs {
    #[command(flatten)]
    decider: DeciderArgs,
    /// What everybody may have unjudged, beside tools
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    open: Vec<Open>,
    #[command(flatten)]
    listen: listen::ListenArgs,
    /// The pins of `scopegate mcp pin`: nobody sees or calls a tool that is not as it was pinned
    #[arg(long, value_name = "FILE")]
    pins: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
}

/// What a server has beside tools.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Open {
    Prompts,
    Resources,
    Completion,
}

impl ProxyArgs {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        log_to_stderr("text", "error");
        // One thread for everything: a message then never waits for another thread to wake up.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Failure::no_answer)?;
        let exit = runtime.block_on(self.serve());
        // A read of standard input that nobody answers any more must not hold the process up.
        runtime.shutdown_background();
        exit
    }

    async fn serve(self) -> Result<Exit, Failure> {
        let stopped = stopped().map_err(Failure::no_answer)?;
        let decider = self.decider.open()?;
        let pins = self.pins.as_deref().map(super::pins::required).transpose()?;
        let target = self.target.open(&decider, pins.as_ref(), &tell())?;
        for server in target.servers() {
            decider.check_lists(server.name())?;
        }
        let guard = self.open.iter().fold(decider.guard(), |guard, area| guard.open(area.area()));
        let guard = match &target {
            Target::One(server) => guard.server_name(server.name().clone()),
            Target::Several(_) => guard.server_names(Fleet::split),
        };
        prepare(target.servers(), self.listen.addr().is_some()).await?;
        let exit = match self.listen.addr() {
            None => stdio::serve(&target, &guard, stopped).await,
            Some(addr) => self.listen.serve(addr, &target, &guard, stopped).await,
        };
        for server in target.servers() {
            server.close().await;
        }
        // Best effort: the session ends with its time otherwise.
        let _ = guard.close().await;
        decider.close().await;
        exit
    }
}

/// One that cannot be reached is named, and the others end.
async fn prepare(servers: &[Arc<Server>], for_many: bool) -> Result<(), Failure> {
    for server in servers {
        let named = |error: UpstreamError| Failure::usage(reveal(&format!("{}: {error}", server.name())));
        let prepared = if for_many { server.prepare_for_many().await } else { server.prepare().await };
        prepared.map_err(named)?;
    }
    Ok(())
}

impl Open {
    fn area(self) -> Area {
        match self {
            Self::Prompts => Area::Prompts,
            Self::Resources => Area::Resources,
            Self::Completion => Area::Completion,
        }
    }
}

impl super::listen::ListenArgs {
    fn addr(&self) -> Option<SocketAddr> {
        self.listen
    }
}

/// Standard output belongs to the protocol.
fn tell() -> Tell {
    Tell::new(crate::output::message)
}
