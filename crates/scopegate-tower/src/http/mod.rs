//! HTTP requests as tool calls.

mod args;
mod body;
mod head;
mod pointer;
mod problem;
mod rpc;
mod session;
mod tool;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use scopegate_core::json::MAX_TEXT;
use scopegate_core::{Name, Outcome, Permitted, PrincipalRef, ToolCall};

pub use self::args::ArgsFrom;
pub use self::body::ReadBody;
pub use self::head::Head;
#[cfg(feature = "axum")]
pub(crate) use self::problem::problem;
#[cfg(feature = "tonic")]
pub(crate) use self::problem::{names_nobody, retry_after};
pub use self::session::SessionFrom;
pub use self::tool::ToolFrom;
use crate::extract::{Extract, Found, Refuse};
use crate::fault::{Fault, Stop};
use crate::slot::{Custody, PermitSlot};

/// How HTTP requests become tool calls, and refusals problem documents (RFC 9457).
///
/// The body of a request is read only when the tool stands in it or its scope reads arguments.
/// It is then read whole (limit, deadline), parsed strictly, and **handed on re-serialised**: the
/// handler sees the value that was judged, never the bytes of the wire. Where nothing reads the
/// arguments, the body streams through unread.
///
/// The layer keeps the permit and reports the outcome: `Ok` for statuses below 400, else `Failed`.
/// With [`hand_permit`](Self::hand_permit) the handler can take the permit, and the judged
/// arguments with it.
///
/// # Examples
/// ```
/// use scopegate_tower::{ArgsFrom, Http, SessionFrom, ToolFrom};
///
/// let http = Http::new()
///     .session(SessionFrom::extension()) // an authentication layer has put a `Principal` there
///     .tool(ToolFrom::json_pointer("/tool"))
///     .args(ArgsFrom::json_pointer("/arguments"));
/// ```
#[derive(Clone, Debug)]
pub struct Http(Arc<Settings>);

#[derive(Clone, Debug)]
struct Settings {
    session: SessionFrom,
    tool: ToolFrom,
    args: ArgsFrom,
    server: Option<Name>,
    body_limit: usize,
    body_deadline: Duration,
    allow_query: bool,
    always_read: bool,
    hand_permit: bool,
    handler_redacts: bool,
    reviews_at: Arc<str>,
}

impl Http {
    /// Session from the bearer token, tool from the route parameter `tool` (axum), arguments from
    /// the JSON body.
    pub fn new() -> Self {
        Self(Arc::new(Settings {
            session: SessionFrom::bearer(),
            tool: ToolFrom::route_param("tool"),
            args: ArgsFrom::body(),
            server: None,
            body_limit: MAX_TEXT,
            body_deadline: Duration::from_secs(10),
            allow_query: false,
            always_read: false,
            hand_permit: false,
            handler_redacts: false,
            reviews_at: "/scopegate/reviews/".into(),
        }))
    }

    /// JSON-RPC 2.0: one request per body, of the method `tools/call`, with `params.name` and
    /// `params.arguments`. Batches, notifications and other methods are refused.
    pub fn json_rpc() -> Self {
        Self::new().tool(ToolFrom::json_rpc()).args(ArgsFrom::json_pointer("/params/arguments"))
    }

    /// Where the tool's name stands.
    #[must_use]
    pub fn tool(self, tool: ToolFrom) -> Self {
        self.with(|settings| settings.tool = tool)
    }

    /// Where the arguments stand.
    #[must_use]
    pub fn args(self, args: ArgsFrom) -> Self {
        self.with(|settings| settings.args = args)
    }

    /// The MCP server that the layer stands before: every call goes there.
    #[must_use]
    pub fn server(self, name: impl Into<Name>) -> Self {
        self.with(|settings| settings.server = Some(name.into()))
    }

    /// Who says who asks.
    #[must_use]
    pub fn session(self, session: SessionFrom) -> Self {
        self.with(|settings| settings.session = session)
    }

    /// The longest body that is read, in bytes; 256 KiB, which is also the most.
    #[must_use]
    pub fn body_limit(self, bytes: usize) -> Self {
        self.with(|settings| settings.body_limit = bytes.min(MAX_TEXT))
    }

