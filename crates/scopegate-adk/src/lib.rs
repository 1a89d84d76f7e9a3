//! Gates the tools of [ADK-Rust](https://docs.rs/adk-core) agents: a call runs only with a permit, and
//! with the very arguments that were judged.
//!
//! A [`Guard`] is a gate and an answer to who asks; [`Guarded`] is a tool behind it, and
//! [`GuardedToolset`] a toolset whose every tool is, MCP servers' among them:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use adk_core::{Tool, Toolset};
//! # use scopegate_core::{Enforcer, Provision, Sessions};
//! use scopegate_adk::{Guard, Guarded, GuardedToolset};
//!
//! # fn tools<E>(enforcer: E, pay: Arc<dyn Tool>, mcp: Arc<dyn Toolset>) -> (Arc<dyn Tool>, Arc<dyn Toolset>)
//! # where E: Enforcer + Sessions + Clone {
//! let guard = Guard::opening(enforcer, Provision::new("assistant", "agent-7"));
//! // Give an agent these, and not the bare ones.
//! let (pay, mcp) = (Guarded::new(pay, guard.clone()), GuardedToolset::new(mcp, guard));
//! # (Arc::new(pay), Arc::new(mcp)) }
//! ```
//!
//! # What it does not cover
//! - Tools that the model's provider runs itself ([`Tool::is_builtin`](adk_core::Tool::is_builtin)):
//!   they never come by. A toolset offers them only if the role could call them.
//! - Transfers to sub-agents that are no tools (`actions.transfer_to_agent`): guard the sub-agents' own
//!   tools, with [`Guard::sub_agent`].
//!
//! # What the model sees
//! A call that did not run is an error of the tool: which tool, why, what would pass or whom to ask, as
//! far as [`Guard::disclose`] lets it. It is never marked as worth retrying by the framework itself,
//! which would ask for the same call again at once. For the host, the code and the review stand among
//! the error's details.

mod guard;
mod told;
mod tool;
mod toolset;

pub use self::guard::Guard;
pub use self::tool::Guarded;
pub use self::toolset::GuardedToolset;
pub use scopegate_adapter::credential;
