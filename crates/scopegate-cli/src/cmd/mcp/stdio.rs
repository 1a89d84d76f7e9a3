//! The proxy on standard input and output.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use scopegate_core::Name;
use scopegate_mcp::proxy::{Fleet, Server, ServerHandler};
use scopegate_mcp::{Guard, Guarded, serve_stdio};
use tokio::time::sleep;

use super::target::Target;
use crate::exit::{Exit, Failure};
use crate::output;

/// What a client is told of a server that has ended goes out within this time.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Serves one client until it hangs up, a server ends or somebody stops it.
pub(crate) async fn serve(
    target: &Target,
    guard: &Guard,
    stopped: impl Future<Output = ()>,
) -> Result<Exit, Failure> {
    let serving = async {
        match target {
            Target::One(server) => until_hung_up(guard.over(server.for_one())).await,
            Target::Several(servers) => {
                until_hung_up(guard.over(Fleet::for_one(servers).map_err(Failure::usage)?)).await;
            }
        }
        Ok(Exit::Ok)
    };
    tokio::select! {
        exit = serving => exit,
        (server, how) = any_ended(target.servers()) => {
            sleep(LAST_WORDS).await;
            Err(Failure::no_answer(format!("the server `{server}` has ended: {how}")))
        }
        () = stopped => Ok(Exit::Ok),
    }
}

async fn until_hung_up<H: ServerHandler>(server: Guarded<H>) {
    match serve_stdio(server).await {
        Ok(running) => {
            let _ = running.waiting().await;
        }
        // A client that goes away before it says anything has hung up, too.
        Err(error) => output::message(&format!("no client was served: {error}")),
    }
}

async fn any_ended(servers: &[Arc<Server>]) -> (Name, String) {
    let ends = servers.iter().map(|server| Box::pin(async { (server.name().clone(), server.ended().await) }));
    select_all(ends).await.0
}