    /// How long a body may take to arrive; 10 s unless set.
    #[must_use]
    pub fn body_deadline(self, deadline: Duration) -> Self {
        self.with(|settings| settings.body_deadline = deadline)
    }

    /// Lets requests whose body is judged carry a query string. The query is **not judged**: say
    /// this only if no handler behind the layer reads arguments from it.
    #[must_use]
    pub fn allow_query(self) -> Self {
        self.with(|settings| settings.allow_query = true)
    }

    /// Reads the arguments of every call, also of tools that no rule constrains, so that a handler
    /// which runs on its permit always finds them there. Bodies then never stream.
    #[must_use]
    pub fn always_read(self) -> Self {
        self.with(|settings| settings.always_read = true)
    }

    /// Puts the permit among the request's extensions, in a [`PermitSlot`], for a handler that runs
    /// on it (axum: the extractor `TakenPermit`). If the handler does not take it, the layer reports
    /// the outcome.
    #[must_use]
    pub fn hand_permit(self) -> Self {
        self.with(|settings| settings.hand_permit = true)
    }

    /// Promises that the handlers take their permit, which is then handed to them
    /// ([`hand_permit`](Self::hand_permit)), and perform its duties (redact fields). Without this a permit with duties is refused; with it, an answer of a handler that did not
    /// take such a permit is withheld.
    #[must_use]
    pub fn handler_redacts(self) -> Self {
        self.with(|settings| (settings.hand_permit, settings.handler_redacts) = (true, true))
    }

    /// Where callers follow held calls; `Location` is this and the review's id. `/scopegate/reviews/`
    /// unless set.
    #[must_use]
    pub fn reviews_at(self, prefix: &str) -> Self {
        self.with(|settings| settings.reviews_at = prefix.into())
    }

    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.0));
        self
    }
}

impl Settings {
    /// What this deployment knows of every call.
    #[inline]
    fn complete(&self, call: &mut ToolCall) {
        if let Some(server) = &self.server {
            call.server = Some(server.clone());
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> Extract<Request<B>> for Http
where
    B: Body + From<Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Admitted = Request<B>;
    type Reading = ReadBody<B>;

    #[inline(always)]
    fn find(&self, request: &mut Request<B>, call: &mut ToolCall) -> Result<Found, Fault> {
        if !self.0.tool.in_head(request, call)? {
            return Ok(Found::ReadCall);
        }
        self.0.complete(call);
        if self.0.always_read {
            return Ok(Found::ReadArgs);
        }
        self.0.args.in_head(call, &Head::of(request));
        Ok(Found::Call)
    }

    fn principal<'r>(&'r self, request: &'r Request<B>) -> Result<PrincipalRef<'r>, Fault> {
        self.0.session.find(&Head::of(request))
    }

    fn read(&self, request: Request<B>, call: Option<ToolCall>) -> ReadBody<B> {
        ReadBody::new(self.clone(), request, call)
    }

    #[inline(always)]
    fn admit(
        &self,
        mut request: Request<B>,
        permitted: Permitted<&mut ToolCall>,
    ) -> Result<(Self::Admitted, Custody), Fault> {
        if let Some(error) = permitted.call().args.error() {
            // Permitted without its arguments, which were refused: there is nothing to hand on.
            return Err(Fault::Body(error));
        }
        if !permitted.obligations().is_empty() && !self.0.handler_redacts {
            return Err(Fault::Duty);
        }
        if !self.0.hand_permit {
            let (_, _, completion) = permitted.into_parts();
            return Ok((request, Custody::Layer(completion)));
        }
        let slot = PermitSlot::new(permitted.into_owned());
        request.extensions_mut().insert(slot.clone());
        Ok((request, Custody::Slot(slot)))
    }
}

impl<B: From<Bytes>, E> Refuse<Response<B>, E> for Http {
    fn refuse(&self, stop: Stop) -> Result<Response<B>, E> {
        Ok(problem::response(&stop, &self.0.reviews_at))
    }

    fn outcome(answer: &Result<Response<B>, E>) -> Outcome {
        match answer {
            Ok(response) if response.status().as_u16() < 400 => Outcome::Ok,
            Ok(_) | Err(_) => Outcome::Failed,
        }
    }
}
