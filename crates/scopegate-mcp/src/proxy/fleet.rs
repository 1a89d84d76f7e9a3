//! Several servers as one: a tool of theirs is `SERVER__TOOL` to the client, and `(SERVER, TOOL)` to
//! whoever decides.

#![expect(deprecated, reason = "methods that older clients still use")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use rmcp::ServerHandler;
use rmcp::model::*;
use rmcp::service::{NotificationContext, RequestContext, RoleServer};
use scopegate_core::Name;

use super::handler::Proxy;
use super::member::Member;
use super::server::Server;

/// Between the name of a server and that of its tool. No server's name holds it, begins or ends with
/// an underscore, so every name is taken apart in one way.
const BETWEEN: &str = "__";

/// Most pages of one server's list.
const PAGES: usize = 100;

/// How long the others wait for one, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

type Answer<T> = Result<T, ErrorData>;
type Asked = RequestContext<RoleServer>;
type Told = NotificationContext<RoleServer>;

/// Several servers, for one client: their tools and prompts, and completion for prompts. Resources
/// have names that a proxy cannot change, so of several servers they are not shown.
///
/// One that does not answer, or fails, hides nothing of the others: what it offers is left out, people are told,
/// and so is the client once it answers.
#[derive(Debug)]
pub struct Fleet {
    members: BTreeMap<Name, Member>,
    patience: Duration,
}

/// A name that a server cannot have among others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// Names could be taken apart in two ways.
    #[error("`{0}`: a name has letters, digits, `-`, `.` and single `_` between them, at most 64 characters")]
    Name(String),
    /// Two of one name.
    #[error("`{0}` is there twice")]
    Twice(String),
}

impl Fleet {
    /// These servers, for one client that stays.
    ///
    /// # Errors
    /// [`FleetError`].
    pub fn for_one(servers: &[Arc<Server>]) -> Result<Self, FleetError> {
        Self::of(servers.iter().map(|server| (server.name().clone(), server.for_one())))
    }

    /// These servers, for one of many clients.
    ///
    /// # Errors
    /// [`FleetError`].
    pub fn for_one_of_many(servers: &[Arc<Server>]) -> Result<Self, FleetError> {
        Self::of(servers.iter().map(|server| (server.name().clone(), server.for_one_of_many())))
    }

    fn of(members: impl Iterator<Item = (Name, Proxy)>) -> Result<Self, FleetError> {
        let mut all = BTreeMap::new();
        for (name, proxy) in members {
            check(&name)?;
            if all.insert(name.clone(), Member::new(proxy)).is_some() {
                return Err(FleetError::Twice(name.to_string()));
            }
        }
        Ok(Self { members: all, patience: PATIENCE })
    }

    /// How long one server may let the others wait: five seconds, unless this says otherwise.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The server that a name belongs to, and its own name for it.
    pub fn split(name: &str) -> Option<(Name, Name)> {
        name.split_once(BETWEEN).map(|(server, own)| (server.into(), own.into()))
    }

    fn member<'n>(&self, name: &'n str) -> Option<(&Proxy, &'n str)> {
        let (server, own) = name.split_once(BETWEEN)?;
        Some((self.members.get(server)?.proxy(), own))
    }

    fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        self.members.values().map(Member::proxy)
    }

    /// What all that answer in time say to one question. Only where every one of them fails is there none.
    async fn ask_all<'f, T, F>(
        &'f self,
        members: impl Iterator<Item = (&'f Name, &'f Member)>,
        context: &Asked,
        ask: impl Fn(&Name, Arc<Proxy>, Asked) -> F,
    ) -> Answer<Vec<T>>
    where
        T: Send + 'static,
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let client = &context.peer;
        let asked = members.map(|(name, member)| {
            let mut context = context.clone();
            // What is waited for in the background outlives the request, which ends when it is answered.
            context.ct = Default::default();
            let ask = |proxy| ask(name, proxy, context);
            let answer = member.in_time(self.patience, client, ask);
            async move { (member, answer.await) }
        });
        let (mut answers, mut failed) = (Vec::new(), None);
        for (member, answer) in join_all(asked.collect::<Vec<_>>()).await {
            match answer {
                Some(Ok(answer)) => answers.push(answer),
                Some(Err(error)) => {
                    member.proxy().say(&format!("is left out: {}", error.message));
                    failed = Some(error);
                }
                None => {}
            }
        }
        match failed {
            Some(error) if answers.is_empty() => Err(error),
            _ => Ok(answers),
        }
    }
}

