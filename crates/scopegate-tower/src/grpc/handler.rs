//! Handlers that ask the gate themselves.

use scopegate_core::{Args, Gate, Permitted, Principal, ToolCall};

use crate::fault::Stop;

/// Among the request's extensions of a method marked [`handler_admits`](super::Grpc::handler_admits):
/// the handler turns the arguments it has read into a permit, and does nothing before it has one.
///
/// ```
/// # use scopegate_core::{Args, Outcome};
/// # use scopegate_tower::HandlerAdmits;
/// # use tonic::{Request, Response, Status};
/// async fn wire(request: Request<u64>) -> Result<Response<()>, Status> {
///     let admits = request.extensions().get::<HandlerAdmits>().cloned();
///     let admits = admits.ok_or_else(|| Status::internal("no scope layer"))?;
///     let amount = request.into_inner();
///     let permitted = admits.admit(Args::parse(format!(r#"{{"amount":{amount}}}"#))).await?;
///     // … send the money …
///     permitted.complete(Outcome::Ok);
///     Ok(Response::new(()))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct HandlerAdmits {
    gate: Gate,
    principal: Principal,
    call: ToolCall,
}

impl HandlerAdmits {
    pub(super) fn new(gate: Gate, principal: Principal, call: ToolCall) -> Self {
        Self { gate, principal, call }
    }

    /// Asks the gate about this method with these arguments. Each question is a decision of its
    /// own.
    ///
    /// # Errors
    /// [`Stop`], which converts into a `tonic::Status`.
    pub async fn admit(&self, args: Args) -> Result<Permitted<ToolCall>, Stop> {
        Ok(self.gate.admit(&self.principal, self.call.clone().with_args(args)).await?)
    }
}
