//! The handler that answers with what a server answers: one line a method.

// Samples, roots and log levels are on their way out of MCP; older clients and servers have them.
#![expect(deprecated, reason = "methods that older clients still use")]

use std::borrow::Cow;
use std::sync::Arc;

use rmcp::ServerHandler;
use rmcp::model::*;
use rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::forward::{answer, forward};
use super::greeting::{Client, offered};
use super::link::Link;
use super::pins;
use super::probe::Era;
use super::server::Server;

type Answer<T> = Result<T, ErrorData>;
type Asked = RequestContext<RoleServer>;
type Told = NotificationContext<RoleServer>;

/// A server that somebody else wrote, for one client. It decides nothing: a
/// [`Guarded`](crate::Guarded) around it does.
pub struct Proxy {
    server: Arc<Server>,
    many: bool,
    link: OnceCell<Arc<Link>>,
}

impl Proxy {
    pub(crate) fn new(server: Arc<Server>, many: bool) -> Self {
        Self { server, many, link: OnceCell::new() }
    }

    async fn link(&self, client: impl FnOnce() -> Client) -> Answer<&Arc<Link>> {
        let connect = || async { self.server.connect(client(), self.many).await };
        let linked = self.link.get_or_try_init(connect).await;
        linked.map_err(|error| ErrorData::internal_error(format!("{}: {error}", self.server.name()), None))
    }

    async fn ask(&self, request: ClientRequest, context: Asked) -> Answer<ServerResult> {
        let link = self.link(|| Client::asking(&context)).await?;
        forward(link, request, context).await
    }

    async fn ask_for<T: DeserializeOwned>(&self, request: ClientRequest, context: Asked) -> Answer<T> {
        answer(self.ask(request, context).await?)
    }

    /// For answers that say nothing.
    async fn have_done(&self, request: ClientRequest, context: Asked) -> Answer<()> {
        self.ask(request, context).await.map(drop)
    }

    /// The client has begun to ask, so the server may ask it.
    pub(super) fn is_ready(&self) {
        if let Some(link) = self.link.get() {
            link.shared.is_ready();
        }
    }

    /// Tells people of the server.
    pub(super) fn say(&self, what: &str) {
        self.server.say(what);
    }

    async fn tell(&self, notification: ClientNotification) {
        if let Some(link) = self.link.get() {
            let _ = link.peer.send_notification(notification).await;
        }
    }
}

fn page<M: Default>(
    params: Option<PaginatedRequestParams>,
) -> RequestOptionalParam<M, PaginatedRequestParams> {
    RequestOptionalParam { method: M::default(), params, extensions: Extensions::default() }
}

impl ServerHandler for Proxy {
    fn get_info(&self) -> ServerConfig {
        let info = match (self.link.get(), self.server.era()) {
            (Some(link), _) => &link.info,
            (None, Some(Era::Modern(info))) => info,
            (None, _) => return ServerConfig::default(),
        };
        let mut told = ServerConfig::new(offered(info.capabilities.clone()));
        told.protocol_version = info.protocol_version.clone();
        if let Some(server) = &info.server_info {
            told.server_info = server.clone();
        }
        told.instructions.clone_from(&info.instructions);
        told
    }