/// All pages of a server's tools, by the names that the client knows.
async fn tools(name: Name, member: Arc<Proxy>, context: Asked) -> Answer<Vec<Tool>> {
    let (mut tools, mut page) = (Vec::new(), None);
    for _ in 0..PAGES {
        let found = member.list_tools(page, context.clone()).await?;
        tools.extend(found.tools);
        let Some(next) = found.next_cursor else { break };
        page = Some(PaginatedRequestParams::default().with_cursor(Some(next)));
    }
    tools.iter_mut().for_each(|tool| tool.name = joined(&name, &tool.name).into());
    Ok(tools)
}

/// The same of its prompts.
async fn prompts(name: Name, member: Arc<Proxy>, context: Asked) -> Answer<Vec<Prompt>> {
    let (mut prompts, mut page) = (Vec::new(), None);
    for _ in 0..PAGES {
        let found = member.list_prompts(page, context.clone()).await?;
        prompts.extend(found.prompts);
        let Some(next) = found.next_cursor else { break };
        page = Some(PaginatedRequestParams::default().with_cursor(Some(next)));
    }
    prompts.iter_mut().for_each(|prompt| prompt.name = joined(&name, &prompt.name));
    Ok(prompts)
}

fn check(name: &str) -> Result<(), FleetError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let edges = name.starts_with('_') || name.ends_with('_');
    match !name.is_empty() && name.len() <= 64 && name.chars().all(plain) && !edges && !name.contains(BETWEEN)
    {
        true => Ok(()),
        false => Err(FleetError::Name(name.to_owned())),
    }
}

fn joined(server: &Name, own: &str) -> String {
    format!("{server}{BETWEEN}{own}")
}

