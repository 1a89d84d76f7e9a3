//! A gate and an answer to who asks: what every request of a server comes through.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServerHandler;
use rmcp::model::Extensions;
use scopegate_adapter::{Caller, Desk};
use scopegate_core::{
    Consent, Disclosure, Enforcer, Name, Notice, Permitted, Principal, Provision, ProvisionError, Reviews,
    Sessions, Stopped, ToolCall, Unready,
};

use crate::caller::Asks;
use crate::consent::Questions;
use crate::guarded::Guarded;
use crate::names;
use crate::rounds::Rounds;
use crate::tasks::Tasks;

/// A gate and an answer to who asks. Cheap to clone; clones share everything but the settings that
/// are made on one of them.
#[derive(Clone)]
pub struct Guard {
    desk: Desk,
    asks: Asks,
    servers: Servers,
    open: Vec<Area>,
    pub(crate) questions: Questions,
    pub(crate) rounds: Rounds,
    pub(crate) tasks: Tasks,
}

/// Which server a name belongs to.
#[derive(Clone)]
enum Servers {
    None,
    One(Name),
    /// Takes a name apart: the server, and its own name for the tool.
    Many(Arc<Split>),
}

type Split = dyn Fn(&str) -> Option<(Name, Name)> + Send + Sync;

/// What a server has beside tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every request belongs to one of them")]
pub enum Area {
    /// Prompts.
    Prompts,
    /// Resources, their templates and directories, skills, and subscriptions to resources.
    Resources,
    /// Completion of arguments.
    Completion,
    /// Tasks that calls have become.
    Tasks,
    /// Requests and notifications that are not MCP's own.
    Custom,
}

impl Guard {
    /// Every request is made by this principal.
    pub fn new(enforcer: impl Enforcer, principal: Principal) -> Self {
        Self::of(Desk::new(enforcer), Asks::Always(Caller::One(principal)))
    }

    /// Each request is made by the [`Principal`] among its `http` extensions, which a layer further
    /// out has verified; one without it is refused, and so is whatever does not come over HTTP.
    pub fn from_http(enforcer: impl Enforcer) -> Self {
        Self::of(Desk::new(enforcer), Asks::Request)
    }

    /// Requests are made by a session that is opened when the first one comes. When its time is over
    /// another is opened, unless it was revoked or its owner suspended. [`close`](Self::close) ends
    /// it; so does dropping the last clone, soon, where a tokio runtime runs.
    pub fn opening<E: Enforcer + Sessions + Clone>(enforcer: E, session: Provision) -> Self {
        let caller = Caller::opening(enforcer.clone(), session);
        Self::of(Desk::new(enforcer), Asks::Always(caller))
    }

    fn of(desk: Desk, asks: Asks) -> Self {
        Self {
            // Answers of tools are looked through in `operations/output.rs`.
            desk: desk.performs_duties(),
            asks,
            servers: Servers::None,
            open: Vec::new(),
            questions: Questions::default(),
            rounds: Rounds::default(),
            tasks: Tasks::default(),
        }
    }

    /// The name of the server in roles and catalogues: its tools are judged as tools of that server,
    /// so a role has to list it, and what its catalogue says of a tool's arguments applies.
    #[must_use]
    pub fn server_name(self, name: impl Into<Name>) -> Self {
        Self { servers: Servers::One(name.into()), ..self }
    }

    /// For several servers that are served as one: `split` takes a name that the client sees apart
    /// into the server's name and the server's own name for the tool, which are what is judged. It
    /// must take every name apart in one way. A name that belongs to no server is judged as it is.
    #[must_use]
    pub fn server_names(self, split: impl Fn(&str) -> Option<(Name, Name)> + Send + Sync + 'static) -> Self {
        Self { servers: Servers::Many(Arc::new(split)), ..self }
    }

    /// Lets everybody who may ask at all have whatever the server has in this area, unjudged and
    /// unrecorded. Tools are always judged.
    #[must_use]
    pub fn open(mut self, area: Area) -> Self {
        self.open.push(area);
        self
    }

    /// How much of a refusal the model is told; [`Disclosure::Reason`] unless this says otherwise.
    #[must_use]
    pub fn disclose(self, disclosure: Disclosure) -> Self {
        Self { desk: self.desk.disclose(disclosure), ..self }
    }

    /// Waits for a reviewer, at most so long, instead of returning a held call at once. What is still
    /// held then comes back as held. What the role leaves to whoever uses the client comes back at once.
    #[must_use]
    pub fn wait_for_review(self, reviews: impl Reviews, at_most: Duration) -> Self {
        Self { desk: self.desk.wait_for_review(reviews, at_most), ..self }
    }

    /// The server, guarded.
    pub fn over<H: ServerHandler>(&self, server: H) -> Guarded<H> {
        Guarded::new(server, self.clone())
    }