    /// A server of the older protocol cannot be asked by requests that stand for themselves.
    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        let newest = match (self.link.get(), self.server.era()) {
            (Some(link), _) if !link.modern => link.version().clone(),
            (_, Some(Era::Modern(_))) => return Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS),
            _ => ProtocolVersion::LATEST_WITH_INITIALIZE,
        };
        Cow::Borrowed(ProtocolVersion::known_up_to(&newest))
    }

    async fn initialize(&self, request: InitializeRequestParams, context: Asked) -> Answer<InitializeResult> {
        context.peer.set_peer_info(request.clone());
        self.link(|| Client::introduced(&request, context.peer.clone())).await?;
        self.negotiate_initialize(&request)
    }

    /// Connects, if need be: then it is known what the server offers now, and a call can be judged by that.
    async fn ping(&self, context: Asked) -> Answer<()> {
        self.link(|| Client::asking(&context)).await.map(drop)
    }

    async fn on_initialized(&self, _: Told) {
        self.is_ready();
    }

    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: Asked,
    ) -> Answer<CallToolResponse> {
        request.meta = None;
        // Whoever decided may not know of pins.
        let link = self.link(|| Client::asking(&context)).await?;
        if self.server.pins().is_some() && !link.tools().iter().any(|tool| tool.name == request.name) {
            return Err(ErrorData::invalid_params("the tool is not as it was pinned", None));
        }
        match self.ask(ClientRequest::CallToolRequest(Request::new(request)), context).await? {
            ServerResult::CallToolResult(result) => Ok(result.into()),
            ServerResult::InputRequiredResult(result) => Ok(CallToolResponse::InputRequired(result)),
            ServerResult::CreateTaskResult(result) => Ok(CallToolResponse::Task(result)),
            other => answer::<CallToolResult>(other).map(Into::into),
        }
    }

    /// rmcp compares headers of the newer protocol with the arguments that a tool says they repeat.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tools = self.link.get().map_or_else(|| self.server.described(), |link| link.tools());
        tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Asked,
    ) -> Answer<ListToolsResult> {
        let listed = self.ask_for(ClientRequest::ListToolsRequest(page(request)), context).await;
        let mut listed: ListToolsResult = listed?;
        pins::retain(self.server.pins(), &mut listed.tools);
        Ok(listed)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Asked,
    ) -> Answer<ListPromptsResult> {
        self.ask_for(ClientRequest::ListPromptsRequest(page(request)), context).await
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, context: Asked) -> Answer<GetPromptResponse> {
        match self.ask(ClientRequest::GetPromptRequest(Request::new(request)), context).await? {
            ServerResult::InputRequiredResult(result) => Ok(GetPromptResponse::InputRequired(result)),
            other => answer::<GetPromptResult>(other).map(Into::into),
        }
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Asked,
    ) -> Answer<ListResourcesResult> {
        self.ask_for(ClientRequest::ListResourcesRequest(page(request)), context).await
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Asked,
    ) -> Answer<ListResourceTemplatesResult> {
        self.ask_for(ClientRequest::ListResourceTemplatesRequest(page(request)), context).await
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Asked,
    ) -> Answer<ReadResourceResponse> {
        match self.ask(ClientRequest::ReadResourceRequest(Request::new(request)), context).await? {
            ServerResult::InputRequiredResult(result) => Ok(ReadResourceResponse::InputRequired(result)),
            other => answer::<ReadResourceResult>(other).map(Into::into),
        }
    }

    async fn subscribe(&self, request: SubscribeRequestParams, context: Asked) -> Answer<()> {
        self.have_done(ClientRequest::SubscribeRequest(Request::new(request)), context).await
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, context: Asked) -> Answer<()> {
        self.have_done(ClientRequest::UnsubscribeRequest(Request::new(request)), context).await
    }

    async fn complete(&self, request: CompleteRequestParams, context: Asked) -> Answer<CompleteResult> {
        self.ask_for(ClientRequest::CompleteRequest(Request::new(request)), context).await
    }

    async fn set_level(&self, request: SetLevelRequestParams, context: Asked) -> Answer<()> {
        self.have_done(ClientRequest::SetLevelRequest(Request::new(request)), context).await
    }

    async fn get_task(&self, request: GetTaskParams, context: Asked) -> Answer<GetTaskResult> {
        self.ask_for(ClientRequest::GetTaskRequest(Request::new(request)), context).await
    }

    async fn update_task(&self, request: UpdateTaskParams, context: Asked) -> Answer<()> {
        self.have_done(ClientRequest::UpdateTaskRequest(Request::new(request)), context).await
    }

    async fn cancel_task(&self, request: CancelTaskParams, context: Asked) -> Answer<()> {
        self.have_done(ClientRequest::CancelTaskRequest(Request::new(request)), context).await
    }

    async fn list_skills(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Asked,
    ) -> Answer<ListSkillsResult> {
        self.ask_for(ClientRequest::ListSkillsRequest(page(request)), context).await
    }

    async fn get_skill(&self, request: GetSkillRequestParams, context: Asked) -> Answer<GetSkillResult> {
        self.ask_for(ClientRequest::GetSkillRequest(Request::new(request)), context).await
    }

    async fn read_resource_directory(
        &self,
        request: ReadResourceDirectoryRequestParams,
        context: Asked,
    ) -> Answer<ReadResourceDirectoryResult> {
        self.ask_for(ClientRequest::ReadResourceDirectoryRequest(Request::new(request)), context).await
    }

    async fn on_custom_request(&self, request: CustomRequest, context: Asked) -> Answer<CustomResult> {
        if !self.server.allows(&request.method) {
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None));
        }
        let request = CustomRequest::new(request.method, request.params);
        self.ask_for(ClientRequest::CustomRequest(request), context).await
    }

    async fn on_custom_notification(&self, notification: CustomNotification, _: Told) {
        if self.server.allows(&notification.method) {
            let notification = CustomNotification::new(notification.method, notification.params);
            self.tell(ClientNotification::CustomNotification(notification)).await;
        }
    }

    async fn on_roots_list_changed(&self, _: Told) {
        self.tell(ClientNotification::RootsListChangedNotification(RootsListChangedNotification::default()))
            .await;
    }

    /// Progress of what the server asked the client.
    async fn on_progress(&self, mut progress: ProgressNotificationParam, _: Told) {
        let Some(link) = self.link.get() else { return };
        let Some(wanted) = link.shared.reported(&progress.progress_token) else { return };
        progress.progress_token = wanted;
        self.tell(ClientNotification::ProgressNotification(ProgressNotification::new(progress))).await;
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.server.era().is_some_and(Era::is_modern).then(|| requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Answer<()> {
        let link = self.link(|| Client::asking(context.request_context())).await?;
        super::listen::relay(link, context).await
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("server", self.server.name()).finish_non_exhaustive()
    }
}