impl ServerHandler for Fleet {
    fn get_info(&self) -> ServerConfig {
        let members: Vec<_> = self.proxies().map(ServerHandler::get_info).collect();
        let any =
            |has: fn(&ServerCapabilities) -> bool| members.iter().any(|member| has(&member.capabilities));
        let mut has = ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        if any(|has| has.prompts.is_some()) {
            let prompts =
                ServerCapabilities::builder().enable_prompts().enable_prompts_list_changed().build();
            has.prompts = prompts.prompts;
        }
        has.logging = any(|has| has.logging.is_some()).then(JsonObject::new);
        has.completions = any(|has| has.completions.is_some()).then(JsonObject::new);
        let told = self.members.keys().zip(&members);
        let told =
            told.filter_map(|(name, member)| Some(format!("# {name}\n{}", member.instructions.as_ref()?)));
        let instructions = told.collect::<Vec<_>>().join("\n\n");
        let info = ServerConfig::new(has)
            .with_server_info(Implementation::new("scopegate", env!("CARGO_PKG_VERSION")))
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE);
        if instructions.is_empty() { info } else { info.with_instructions(instructions) }
    }

    /// What all of them speak.
    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        let fewest =
            self.proxies().map(Proxy::supported_protocol_versions).min_by_key(|versions| versions.len());
        fewest.unwrap_or(Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS))
    }

    async fn initialize(&self, request: InitializeRequestParams, context: Asked) -> Answer<InitializeResult> {
        let greet = |_: &Name, member: Arc<Proxy>, context| {
            let request = request.clone();
            async move { member.initialize(request, context).await }
        };
        self.ask_all(self.members.iter(), &context, greet).await?;
        self.negotiate_initialize(&request)
    }

    /// Of a server that cannot be reached nothing is offered, so nothing of it is permitted.
    async fn ping(&self, context: Asked) -> Answer<()> {
        let reached = self.members.values().map(|member| {
            let asked = context.clone();
            member.in_time(self.patience, &context.peer, |proxy| async move { proxy.ping(asked).await })
        });
        join_all(reached.collect::<Vec<_>>()).await;
        Ok(())
    }

    async fn on_initialized(&self, _: Told) {
        self.members.values().for_each(Member::is_ready);
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, context: Asked) -> Answer<ListToolsResult> {
        let list = |name: &Name, member, context| tools(name.clone(), member, context);
        let tools = self.ask_all(self.members.iter(), &context, list).await?;
        Ok(ListToolsResult::with_all_items(tools.into_iter().flatten().collect()))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        context: Asked,
    ) -> Answer<ListPromptsResult> {
        let has = |proxy: &Proxy| proxy.get_info().capabilities.prompts.is_some();
        let with_prompts = self.members.iter().filter(|(_, member)| has(member.proxy()));
        let list = |name: &Name, member, context| prompts(name.clone(), member, context);
        let prompts = self.ask_all(with_prompts, &context, list).await?;
        Ok(ListPromptsResult::with_all_items(prompts.into_iter().flatten().collect()))
    }

    async fn call_tool(
        &self,
        mut request: CallToolRequestParams,
        context: Asked,
    ) -> Answer<CallToolResponse> {
        let (member, own) = self.member(&request.name).ok_or_else(|| unknown("tool"))?;
        request.name = own.to_owned().into();
        member.call_tool(request, context).await
    }

    async fn get_prompt(
        &self,
        mut request: GetPromptRequestParams,
        context: Asked,
    ) -> Answer<GetPromptResponse> {
        let (member, own) = self.member(&request.name).ok_or_else(|| unknown("prompt"))?;
        request.name = own.to_owned();
        member.get_prompt(request, context).await
    }

    async fn complete(&self, mut request: CompleteRequestParams, context: Asked) -> Answer<CompleteResult> {
        let Reference::Prompt(prompt) = &mut request.r#ref else { return Err(unknown("resource")) };
        let (member, own) = self.member(&prompt.name).ok_or_else(|| unknown("prompt"))?;
        prompt.name = own.to_owned();
        member.complete(request, context).await
    }

    async fn set_level(&self, request: SetLevelRequestParams, context: Asked) -> Answer<()> {
        let logging = self.proxies().filter(|member| member.get_info().capabilities.logging.is_some());
        try_join_all(logging.map(|member| member.set_level(request.clone(), context.clone()))).await.map(drop)
    }

    async fn on_roots_list_changed(&self, context: Told) {
        join_all(self.proxies().map(|member| member.on_roots_list_changed(context.clone()))).await;
    }

    async fn on_progress(&self, progress: ProgressNotificationParam, context: Told) {
        join_all(self.proxies().map(|member| member.on_progress(progress.clone(), context.clone()))).await;
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let (member, own) = self.member(name)?;
        let mut tool = member.get_tool(own)?;
        tool.name = name.to_owned().into();
        Some(tool)
    }
}

fn unknown(what: &str) -> ErrorData {
    ErrorData::invalid_params(format!("{what} not found"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart_in_one_way() {
        for (server, tool) in [("a", "b"), ("a", "_b"), ("a", "__b"), ("a-b.c_d", "x__y"), ("a", "")] {
            let whole = joined(&server.into(), tool);
            check(server).expect(server);
            let found = Fleet::split(&whole).expect("two parts");
            // `_b` begins where the line between them ends.
            assert_eq!((found.0.as_str(), found.1.as_str()), (server, tool), "{whole}");
        }
        assert_eq!(Fleet::split("a_b"), None);
    }

    #[test]
    fn names_that_could_be_taken_apart_in_two_ways_are_refused() {
        for name in ["", "a__b", "_a", "a_", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
