//! One request of the client, asked of the server.

use rmcp::model::{ClientRequest, ErrorData, ProgressToken, RequestMetaObject, ServerResult};
use rmcp::service::{PeerRequestOptions, RequestContext};
use rmcp::{RoleServer, ServiceError};
use serde::de::DeserializeOwned;

use super::greeting;
use super::link::Link;
use super::meta;
use super::relay::cancel;

/// What the server answers. Cancelled when the client cancels.
pub(crate) async fn forward(
    link: &Link,
    request: ClientRequest,
    context: RequestContext<RoleServer>,
) -> Result<ServerResult, ErrorData> {
    link.shared.is_ready();
    let options = PeerRequestOptions::no_options().with_meta(meta_of(link, &context));
    let asked = link.peer.send_request_with_option(request, options).await;
    let asked = asked.map_err(|error| failed(link, error))?;
    let call = Call { link, ours: asked.id.clone(), token: asked.progress_token.clone() };
    call.begin(&context);
    tokio::select! {
        answer = asked.await_response() => {
            // What the server said before comes first.
            link.shared.order.settled().await;
            answer.map_err(|error| failed(link, error))
        }
        () = context.ct.cancelled() => {
            let _ = link.peer.send_notification(cancel(call.ours.clone(), "the client cancelled")).await;
            Err(ErrorData::internal_error("cancelled", None))
        }
    }
}

/// Forgotten when it is over, however that comes.
struct Call<'a> {
    link: &'a Link,
    ours: rmcp::model::RequestId,
    token: ProgressToken,
}

impl Call<'_> {
    fn begin(&self, context: &RequestContext<RoleServer>) {
        let wanted = context.meta.get_progress_token();
        let progress = wanted.map(|theirs| (self.token.clone(), (context.peer.clone(), theirs)));
        self.link.shared.begin(&self.ours, context.id.clone(), progress);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.link.shared.finish(&self.ours, &self.token);
    }
}

/// Where every request says for itself who asks, it says what this client can do.
fn meta_of(link: &Link, context: &RequestContext<RoleServer>) -> RequestMetaObject {
    let mut meta = meta::forwarded(&context.meta, link.modern);
    if link.modern {
        meta.set_client_capabilities(greeting::stateless(context));
        if let Some(client) = context.client_info() {
            meta.set_client_info(client);
        }
    }
    meta
}

/// What a method takes for an answer. rmcp takes any answer for the first of all that it fits; here
/// it has to fit the method.
pub(crate) fn answer<T: DeserializeOwned>(result: ServerResult) -> Result<T, ErrorData> {
    let value = serde_json::to_value(result);
    value.and_then(serde_json::from_value).map_err(|error| {
        ErrorData::internal_error(format!("the server answered something else: {error}"), None)
    })
}

/// The server's own refusal is the client's to read; everything else says what happened to the server.
fn failed(link: &Link, error: ServiceError) -> ErrorData {
    match error {
        ServiceError::McpError(error) => error,
        ServiceError::TransportClosed | ServiceError::TransportSend(_) => {
            let how = link.how_it_ended().map(|how| format!(" ({how})")).unwrap_or_default();
            let told = format!("the server has ended{how}; whether the request was carried out is not known");
            ErrorData::internal_error(told, None)
        }
        other => ErrorData::internal_error(format!("the server did not answer: {other}"), None),
    }
}
