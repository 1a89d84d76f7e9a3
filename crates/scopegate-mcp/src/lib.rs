//! Gates [MCP](https://modelcontextprotocol.io) servers built with [rmcp](https://docs.rs/rmcp): a
//! tool runs only with a permit, and with the very arguments that were judged.
//!
//! ```no_run
//! # use rmcp::ServerHandler;
//! # use scopegate_core::{Enforcer, Provision, Sessions};
//! use scopegate_mcp::{Guard, serve_stdio};
//!
//! # async fn run<E>(enforcer: E, server: impl ServerHandler) -> Result<(), Box<dyn std::error::Error>>
//! # where E: Enforcer + Sessions + Clone {
//! let guard = Guard::opening(enforcer, Provision::new("assistant", "agent-7"));
//! serve_stdio(guard.over(server)).await?.waiting().await?;
//! # Ok(()) }
//! ```
//!
//! # Who asks
//! On stdio the process does: [`Guard::opening`] has a session of its own, [`Guard::new`] one that
//! somebody else opened. Over HTTP each request is asked by a [`Principal`](scopegate_core::Principal)
//! among its `http` extensions ([`Guard::from_http`]), which a layer further out has put there after
//! it verified a credential; a request without one is answered 401. No header is ever believed.
//!
//! # What is judged
//! Messages are read by the core's strict reader before rmcp sees them, and what goes on is written
//! anew from what was read: [`serve_stdio`], [`serve_on`] and [`http_service`] do that, and a
//! [`Guarded`] that is served in any other way refuses every request. So duplicate members, batches,
//! numbers that cannot be kept exactly and standard methods that do not decode never reach a server.
//! A message has at most 256 KiB.
//!
//! A tool is judged by its own name. Everything else is judged like a tool, by these names:
//!
//! | request | tool | arguments | setting |
//! |---|---|---|---|
//! | `prompts/get` | `mcp:prompts/get:NAME` | the prompt's | [`Area::Prompts`] |
//! | `resources/read`, `resources/directory/read`, `skills/get` | `mcp:resources/read` | `uri` | [`Area::Resources`] |
//! | `resources/subscribe`, each URI of `subscriptions/listen` | `mcp:resources/subscribe` | `uri` | [`Area::Resources`] |
//! | `completion/complete` | `mcp:completion/complete` | `type`, `name` or `uri`, `argument`, `value`, `context` if there is one | [`Area::Completion`] |
//! | `tasks/get`, `tasks/update`, `tasks/cancel` | `mcp:` and the method | `taskId`, of an update `inputResponses` | [`Area::Tasks`] |
//! | any method that MCP does not have | `mcp:` and the method | its parameters | [`Area::Custom`] |
//!
//! What a role does not grant is refused, and lists show only what it grants: a server whose prompts
//! everybody may read says so, with [`Guard::open`]. A list of resources is whole or empty, because
//! constraints on `uri` are not asked for lists. With a guard [from HTTP](Guard::from_http) a task also
//! belongs to the principal whose call became it. `ping`, `initialize`, `server/discover`,
//! `logging/setLevel` and the end of a subscription are not judged. A tool whose own name begins with
//! `mcp:` is never permitted.
//!
//! # What the client sees
//! A tool that the role could never be permitted looks like one that does not exist: it is in no
//! list, and calling it is `-32602 tool not found`. A call of another that did not run is a result
//! with `isError`, which says why and what to do, as far as [`Guard::disclose`] lets it; the host
//! finds the code, the guidance and the review in its `_meta`, under [`REFUSAL`]. Other requests are
//! refused with an error that has the same in its `data`.
//!
//! # Held calls
//! A call that needs a person comes back at once and names its review; it runs when it is called
//! again, with the same arguments, after somebody has agreed. [`Guard::wait_for_review`] waits for
//! the person instead.
//!
//! Where the role says `approval_by: client`, a client of 2026-07-28 that can show forms is asked in the
//! same call: whoever uses it sees the tool and its arguments, and agrees or does not. Their yes is for
//! this call of this principal, once and within five minutes; the call is then judged anew, and its record
//! says `consent: client`, never that anybody reviewed it. Any other client gets the review. What waits
//! for an answer is kept in this process, so a server of several processes has to send a client's next
//! request to the same one.

mod caller;
mod consent;
mod frame;
mod guard;
mod guarded;
mod http;
mod listing;
mod names;
mod operations;
#[cfg(feature = "proxy")]
pub mod proxy;
mod rounds;
mod stdio;
mod tasks;
mod told;
mod waiting;

pub use self::guard::{Area, Guard};
pub use self::guarded::Guarded;
pub use self::http::{HttpService, http_service};
pub use self::stdio::{StrictTransport, serve_on, serve_stdio};
pub use self::told::REFUSAL;