    /// Ends the session that this guard has opened; opens none any more.
    ///
    /// # Errors
    /// [`ProvisionError`] when the session could not be ended.
    pub async fn close(&self) -> Result<(), ProvisionError> {
        match &self.asks {
            Asks::Always(caller) => caller.close().await,
            Asks::Request => Ok(()),
        }
    }

    /// What to tell of a request that did not run.
    pub(crate) fn notice(&self, what: &str, stopped: &Stopped) -> Notice {
        self.desk.notice(what, stopped)
    }

    pub(crate) fn is_open(&self, area: Area) -> bool {
        self.open.contains(&area)
    }

    /// Whether each request has to say who asks.
    pub(crate) fn asks_each_request(&self) -> bool {
        matches!(self.asks, Asks::Request)
    }

    /// Somebody asks; who, is for the gate to judge.
    pub(crate) async fn who(&self, extensions: &Extensions) -> Result<Principal, Unready> {
        self.asks.whom(extensions)?.who().await
    }

    /// The straight line of every request: a call that may run, or why not.
    pub(crate) async fn admit(
        &self,
        extensions: &Extensions,
        call: ToolCall,
    ) -> Result<Permitted<ToolCall>, Stopped> {
        self.desk.decide(&self.asks.whom(extensions)?, self.named(call)).await
    }

    /// The same for a call that whoever uses the client has agreed to.
    pub(crate) async fn admit_agreed(
        &self,
        principal: &Principal,
        call: ToolCall,
        consent: Consent,
    ) -> Result<Permitted<ToolCall>, Stopped> {
        self.desk.decide_agreed(principal, self.named(call), consent).await
    }

    /// Of a prompt's name among those of several servers: whose it is, and how it is called there.
    pub(crate) fn take_apart(&self, prompt: &str) -> Option<(Name, Name)> {
        match &self.servers {
            Servers::Many(split) => split(prompt),
            Servers::None | Servers::One(_) => None,
        }
    }

    /// The call, to this server.
    fn named(&self, mut call: ToolCall) -> ToolCall {
        self.servers.name(&mut call);
        call
    }

    /// Which of these tools whoever asks could ever be permitted; without an answer, none.
    pub(crate) async fn visible(&self, extensions: &Extensions, tools: &[&str]) -> Vec<bool> {
        let mut seen = vec![false; tools.len()];
        let Ok(caller) = self.asks.whom(extensions) else { return seen };
        for (server, own) in self.servers.sorted(tools) {
            let names: Vec<_> = own.iter().map(|(_, name)| name.as_str()).collect();
            let answer = match &server {
                Some(server) => self.desk.visible_at(&caller, server, &names).await,
                None => self.desk.visible(&caller, &names).await,
            };
            let Some(answer) = answer.ok().filter(|answer| answer.len() == own.len()) else { continue };
            for ((place, _), could) in own.into_iter().zip(answer) {
                if let Some(seen) = seen.get_mut(place) {
                    *seen = could;
                }
            }
        }
        seen
    }

    /// Whether whoever asks could ever be permitted this tool of the server.
    pub(crate) async fn sees_tool(&self, extensions: &Extensions, tool: &str) -> bool {
        !names::is_ours(tool) && self.sees(extensions, tool).await
    }

    /// Whether whoever asks could ever be permitted what has this name.
    pub(crate) async fn sees(&self, extensions: &Extensions, name: &str) -> bool {
        self.visible(extensions, &[name]).await == [true]
    }
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { desk, servers, open, .. } = self;
        let server = match servers {
            Servers::One(name) => Some(name),
            Servers::None | Servers::Many(_) => None,
        };
        f.debug_struct("Guard")
            .field("server", &server)
            .field("open", open)
            .field("desk", desk)
            .finish_non_exhaustive()
    }
}

impl Servers {
    /// Writes down which server a call goes to, and by what name that knows the tool.
    fn name(&self, call: &mut ToolCall) {
        match self {
            Self::None => call.server = None,
            Self::One(server) => call.server = Some(server.clone()),
            Self::Many(split) => {
                let found = names::take_apart(&call.tool, &**split);
                // What has no name of its own may say whose it is.
                let said = call.server.take();
                call.server = found.as_ref().map(|(server, _)| server.clone()).or(said);
                call.tool = found.map_or_else(|| call.tool.clone(), |(_, own)| own);
            }
        }
    }

    /// Whose tools these are: by server, where each stands and by what name the server knows it.
    fn sorted(&self, tools: &[&str]) -> BTreeMap<Option<Name>, Vec<(usize, Name)>> {
        let mut sorted: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (place, tool) in tools.iter().enumerate() {
            let mut call = ToolCall::new(*tool);
            self.name(&mut call);
            sorted.entry(call.server).or_default().push((place, call.tool));
        }
        sorted
    }
}
