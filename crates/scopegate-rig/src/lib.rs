//! Gates the tools of [rig](https://docs.rs/rig) agents: a call runs only with a permit, and with
//! the very arguments that were judged.
//!
//! A [`Guard`] is a gate and an answer to who asks. It guards at three seams, and where they meet,
//! a call is decided, counted and recorded once:
//!
//! | seam | covers | leaves out |
//! |---|---|---|
//! | [`guard_tools`] | every tool of a set, whoever calls it: typed, dynamic, MCP-backed, sub-agents | tools that are added later |
//! | [`Guarded`] | one typed tool, wherever it is used | every other tool |
//! | [`ScopeHook`] | every call of one agent's model, in one line | see its documentation |
//!
//! ```no_run
//! # use scopegate_core::{Enforcer, Provision, Sessions};
//! # use rig_agent::{Agent, AgentBuilder, tool::ToolSet, tool::server::ToolServer};
//! # use rig_core::{DynModel, operation::Completion};
//! use scopegate_rig::{Guard, guard_tools};
//!
//! # fn agent<E>(
//! #     enforcer: E, model: DynModel<Completion>, tools: ToolSet,
//! # ) -> Result<Agent, Box<dyn std::error::Error>>
//! # where E: Enforcer + Sessions + Clone {
//! let guard = Guard::opening(enforcer, Provision::new("assistant", "agent-7"));
//! let server = ToolServer::new().run();
//! server.add_tools(guard_tools(&tools, &guard)?);
//! let agent = AgentBuilder::new(model).tool_server_handle(server).build();
//! # Ok(agent) }
//! ```
//!
//! # What the model sees
//! A call that did not run is an error result: which tool, why, what would pass or whom to ask,
//! as far as [`Guard::disclose`] lets it. Beside it, for the host: the code, on the
//! [`ToolExecutionError`](rig_core::tool::ToolExecutionError), and [`NotRun`] among the metadata of
//! the result. A call that ran has a [`RanWith`] there, which names its record.
//!
//! # Held calls
//! A call that needs a person comes back at once and says which review is open; the model may repeat
//! it once somebody has agreed. [`Guard::wait_for_review`] waits for the person instead.

mod caller;
mod guard;
mod guarded;
mod handler;
mod handover;
mod hook;
mod told;

pub use self::caller::AgentSession;
pub use self::guard::{Guard, NoParent};
pub use self::guarded::Guarded;
pub use self::handler::{guard_tool, guard_tools};
pub use self::hook::ScopeHook;
pub use self::told::{NotRun, RanWith};
pub use scopegate_adapter::{RawArgs, credential};
