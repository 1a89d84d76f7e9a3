//! What a server asks and tells, passed on to the client.

use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientConfig, ClientNotification, ClientResult,
    CustomNotification, ErrorCode, ErrorData, ServerNotification, ServerRequest,
};
use rmcp::service::{
    InboundStreamOrigin, NotificationContext, OriginatingRequestId, PeerRequestOptions, RequestContext,
};
use rmcp::{RoleClient, Service, ServiceError};
use std::sync::Arc;

use super::link::Shared;
use super::meta;

/// The server's client: it answers what the client behind it answers.
pub(crate) struct Relay(pub(crate) Arc<Shared>);

impl Service<RoleClient> for Relay {
    async fn handle_request(
        &self,
        request: ServerRequest,
        context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        match request {
            ServerRequest::PingRequest(_) => Ok(ClientResult::empty(())),
            // Whatever this is, the client did not say that it can do it.
            ServerRequest::CustomRequest(custom) => {
                Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, custom.method, None))
            }
            request => self.ask(request, context).await,
        }
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        context: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        let _ = context;
        self.tell(notification).await;
        self.0.order.relayed();
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        self.0.client.clone()
    }
}

impl Relay {
    /// The client's answer.
    async fn ask(
        &self,
        mut request: ServerRequest,
        context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        let client = self.0.client().await.ok_or_else(nobody)?;
        self.is_wanted(&request)?;
        clear(&mut request);
        let during = match context.extensions.get::<InboundStreamOrigin>() {
            Some(InboundStreamOrigin::OutboundRequest(id)) => self.0.asked_during(Some(id)),
            _ => self.0.asked_during(None),
        };
        if let Some(during) = during {
            extensions(&mut request).insert(OriginatingRequestId(during));
        }
        let options = PeerRequestOptions::no_options().with_meta(meta::forwarded(&context.meta, false));
        // In a task of its own: what rmcp knows of the request being handled here is the server's
        // number, and must not be taken for the client's.
        let sending = client.clone();
        let sent = tokio::spawn(async move { sending.send_request_with_option(request, options).await });
        let asked = sent.await.map_err(|_| nobody())?.map_err(refused)?;
        let (id, token) = (asked.id.clone(), asked.progress_token.clone());
        if let Some(wanted) = context.meta.get_progress_token() {
            self.0.report(token.clone(), wanted);
        }
        let answer = tokio::select! {
            answer = asked.await_response() => answer.map_err(refused),
            () = context.ct.cancelled() => {
                let _ = client.send_notification(cancelled(id)).await;
                Err(ErrorData::internal_error("cancelled", None))
            }
        };
        self.0.report_no_more(&token);
        answer
    }

    async fn tell(&self, mut notification: ServerNotification) {
        match &mut notification {
            ServerNotification::ProgressNotification(progress) => {
                let token = &progress.params.progress_token;
                // The call may be so new that nobody has written its token down yet.
                if self.0.progress(token).is_none() {
                    tokio::task::yield_now().await;
                }
                let Some((client, token)) = self.0.progress(token) else { return };
                progress.params.progress_token = token;
                let _ = client.send_notification(notification).await;
                return;
            }
            // Told once it is known what is offered now; of many at once, some will do.
            ServerNotification::ToolListChangedNotification(_)
            | ServerNotification::PromptListChangedNotification(_) => {
                let _ = self.0.changed.try_send(notification);
                return;
            }
            // rmcp has cancelled what was meant.
            ServerNotification::CancelledNotification(_) => return,
            ServerNotification::CustomNotification(custom) if !is_known(custom) => return,
            _ => {}
        }
        if let Some(client) = self.0.client().await {
            let _ = client.send_notification(notification).await;
        }
    }

    /// A server may ask only for what the client said it can do.
    fn is_wanted(&self, request: &ServerRequest) -> Result<(), ErrorData> {
        let can = &self.0.client.capabilities;
        let wanted = match request {
            ServerRequest::CreateMessageRequest(_) => can.sampling.is_some(),
            ServerRequest::ListRootsRequest(_) => can.roots.is_some(),
            ServerRequest::ElicitRequest(_) => can.elicitation.is_some(),
            _ => true,
        };
        match wanted {
            true => Ok(()),
            false => Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "the client cannot do this", None)),
        }
    }
}

/// A notification of MCP that rmcp does not know by name.
fn is_known(custom: &CustomNotification) -> bool {
    custom.method == "notifications/elicitation/complete"
}

/// What belongs to the connection it came over stays there.
fn clear(request: &mut ServerRequest) {
    *extensions(request) = Default::default();
}

fn extensions(request: &mut ServerRequest) -> &mut rmcp::model::Extensions {
    use rmcp::model::GetExtensions as _;
    request.extensions_mut()
}

fn nobody() -> ErrorData {
    ErrorData::internal_error("there is no client that could be asked", None)
}

fn refused(error: ServiceError) -> ErrorData {
    match error {
        ServiceError::McpError(error) => error,
        other => ErrorData::internal_error(format!("the client did not answer: {other}"), None),
    }
}

fn cancelled(id: rmcp::model::RequestId) -> ServerNotification {
    let params = CancelledNotificationParam::new(Some(id), None);
    ServerNotification::CancelledNotification(CancelledNotification::new(params))
}

/// The same, to a server.
pub(crate) fn cancel(id: rmcp::model::RequestId, why: &str) -> ClientNotification {
    let params = CancelledNotificationParam::new(Some(id), Some(why.to_owned()));
    ClientNotification::CancelledNotification(CancelledNotification::new(params))
}
