//! A subscription of the newer protocol, handed through.

use std::sync::Arc;

use rmcp::RoleClient;
use rmcp::model::{ErrorData, ServerCapabilities, SubscriptionFilter};
use rmcp::service::{Peer, ServiceError, SubscriptionContext};

use super::link::{Link, Shared};

/// Passes on what the server tells until either side ends it.
pub(crate) async fn relay(link: &Link, context: SubscriptionContext) -> Result<(), ErrorData> {
    let wanted = context.accepted().clone();
    let mut subscription = link.peer.listen(wanted).await.map_err(|error| told(&error))?;
    loop {
        tokio::select! {
            change = subscription.next() => match change {
                Ok(Some(change)) => {
                    // What was not asked for is not passed on.
                    let _ = context.sink().send(change).await;
                }
                Ok(None) => return Ok(()),
                Err(error) => return Err(told(&error)),
            },
            () = context.cancelled() => {
                let _ = subscription.cancel().await;
                return Ok(());
            }
        }
    }
}

/// Asks to hear when what the server offers changes, until the connection ends: from 2026-07-28 on a
/// server tells nobody who has not asked.
pub(crate) fn follow(peer: Peer<RoleClient>, shared: &Arc<Shared>, has: &ServerCapabilities) {
    let tools = has.tools.as_ref().and_then(|tools| tools.list_changed);
    let prompts = has.prompts.as_ref().and_then(|prompts| prompts.list_changed);
    if tools != Some(true) && prompts != Some(true) {
        return;
    }
    let (mut wanted, shared) = (SubscriptionFilter::new(), shared.clone());
    (wanted.tools_list_changed, wanted.prompts_list_changed) = (tools, prompts);
    tokio::spawn(async move {
        let Ok(mut subscription) = peer.listen(wanted).await else { return };
        while let Ok(Some(change)) = subscription.next().await {
            if shared.changed.send(change).await.is_err() {
                return;
            }
        }
    });
}

fn told(error: &ServiceError) -> ErrorData {
    match error {
        ServiceError::McpError(error) => error.clone(),
        other => ErrorData::internal_error(format!("the subscription ended: {other}"), None),
    }
}
