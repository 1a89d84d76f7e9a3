//! The layer in front of the bare service: what it adds to a request.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use http_body_util::Full;
use scopegate_core::{Args, Outcome, Permitted, Principal, ToolCall};
use scopegate_engine::RecordsSpec;
use scopegate_tower::{ArgsFrom, Http, ScopeLayer, ScopeService, Stop, ToolFrom};
use tower_layer::Layer;
use tower_service::Service;

use super::agent::{self, Agent, CALLS_OF_AN_AGENT};
use crate::Result;
use crate::harness::Item;
use crate::service::{Bare, answered, poll_once};
use crate::workload::{self, Case};

type Body = Full<Bytes>;

pub(super) fn items() -> Vec<Item> {
    vec![
        http("ours/layer/unconstrained", Reads::Nothing),
        http("ours/layer/constrained", Reads::Arguments),
        native("ours/native_layer/unconstrained", Reads::Nothing),
        native("ours/native_layer/constrained", Reads::Arguments),
    ]
}

/// Whether the tool's rules read arguments.
#[derive(Clone, Copy)]
enum Reads {
    Nothing,
    Arguments,
}

impl Reads {
    fn tool(self) -> &'static str {
        match self {
            Self::Nothing => workload::PLAIN_TOOL,
            Self::Arguments => workload::CONSTRAINED_TOOL,
        }
    }

    fn agent(self) -> Result<Agent> {
        let (role, name) = match self {
            Self::Nothing => (agent::plain_role(), "plain".to_owned()),
            Self::Arguments => (agent::role(0, 3), workload::role(0)),
        };
        let mut call = agent::call(Case::Allow);
        call.tool = self.tool().into();
        Agent::new(agent::enforcer([role], RecordsSpec::None)?, name, call)
    }
}

/// HTTP requests: session by bearer token. The arguments, if they are read, stand in a typed extension that a
/// reader further out has left there: reading a body is not the layer's own price.
fn http(name: &str, reads: Reads) -> Item {
    let build = move || {
        let agent = reads.agent()?;
        let find = move |head: &scopegate_tower::Head<'_>| {
            let args = head.extensions.get::<Args>().cloned();
            let mut call = ToolCall::new(reads.tool()).with_args(args.unwrap_or_else(Args::none));
            call.env = Some(ENV);
            Some(call)
        };
        let tool = match reads {
            Reads::Nothing => ToolFrom::name(reads.tool()),
            Reads::Arguments => ToolFrom::from_fn(find),
        };
        let http = Http::new().tool(tool).args(ArgsFrom::body());
        let service = ScopeLayer::new(agent.enforcer.clone()).extract(http).layer(Bare::<Body>::new());
        Client::new(service, agent, reads)
    };
    let bare = move || Client::new(Bare::<Body>::new(), reads.agent()?, reads);
    let base = Item::refreshed(format!("{name}/bare"), bare, Client::send, answered, refresh());
    Item::refreshed(name, build, Client::send, answered, refresh()).over(base)
}

const ENV: scopegate_core::Name = scopegate_core::Name::new_static("production");

fn refresh<S>() -> (u64, fn(&mut Client<S>)) {
    (CALLS_OF_AN_AGENT, Client::replace)
}

/// Makes requests, each like the last.
struct Client<S> {
    service: S,
    agent: Agent,
    bearer: HeaderValue,
    args: Option<Args>,
}

impl<S> Client<S> {
    fn new(service: S, agent: Agent, reads: Reads) -> Result<Self> {
        let args = match reads {
            Reads::Nothing => None,
            Reads::Arguments => Some(agent.call.args.clone()),
        };
        let bearer = bearer(&agent.session)?;
        Ok(Self { service, agent, bearer, args })
    }

    fn replace(&mut self) {
        self.agent.replace();
        if let Ok(bearer) = bearer(&self.agent.session) {
            self.bearer = bearer;
        }
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::default());
        request.headers_mut().insert(AUTHORIZATION, self.bearer.clone());
        if let Some(args) = &self.args {
            request.extensions_mut().insert(args.clone());
        }
        request
    }
}

impl<S: Service<Request<Body>>> Client<S> {
    fn send(&mut self) -> Poll<Result<S::Response, S::Error>> {
        let request = self.request();
        poll_once(&mut self.service, request)
    }
}

fn bearer(session: &Principal) -> Result<HeaderValue> {
    match session {
        Principal::Token(token) => Ok(HeaderValue::from_str(&format!("Bearer {token}"))?),
        _ => Err("a session without a token".into()),
    }
}

/// Tool calls as requests, without HTTP.
fn native(name: &str, reads: Reads) -> Item {
    let build = move || {
        let agent = reads.agent()?;
        let service = ScopeLayer::native(agent.enforcer.clone(), agent.session.clone()).layer(Tool);
        Ok(Caller { service, agent })
    };
    let bare = move || Ok(Caller { service: BareTool, agent: reads.agent()? });
    let base = Item::new(format!("{name}/bare"), bare, Caller::send, ran);
    let replace = |caller: &mut Caller<ScopeService<Tool, scopegate_tower::OneSession>>| {
        caller.agent.replace();
        let layer = ScopeLayer::native(caller.agent.enforcer.clone(), caller.agent.session.clone());
        caller.service = layer.layer(Tool);
    };
    Item::refreshed(name, build, Caller::send, ran, (CALLS_OF_AN_AGENT, replace)).over(base)
}

struct Caller<S> {
    service: S,
    agent: Agent,
}

impl<S: Service<ToolCall>> Caller<S> {
    fn send(&mut self) -> Poll<Result<S::Response, S::Error>> {
        poll_once(&mut self.service, self.agent.call.clone())
    }
}

fn ran<E>(answer: &Poll<Result<usize, E>>) -> bool {
    matches!(answer, Poll::Ready(Ok(_)))
}

/// A tool that takes permitted calls.
#[derive(Clone)]
struct Tool;

/// The same tool, and nobody asks.
#[derive(Clone)]
struct BareTool;

/// A refusal that costs nothing.
#[derive(Debug)]
struct Refused;

impl From<Stop> for Refused {
    fn from(_: Stop) -> Self {
        Self
    }
}

impl Service<Permitted<ToolCall>> for Tool {
    type Response = usize;
    type Error = Refused;
    type Future = Ready<Result<usize, Refused>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, permitted: Permitted<ToolCall>) -> Self::Future {
        let length = permitted.call().tool.len();
        permitted.complete(Outcome::Ok);
        ready(Ok(length))
    }
}

impl Service<ToolCall> for BareTool {
    type Response = usize;
    type Error = Infallible;
    type Future = Ready<Result<usize, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        ready(Ok(call.tool.len()))
    }
}
