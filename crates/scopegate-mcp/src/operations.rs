//! From a request to a decision and on to the server: tools, and what is judged like a tool.

mod output;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, Extensions, InputRequiredResult,
    InputResponses, Reference,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler};
use scopegate_core::{
    ApprovalBy, Args, DenyCode, Name, Outcome, Permitted, Refusal, Stopped, ToolCall, Unready,
};
use serde_json::{Value, json};

use crate::frame::Frame;
use crate::guard::Area;
use crate::guarded::Guarded;
use crate::rounds::GoesOn;
use crate::{names, told};

type Answer<T> = Result<T, ErrorData>;

/// What may be told of a call that must look unknown otherwise: it is about who asks, or about a server that
/// the role does not list, whether there is one or not.
fn is_no_secret(stopped: &Stopped) -> bool {
    let unlisted = matches!(
        stopped,
        Stopped::Refused(Refusal::Denied(denial)) if denial.code == DenyCode::McpServerUnauthorized
    );
    stopped.is_about_the_caller() || unlisted
}

impl<H: ServerHandler> Guarded<H> {
    /// Runs a tool with what was judged. Its handler finds the permit's id among the extensions of
    /// its context, and the secret that the policy binds to the tool.
    pub(crate) async fn run_tool(
        &self,
        permitted: Permitted<ToolCall>,
        asked: &ToolCall,
        mut request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Answer<CallToolResponse> {
        let (call, permit, completion) = permitted.into_parts();
        if let (Some(arguments), Some(Value::Object(judged))) = (&mut request.arguments, call.args.to_value())
        {
            *arguments = judged;
        }
        context.extensions.insert(permit.id);
        if let Some(credential) = permit.credential {
            context.extensions.insert(*credential);
        }
        let owner = self.guard.who(&context.extensions).await.ok();
        let answer = self.server.call_tool(request, context).await;
        let outcome = told::outcome(&answer);
        let duties = permit.obligations.as_deref().unwrap_or_default();
        let (mut answer, outcome) = output::perform(duties, answer, outcome);
        completion.complete(outcome);
        match (&mut answer, owner) {
            (Ok(CallToolResponse::Task(begun)), Some(owner)) if self.guard.asks_each_request() => {
                self.guard.tasks.begun(&begun.task.task_id, owner);
            }
            (Ok(CallToolResponse::InputRequired(question)), owner) => {
                self.guard.rounds.asked(owner.as_ref(), asked, question)?;
            }
            _ => {}
        }
        answer
    }

    /// Decides a call: with the consent that it brings, if it answers a question of ours.
    pub(crate) async fn decide_tool(
        &self,
        call: ToolCall,
        request: &mut CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Answer<Result<Permitted<ToolCall>, Stopped>> {
        let principal = match self.guard.who(&context.extensions).await {
            Ok(principal) => principal,
            Err(unready) => return Ok(Err(unready.into())),
        };
        let consent = match self.guard.questions.answer(&principal, &call, request).transpose() {
            Ok(consent) => consent,
            Err(no) => return no.stopped().map(Err),
        };
        let next = self.guard.rounds.next(Some(&principal), &call, request)?;
        let decided = match consent {
            None => self.guard.admit(&context.extensions, call).await,
            Some(consent) => self.guard.admit_agreed(&principal, call, consent).await,
        };
        if decided.is_ok() {
            self.guard.rounds.go_on(next, request)?;
        }
        Ok(decided)
    }

    /// The same for a request that is no tool call, and may go on with an earlier one.
    pub(crate) async fn pass_on(
        &self,
        area: Area,
        call: &ToolCall,
        request: &mut impl GoesOn,
        context: &RequestContext<RoleServer>,
        unknown: ErrorData,
    ) -> Answer<Passed> {
        let principal = self.guard.who(&context.extensions).await.ok();
        let next = self.guard.rounds.next(principal.as_ref(), call, request)?;
        let passed = self.pass(area, call.clone(), context, unknown).await?;
        self.guard.rounds.go_on(next, request)?;
        Ok(passed)
    }

    /// A server's own question, as the client gets it.
    pub(crate) async fn hand_question(
        &self,
        call: &ToolCall,
        question: &mut InputRequiredResult,
        extensions: &Extensions,
    ) -> Answer<()> {
        let principal = self.guard.who(extensions).await.ok();
        self.guard.rounds.asked(principal.as_ref(), call, question)
    }

    /// What the client is told of a tool that did not run, or asked.
    pub(crate) async fn ask_or_refuse(
        &self,
        stopped: &Stopped,
        call: &ToolCall,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Answer<CallToolResponse> {
        let (tool, extensions) = (&*request.name, &context.extensions);
        if let Stopped::Refused(Refusal::Held(hold)) = stopped
            && hold.by == ApprovalBy::Client
            && let Ok(principal) = self.guard.who(extensions).await
            && let Some(question) = self.guard.questions.ask(&principal, call, request, context)
        {
            return Ok(question.into());
        }
        if is_no_secret(stopped) || self.guard.sees_tool(extensions, tool).await {
            Ok(told::result(self.guard.notice(tool, stopped)))
        } else {
            Err(told::unknown_tool())
        }
    }

    /// Judges what is no tool; `unknown` is what the client is told if its role does not know it.
    pub(crate) async fn pass(
        &self,
        area: Area,
        call: ToolCall,
        context: &RequestContext<RoleServer>,
        unknown: ErrorData,
    ) -> Answer<Passed> {
        self.check_read(&context.extensions)?;
        self.reach(context).await?;
        self.judge(area, call, &context.extensions, unknown).await
    }

    /// A server that has to be reached first is: a request is judged by what it offers now.
    pub(crate) async fn reach(&self, context: &RequestContext<RoleServer>) -> Answer<()> {
        self.server.ping(context.clone()).await
    }

    /// The same for what was said to a server that has been reached.
    pub(crate) async fn judge(
        &self,
        area: Area,
        call: ToolCall,
        extensions: &Extensions,
        unknown: ErrorData,
    ) -> Answer<Passed> {
        self.check_read(extensions)?;
        let name = call.tool.clone();
        let answer = match self.guard.is_open(area) {
            true => self.guard.who(extensions).await.map(|_| Passed(None)).map_err(Stopped::from),
            false => {
                self.guard.admit(extensions, call).await.and_then(|permitted| match permitted.obligations() {
                    [] => Ok(Passed(Some(permitted))),
                    // Only answers of tools are looked through.
                    _ => Err(Unready::Duty.into()),
                })
            }
        };
        match answer {
            Ok(passed) => Ok(passed),
            Err(stopped) if is_no_secret(&stopped) || self.guard.sees(extensions, &name).await => {
                Err(told::error(self.guard.notice(&name, &stopped)))
            }
            Err(_) => Err(unknown),
        }
    }

    /// Whether a list of this area is shown as it is.
    pub(crate) async fn shows(&self, area: Area, extensions: &Extensions) -> bool {
        self.guard.is_open(area) && self.guard.who(extensions).await.is_ok()
    }

    pub(crate) async fn shows_resources(&self, extensions: &Extensions) -> bool {
        self.shows(Area::Resources, extensions).await || self.guard.sees(extensions, names::READ).await
    }

    /// The request came through our readers.
    pub(crate) fn check_read(&self, extensions: &Extensions) -> Answer<()> {
        Frame::of(extensions).map(drop).ok_or_else(told::unread)
    }
}

/// A request that may run: permitted, or never judged.
pub(crate) struct Passed(Option<Permitted<ToolCall>>);

impl Passed {
    /// The arguments that were judged.
    pub(crate) fn arguments(&self) -> Option<Value> {
        self.0.as_ref()?.call().args.to_value()
    }

    pub(crate) async fn run<T>(self, request: impl Future<Output = Answer<T>>) -> Answer<T> {
        let answer = request.await;
        self.complete(answer.is_ok());
        answer
    }

    pub(crate) fn complete(self, ok: bool) {
        if let Some(permitted) = self.0 {
            permitted.complete(if ok { Outcome::Ok } else { Outcome::Failed });
        }
    }
}

pub(crate) fn of_uri(name: &'static str, uri: &str) -> ToolCall {
    ToolCall::new(name).with_args(Args::from_value(&json!({ "uri": uri })))
}

pub(crate) fn of_task(name: &'static str, task: &str) -> ToolCall {
    ToolCall::new(name).with_args(Args::from_value(&json!({ "taskId": task })))
}

/// An answer to what a task asks.
pub(crate) fn of_answer(task: &str, responses: &InputResponses) -> ToolCall {
    let args = json!({ "taskId": task, "inputResponses": responses });
    ToolCall::new(names::UPDATE_TASK).with_args(Args::from_value(&args))
}

/// `whose` takes the names of several servers' prompts apart.
pub(crate) fn of_completion(
    request: &CompleteRequestParams,
    whose: impl Fn(&str) -> Option<(Name, Name)>,
) -> ToolCall {
    let (argument, value) = (&request.argument.name, &request.argument.value);
    let mut server = None;
    let mut args = match &request.r#ref {
        Reference::Prompt(prompt) => {
            let (of, own) = whose(&prompt.name).unzip();
            server = of;
            let name = own.as_deref().unwrap_or(&prompt.name);
            json!({ "type": "ref/prompt", "name": name, "argument": argument, "value": value })
        }
        Reference::Resource(resource) => {
            json!({ "type": "ref/resource", "uri": resource.uri, "argument": argument, "value": value })
        }
        // Nothing that rmcp knows today.
        _ => json!({ "argument": argument, "value": value }),
    };
    // What the other arguments are said to be chooses what is completed, too.
    if let (Some(args), Some(context)) = (args.as_object_mut(), &request.context) {
        args.insert("context".to_owned(), json!(context.arguments));
    }
    let mut call = ToolCall::new(names::COMPLETE).with_args(Args::from_value(&args));
    call.server = server;
    call
}
