//! Gates the tools of [swarms-rs](https://docs.rs/swarms-rs) agents: a call runs only with a permit,
//! and with the very arguments that were judged.
//!
//! A [`Guard`] is a gate and an answer to who asks, and an [`AgentBuilder`] builds an agent behind it:
//!
//! ```no_run
//! # use scopegate_core::{Enforcer, Provision, Sessions};
//! # use swarms_rs::{llm::Model, structs::tool::Tool};
//! use scopegate_swarms::{AgentBuilder, Guard, GuardedAgent};
//!
//! # fn agent<E, M, T>(enforcer: E, model: M, pay: T) -> Result<GuardedAgent<M>, Box<dyn std::error::Error>>
//! # where E: Enforcer + Sessions + Clone, M: Model + Clone + Send + Sync + 'static,
//! #     M::RawCompletionResponse: Clone + Send + Sync, T: Tool + 'static {
//! let guard = Guard::opening(enforcer, Provision::new("assistant", "agent-7"));
//! let agent = AgentBuilder::new(model, guard)
//!     .settings(|swarms| swarms.agent_name("assistant").max_loops(10))
//!     .add_tool(pay)
//!     .build()?;
//! # Ok(agent) }
//! ```
//!
//! It guards at two seams, and where they meet, a call is decided, counted and recorded once:
//!
//! | seam | covers | leaves out |
//! |---|---|---|
//! | [`GuardedModel`] | every call that the agent's model makes: tools, MCP servers, `delegate_to_…`, `transfer_to_…`, `task_evaluator` | tools that the host calls by itself |
//! | [`Guarded`], [`GuardedDyn`] | one tool, whoever calls it; the outcome of its calls; its secret | every other tool, and **handoffs** |
//!
//! swarms hands a task off by the name of a call, whatever the call's own tool has answered, so only
//! the model's seam stops a handoff. [`AgentBuilder::new`] guards both; [`AgentBuilder::tools_only`]
//! guards the tools alone, and then does not build an agent that can reach anything else.
//!
//! # What a role has to grant
//! Names are those that the model calls: `delegate_to_<agent>` for a sub-agent, `transfer_to_<agent>`
//! for a handoff, and `task_evaluator` for swarms' own tool that ends a run before its last loop
//! (or switch it off: `disable_task_complete_tool`). What a role can never call is not offered to the
//! model at all. Each sub-agent and each target of a handoff is an agent of its own: build it with a
//! guard of its own, [`Guard::sub_agent`], or its tools are not guarded.
//!
//! # What the model sees
//! A call that did not run becomes a sentence in the place of the call: which tool, why, what would
//! pass or whom to ask, as far as [`Guard::disclose`] lets it. swarms puts it into the conversation.
//! With [`tools_only`](AgentBuilder::tools_only) it is the result of the tool. For the host,
//! [`Guard::tell`] hears of every refusal, with its code.
//!
//! # Held calls
//! A call that needs a person comes back at once and says which review is open; the model may repeat
//! it once somebody has agreed. [`Guard::wait_for_review`] waits for the person instead.
//!
//! # What is recorded
//! The outcome of a call is recorded for guarded tools. What became of a sub-agent, a handoff or the
//! tool of an MCP server that [swarms itself connects](AgentBuilder::add_stdio_mcp_server) does not
//! come by here: their permits are recorded as dropped, which says that nobody knows.

mod agent;
mod builder;
mod guard;
mod guarded;
mod model;
mod told;

pub use self::agent::GuardedAgent;
pub use self::builder::{AgentBuilder, BuildError};
pub use self::guard::Guard;
pub use self::guarded::{Guarded, GuardedDyn, GuardedError};
pub use self::model::GuardedModel;
pub use self::told::NotRun;
pub use scopegate_adapter::{RawArgs, credential};
