//! gRPC requests as tool calls.

mod handler;
mod status;

use std::collections::BTreeSet;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

use http::{Request, Response};
use scopegate_core::{Gate, Name, Outcome, Permitted, PrincipalRef, ToolCall};

pub use self::handler::HandlerAdmits;
use crate::extract::{Extract, Found, Refuse};
use crate::fault::{Fault, Stop};
use crate::http::{Head, SessionFrom};
use crate::slot::{Custody, PermitSlot};

/// How gRPC requests become tool calls, and refusals gRPC statuses (trailers-only).
///
/// The tool is the method path without its first `/`, such as `pkg.Service/Method`; the session is
/// the bearer token in the metadata `authorization`. Bodies are streams and never touched: a tool
/// whose scope reads arguments is refused with `ARGUMENTS_NOT_VISIBLE`, unless its [handler
/// admits](Self::handler_admits). The layer keeps the permit and reports the outcome, unless it is to
/// [hand it on](Self::hand_permit).
///
/// # Examples
/// ```
/// use scopegate_tower::Grpc;
///
/// let grpc = Grpc::new().handler_admits("bank.Transfers/Wire");
/// ```
#[derive(Clone, Debug)]
pub struct Grpc(Arc<Settings>);

/// The tool of a method.
type Naming = dyn Fn(&str) -> Option<Name> + Send + Sync;

#[derive(Clone)]
struct Settings {
    session: SessionFrom,
    tool: Arc<Naming>,
    handlers: BTreeSet<Name>,
    hand_permit: bool,
    handler_redacts: bool,
}

impl Grpc {
    /// Session from the bearer token, tool from the method path.
    pub fn new() -> Self {
        Self(Arc::new(Settings {
            session: SessionFrom::bearer(),
            tool: Arc::new(|method| Some(method.into())),
            handlers: BTreeSet::new(),
            hand_permit: false,
            handler_redacts: false,
        }))
    }

    /// Who says who asks.
    #[must_use]
    pub fn session(self, session: SessionFrom) -> Self {
        self.with(|settings| settings.session = session)
    }

    /// The tool of a method (`pkg.Service/Method`), where names differ; `None` refuses it.
    #[must_use]
    pub fn tool(self, tool: impl Fn(&str) -> Option<Name> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.tool = Arc::new(tool))
    }

    /// The handler of this method (`pkg.Service/Method`) asks the gate itself, with the arguments
    /// it has read. The layer asks nothing and hands on a [`HandlerAdmits`]; **a handler that
    /// ignores it runs without a permit**.
    #[must_use]
    pub fn handler_admits(self, method: &str) -> Self {
        self.with(|settings| {
            settings.handlers.insert(method.trim_start_matches('/').into());
        })
    }

    /// Puts the permit among the request's extensions, in a [`PermitSlot`], for a handler that runs
    /// on it. If the handler does not take it, the layer reports the outcome.
    #[must_use]
    pub fn hand_permit(self) -> Self {
        self.with(|settings| settings.hand_permit = true)
    }

    /// Promises that the handlers take their permit, which is then handed to them
    /// ([`hand_permit`](Self::hand_permit)), and perform its duties (redact fields). Without this a permit with duties is refused.
    #[must_use]
    pub fn handler_redacts(self) -> Self {
        self.with(|settings| (settings.hand_permit, settings.handler_redacts) = (true, true))
    }

    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.0));
        self
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> Extract<Request<B>> for Grpc {
    type Admitted = Request<B>;
    type Reading = Ready<Result<(Request<B>, ToolCall), Fault>>;

    fn find(&self, request: &mut Request<B>, call: &mut ToolCall) -> Result<Found, Fault> {
        let method = request.uri().path();
        let method = method.strip_prefix('/').unwrap_or(method);
        call.tool = (self.0.tool)(method).ok_or(Fault::NoTool)?;
        match self.0.handlers.contains(method) {
            true => Ok(Found::HandlerAdmits),
            false => Ok(Found::Call),
        }
    }

    fn principal<'r>(&'r self, request: &'r Request<B>) -> Result<PrincipalRef<'r>, Fault> {
        self.0.session.find(&Head::of(request))
    }

    fn read(&self, _: Request<B>, call: Option<ToolCall>) -> Self::Reading {
        ready(Err(call.map_or(Fault::NoTool, |call| Fault::ArgumentsHidden(call.tool))))
    }

    fn admit(
        &self,
        mut request: Request<B>,
        permitted: Permitted<&mut ToolCall>,
    ) -> Result<(Self::Admitted, Custody), Fault> {
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

    fn hand_over(&self, mut request: Request<B>, gate: &Gate, call: ToolCall) -> Result<Request<B>, Fault> {
        let principal = self.0.session.find(&Head::of(&request))?.to_owned();
        request.extensions_mut().insert(HandlerAdmits::new(gate.clone(), principal, call));
        Ok(request)
    }
}

impl<B: Default, E> Refuse<Response<B>, E> for Grpc {
    fn refuse(&self, stop: Stop) -> Result<Response<B>, E> {
        Ok(tonic::Status::from(stop).into_http())
    }

    /// A failure after the first message stands in the trailers and is not seen: the call ran.
    fn outcome(answer: &Result<Response<B>, E>) -> Outcome {
        match answer {
            Ok(response) if response.status().is_success() && status::is_ok(response.headers()) => {
                Outcome::Ok
            }
            Ok(_) | Err(_) => Outcome::Failed,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("session", &self.session)
            .field("handlers", &self.handlers)
            .field("hand_permit", &self.hand_permit)
            .field("handler_redacts", &self.handler_redacts)
            .finish_non_exhaustive()
    }
}
