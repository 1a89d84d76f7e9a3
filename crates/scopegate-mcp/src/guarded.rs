//! A server behind a guard: every method of rmcp's trait, each judged or handed on.

use std::borrow::Cow;

use rmcp::model::*;
use rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler};
use scopegate_core::ToolCall;
use serde_json::Value;

use crate::frame::Frame;
use crate::guard::{Area, Guard};
use crate::http::shown;
use crate::operations::{Passed, of_answer, of_completion, of_task, of_uri};
use crate::{listing, names, told};

/// A server whose tools run only with a permit; what else it has, as [`Guard`] says.
///
/// Made by [`Guard::over`], and served by [`serve_stdio`](crate::serve_stdio),
/// [`serve_on`](crate::serve_on) or [`http_service`](crate::http_service): they read messages
/// strictly. Served in any other way it refuses every request.
#[derive(Debug)]
pub struct Guarded<H> {
    pub(crate) server: H,
    pub(crate) guard: Guard,
}

impl<H> Guarded<H> {
    pub(crate) fn new(server: H, guard: Guard) -> Self {
        Self { server, guard }
    }
}

type Answer<T> = Result<T, ErrorData>;
type Context = RequestContext<RoleServer>;
type Note = NotificationContext<RoleServer>;

// All of these have defaults in rmcp, so one that were missing here would quietly be "method not
// found". A test counts them.
#[expect(deprecated, reason = "what older clients use is guarded like the rest")]
impl<H: ServerHandler> ServerHandler for Guarded<H> {
    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: Context,
    ) -> Answer<CallToolResponse> {
        let frame = Frame::of(&context.extensions).ok_or_else(told::unread)?;
        if names::is_ours(&request.name) {
            return Err(told::unknown_tool());
        }
        self.reach(&context).await?;
        let call = ToolCall::new(&*request.name).with_args(frame.args("/params/arguments"));
        let cancel = context.ct.clone();
        let deciding = self.decide_tool(call.clone(), &mut request, &context);
        // A call that was cancelled while it waited for a person does not run when they agree.
        let Some(decided) = cancel.run_until_cancelled(deciding).await else { return Err(told::cancelled()) };
        match decided? {
            Ok(_) if cancel.is_cancelled() => Err(told::cancelled()),
            Ok(permitted) => self.run_tool(permitted, &call, request, context).await,
            Err(stopped) => self.ask_or_refuse(&stopped, &call, &request, &context).await,
        }
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListToolsResult> {
        self.check_read(&context.extensions)?;
        let (extensions, modern) = (context.extensions.clone(), listing::is_modern(&context));
        let mut page = self.server.list_tools(request, context).await?;
        page.tools.retain(|tool| !names::is_ours(&tool.name));
        listing::retain(&self.guard, &extensions, &mut page.tools, |tool| tool.name.to_string()).await;
        listing::keep_private(&mut page.cache_scope, modern);
        Ok(page)
    }

    /// Asked by rmcp's HTTP service, which compares headers with the arguments of the tool: only of
    /// a tool that the request's principal may know of, so that the comparison tells nothing else.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        if shown(name) { self.server.get_tool(name) } else { None }
    }

    async fn get_prompt(
        &self,
        mut request: GetPromptRequestParams,
        context: Context,
    ) -> Answer<GetPromptResponse> {
        let frame = Frame::of(&context.extensions).ok_or_else(told::unread)?;
        let unknown = ErrorData::invalid_params(format!("prompt '{}' not found", request.name), None);
        let call = ToolCall::new(names::prompt(&request.name)).with_args(frame.args("/params/arguments"));
        let extensions = context.extensions.clone();
        let passed = self.pass_on(Area::Prompts, &call, &mut request, &context, unknown).await?;
        if let (Some(arguments), Some(Value::Object(judged))) = (&mut request.arguments, passed.arguments()) {
            *arguments = judged;
        }
        let mut answer = passed.run(self.server.get_prompt(request, context)).await?;
        if let GetPromptResponse::InputRequired(question) = &mut answer {
            self.hand_question(&call, question, &extensions).await?;
        }
        Ok(answer)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListPromptsResult> {
        self.check_read(&context.extensions)?;
        let (extensions, modern) = (context.extensions.clone(), listing::is_modern(&context));
        let mut page = self.server.list_prompts(request, context).await?;
        if !self.shows(Area::Prompts, &extensions).await {
            let name = |prompt: &Prompt| names::prompt(&prompt.name);
            listing::retain(&self.guard, &extensions, &mut page.prompts, name).await;
        }
        listing::keep_private(&mut page.cache_scope, modern);
        Ok(page)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListResourcesResult> {
        self.check_read(&context.extensions)?;
        let (extensions, modern) = (context.extensions.clone(), listing::is_modern(&context));
        let mut page = self.server.list_resources(request, context).await?;
        if !self.shows_resources(&extensions).await {
            page.resources.clear();
        }
        listing::keep_private(&mut page.cache_scope, modern);
        Ok(page)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListResourceTemplatesResult> {
        self.check_read(&context.extensions)?;
        let (extensions, modern) = (context.extensions.clone(), listing::is_modern(&context));
        let mut page = self.server.list_resource_templates(request, context).await?;
        if !self.shows_resources(&extensions).await {
            page.resource_templates.clear();
        }
        listing::keep_private(&mut page.cache_scope, modern);
        Ok(page)
    }

    async fn read_resource(
        &self,
        mut request: ReadResourceRequestParams,
        context: Context,
    ) -> Answer<ReadResourceResponse> {
        let (extensions, modern) = (context.extensions.clone(), listing::is_modern(&context));
        let call = of_uri(names::READ, &request.uri);
        let unknown = ErrorData::resource_not_found("resource not found", None);
        let passed = self.pass_on(Area::Resources, &call, &mut request, &context, unknown).await?;
        let mut answer = passed.run(self.server.read_resource(request, context)).await?;
        match &mut answer {
            ReadResourceResponse::Complete(result) => listing::keep_private(&mut result.cache_scope, modern),
            ReadResourceResponse::InputRequired(question) => {
                self.hand_question(&call, question, &extensions).await?;
            }
            _ => {}
        }
        Ok(answer)
    }

    async fn read_resource_directory(
        &self,
        request: ReadResourceDirectoryRequestParams,
        context: Context,
    ) -> Answer<ReadResourceDirectoryResult> {
        let modern = listing::is_modern(&context);
        let passed = self.pass_uri(names::READ, &request.uri, &context).await?;
        let mut page = passed.run(self.server.read_resource_directory(request, context)).await?;
        listing::keep_private(&mut page.cache_scope, modern);
        Ok(page)
    }

    async fn list_skills(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Answer<ListSkillsResult> {
        self.check_read(&context.extensions)?;
        let (extensions, modern) = (context.extensions.clone(), listing::is_modern(&context));
        let mut page = self.server.list_skills(request, context).await?;
        if !self.shows_resources(&extensions).await {
            page.skills.clear();
        }
        listing::keep_private(&mut page.cache_scope, modern);
        Ok(page)
    }

    async fn get_skill(&self, request: GetSkillRequestParams, context: Context) -> Answer<GetSkillResult> {
        let modern = listing::is_modern(&context);
        let passed = self.pass_uri(names::READ, &request.uri, &context).await?;
        let mut answer = passed.run(self.server.get_skill(request, context)).await?;
        listing::keep_private(&mut answer.cache_scope, modern);
        Ok(answer)
    }

    async fn subscribe(&self, request: SubscribeRequestParams, context: Context) -> Answer<()> {
        let passed = self.pass_uri(names::SUBSCRIBE, &request.uri, &context).await?;
        passed.run(self.server.subscribe(request, context)).await
    }

    async fn unsubscribe(&self, request: UnsubscribeRequestParams, context: Context) -> Answer<()> {
        self.check_read(&context.extensions)?;
        self.server.unsubscribe(request, context).await
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.server.accepted_subscription_filter(requested)
    }

    /// Who asks is known only here, after rmcp has said which subscriptions it takes: one that is
    /// refused ends them all.
    async fn listen(&self, context: SubscriptionContext) -> Answer<()> {
        let request = context.request_context();
        self.check_read(&request.extensions)?;
        let mut passed = Vec::new();
        for uri in context.accepted().resource_subscriptions.iter().flatten() {
            passed.push(self.pass_uri(names::SUBSCRIBE, uri, request).await?);
        }
        let answer = self.server.listen(context).await;
        for passed in passed {
            passed.complete(answer.is_ok());
        }
        answer
    }

    async fn complete(&self, request: CompleteRequestParams, context: Context) -> Answer<CompleteResult> {
        let unknown = ErrorData::invalid_params("nothing to complete", None);
        let call = of_completion(&request, |prompt| self.guard.take_apart(prompt));
        let passed = self.pass(Area::Completion, call, &context, unknown).await?;
        passed.run(self.server.complete(request, context)).await
    }

    async fn get_task(&self, request: GetTaskParams, context: Context) -> Answer<GetTaskResult> {
        let passed =
            self.pass_task(of_task(names::GET_TASK, &request.task_id), &request.task_id, &context).await?;
        passed.run(self.server.get_task(request, context)).await
    }

    async fn update_task(&self, request: UpdateTaskParams, context: Context) -> Answer<()> {
        let task = &request.task_id;
        let call = of_answer(task, &request.input_responses);
        let passed = self.pass_task(call, task, &context).await?;
        passed.run(self.server.update_task(request, context)).await
    }

    async fn cancel_task(&self, request: CancelTaskParams, context: Context) -> Answer<()> {
        let passed =
            self.pass_task(of_task(names::CANCEL_TASK, &request.task_id), &request.task_id, &context).await?;
        passed.run(self.server.cancel_task(request, context)).await
    }

    async fn on_custom_request(&self, request: CustomRequest, context: Context) -> Answer<CustomResult> {
        let frame = Frame::of(&context.extensions).ok_or_else(told::unread)?;
        if names::is_standard(&request.method) {
            let why = format!("malformed parameters for {}", request.method);
            return Err(ErrorData::invalid_params(why, None));
        }
        let unknown = ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method.clone(), None);
        let call = ToolCall::new(names::custom(&request.method)).with_args(frame.args("/params"));
        let passed = self.pass(Area::Custom, call, &context, unknown).await?;
        passed.run(self.server.on_custom_request(request, context)).await
    }

    async fn on_custom_notification(&self, notification: CustomNotification, context: Note) {
        let Some(frame) = Frame::of(&context.extensions) else { return };
        if names::is_standard(&notification.method) {
            return tracing::debug!(method = notification.method, "a malformed notification was dropped");
        }
        let call = ToolCall::new(names::custom(&notification.method)).with_args(frame.args("/params"));
        let unknown = told::unread();
        if let Ok(passed) = self.judge(Area::Custom, call, &context.extensions, unknown).await {
            self.server.on_custom_notification(notification, context).await;
            passed.complete(true);
        }
    }

    // What follows neither reaches a tool nor shows what there is.

    async fn ping(&self, context: Context) -> Answer<()> {
        self.server.ping(context).await
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: Context,
    ) -> Answer<InitializeResult> {
        self.server.initialize(request, context).await
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Answer<InitializeResult> {
        self.server.negotiate_initialize(request)
    }

    async fn discover(&self, context: Context) -> Answer<DiscoverResult> {
        self.server.discover(context).await
    }

    fn get_info(&self) -> ServerConfig {
        self.server.get_info()
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.server.supported_protocol_versions()
    }

    async fn set_level(&self, request: SetLevelRequestParams, context: Context) -> Answer<()> {
        self.check_read(&context.extensions)?;
        self.server.set_level(request, context).await
    }

    async fn on_cancelled(&self, notification: CancelledNotificationParam, context: Note) {
        self.server.on_cancelled(notification, context).await;
    }

    async fn on_progress(&self, notification: ProgressNotificationParam, context: Note) {
        self.server.on_progress(notification, context).await;
    }

    async fn on_initialized(&self, context: Note) {
        self.server.on_initialized(context).await;
    }

    async fn on_roots_list_changed(&self, context: Note) {
        self.server.on_roots_list_changed(context).await;
    }
}

impl<H: ServerHandler> Guarded<H> {
    async fn pass_uri(&self, name: &'static str, uri: &str, context: &Context) -> Answer<Passed> {
        let unknown = ErrorData::resource_not_found("resource not found", None);
        self.pass(Area::Resources, of_uri(name, uri), context, unknown).await
    }

    async fn pass_task(&self, call: ToolCall, task: &str, context: &Context) -> Answer<Passed> {
        let unknown = ErrorData::invalid_params("task not found", None);
        if self.guard.asks_each_request() {
            let owner = self.guard.who(&context.extensions).await.ok();
            if !owner.is_some_and(|owner| self.guard.tasks.belongs(task, &owner)) {
                return Err(unknown);
            }
        }
        self.pass(Area::Tasks, call, context, unknown).await
    }
}
