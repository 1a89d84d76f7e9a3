//! `scopegate demo`: a gated tool service, driven by recorded agent calls over real HTTP.

mod desk;
mod drive;
mod hints;
mod plane;
mod suite;

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;

use self::drive::Driver;
use self::suite::Suite;
use super::replay::{Replayed, Summary};
use crate::exit::{Exit, Failure};
use crate::output::{Output, coloured};
use crate::reveal::reveal;

/// Where the demo listens unless told otherwise.
const ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// Watch a gate at work: a tool service, two policies, and recorded agent calls over HTTP
///
/// Starts two small tool services on this machine, an office assistant and a chat assistant, each
/// behind a gate with a policy of its own. Then plays an agent: sends the tool calls that the
/// AgentDojo benchmark recorded, those that solve the users' tasks and those that successful prompt
/// injections would make, and shows each answer as it comes.
///
/// Afterwards the services keep running, and the commands to try every outcome yourself are
/// printed, with tokens that work. Ctrl-C ends it; --once ends it right away.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 2 wrong usage, 4 the services could not be started or did not answer

Examples:
  scopegate demo
  scopegate demo --once
  scopegate demo --once --output json
  scopegate demo --plane")]
pub(crate) struct Demo {
    /// Stop after the recorded calls instead of serving on
    #[arg(long)]
    once: bool,
    /// Decide with a plane that runs beside: shows where each call was decided, and how long it took
    #[arg(long, conflicts_with = "addr")]
    plane: bool,
    /// Where to listen; port 0 takes any free one [default: 127.0.0.1:8787, or any free port]
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    addr: Option<SocketAddr>,
}

impl Demo {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::no_answer)?;
        runtime.block_on(self.play(output))
    }

    async fn play(self, output: &mut Output) -> Result<Exit, Failure> {
        let suites = Suite::all()?;
        if self.plane {
            plane::play(&suites, output).await?;
            return Ok(Exit::Ok);
        }
        let desk = desk::Desk::open(&suites)?;
        let listener = self.listen().await?;
        let addr = listener.local_addr().map_err(Failure::no_answer)?;
        let app =
            suites.iter().fold(Router::new(), |app, suite| app.merge(suite.router())).merge(desk.router());
        let server = tokio::spawn(axum::serve(listener, app).into_future());
        for suite in &suites {
            show(suite, addr, output).await?;
        }
        if !self.once && !output.is_json() {
            hints::tell(&suites, &desk, addr, output)?;
            output.flush()?;
            tokio::signal::ctrl_c().await.map_err(Failure::no_answer)?;
            output.line("\nstopped")?;
        }
        server.abort();
        Ok(Exit::Ok)
    }

    async fn listen(&self) -> Result<TcpListener, Failure> {
        let failed = |addr, error| {
            Failure::no_answer(format!("cannot listen on {addr}: {error}; try --addr 127.0.0.1:0"))
        };
        match self.addr {
            Some(addr) => TcpListener::bind(addr).await.map_err(|error| failed(addr, error)),
            // A second demo on the same machine takes another port.
            None => match TcpListener::bind(ADDR).await {
                Ok(listener) => Ok(listener),
                Err(_) => TcpListener::bind((ADDR.ip(), 0)).await.map_err(|error| failed(ADDR, error)),
            },
        }
    }
}

/// Sends the recorded calls of a suite and shows the answers.
async fn show(suite: &Suite, addr: SocketAddr, output: &mut Output) -> Result<(), Failure> {
    let calls = suite.calls()?;
    let driver = Driver::new(suite, addr);
    if !output.is_json() {
        output.line(format!(
            "\n{}: {} recorded calls to http://{addr}/{}/tools/…\n",
            suite.title,
            calls.len(),
            suite.name
        ))?;
    }
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls {
        let answer = driver.send(call).await?;
        if output.is_json() {
            output.json(&answer)?;
        } else {
            output.line(line(&answer))?;
            output.flush()?;
        }
        answers.push(answer);
    }
    if !output.is_json() {
        output.line("")?;
        Summary::of(&answers).tell(output)?;
    }
    Ok(())
}

/// One answer, as it comes.
fn line(answer: &Replayed) -> String {
    let who = format!("{} {}", answer.kind(), answer.task());
    let why = match (&answer.code, &answer.reason) {
        (Some(code), Some(reason)) => format!("{code}: {reason}"),
        (_, reason) => reason.clone().unwrap_or_default(),
    };
    // Colours are longer than they look, so the padding follows the word itself.
    let padding = " ".repeat(8_usize.saturating_sub(answer.verdict.to_string().len()));
    let (tool, verdict, why) = (reveal(answer.tool()), coloured(answer.verdict), reveal(&why));
    format!("  {:<27} {tool:<31} {verdict}{padding}{why}", reveal(&who))
}

/// The demo hands out tokens and runs whatever is permitted: it stays on this machine.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let addr: SocketAddr = text.parse().map_err(|_| "an address reads 127.0.0.1:8787".to_owned())?;
    if addr.ip().is_loopback() {
        Ok(addr)
    } else {
        Err("the demo listens on loopback only, such as 127.0.0.1:8787".to_owned())
    }
}
