//! Every tool of a set behind a guard: the handler that rig's bus and direct execution both reach.

use std::collections::HashSet;
use std::sync::Arc;

use rig_agent::tool::{RegisteredTool, ToolSet};
use rig_core::effect::{EffectKind, HandlerDescriptor, Outcome as RigOutcome, family};
use rig_core::error::{ErrorKind, ErrorReport};
use rig_core::serve::{Dispatch, Reply, Serve};
use rig_core::tool::{PublishedContext, ToolContext, ToolExecutionError, ToolResult};
use scopegate_adapter::{Caller, Seam, Seams, with_credential};
use scopegate_core::{Permitted, ToolCall};

use crate::guard::Guard;
use crate::told::{RanWith, outcome};

/// The set with every tool behind the guard: typed ones, dynamic and MCP-backed ones, sub-agents.
///
/// Names, definitions, keys and exposure stay what they were. A tool whose owner is gone answers
/// that it is gone; rig keeps listing it, because a handler cannot say so. Tools that are added to a
/// server later are not guarded: add them through [`guard_tool`], or put a
/// [`ScopeHook`](crate::ScopeHook) on the agent as well.
///
/// # Errors
/// What rig says about a handler that it does not take.
pub fn guard_tools(tools: &ToolSet, guard: &Guard) -> Result<ToolSet, Box<ErrorReport>> {
    let exposed: HashSet<&str> = tools.always_exposed_names().collect();
    let mut guarded = ToolSet::default();
    for (name, tool) in tools.iter() {
        let tool = guard_tool(tool, guard)?;
        if exposed.contains(name) {
            guarded.add_registered_tool(tool);
        } else {
            let mut retrieved = ToolSet::default();
            retrieved.add_registered_tool(tool);
            guarded.add_retrievable_tools(retrieved);
        }
    }
    Ok(guarded)
}

/// One registered tool behind the guard.
///
/// # Errors
/// What rig says about a handler that it does not take.
pub fn guard_tool(tool: &RegisteredTool, guard: &Guard) -> Result<RegisteredTool, Box<ErrorReport>> {
    // What describes a handler comes from whatever it stands around.
    let (_, further_in) = Seams::asked(|| tool.handler().descriptor());
    let (name, tool, guard, seam) = (tool.name(), tool.clone(), guard.clone(), Seam::default());
    let key = tool.key().clone();
    let handler = GuardedHandler { name, tool, guard, seam, further_in };
    Ok(RegisteredTool::from_handler(handler)?.with_key(key))
}

struct GuardedHandler {
    /// What is judged: the tool that would run, whatever a call says its name is.
    name: String,
    tool: RegisteredTool,
    guard: Guard,
    seam: Seam,
    /// What takes a permit up from here.
    further_in: Seams,
}

impl Serve for GuardedHandler {
    type Family = family::Dynamic;

    fn descriptor(&self) -> HandlerDescriptor {
        self.seam.present();
        let mut descriptor = self.tool.handler().descriptor();
        descriptor.layers.insert(0, "scopegate".to_owned());
        descriptor
    }

    async fn serve(&self, kind: EffectKind, dispatch: Dispatch) -> Reply {
        match kind {
            EffectKind::ToolCall { name, args } if name == self.name => self.call(args, dispatch).await,
            EffectKind::ToolCall { name, .. } => self.misled(&name),
            // Not a tool call: the handler says so itself.
            other => self.tool.handler().handle(other, dispatch).await,
        }
    }
}

impl GuardedHandler {
    async fn call(&self, arguments: String, dispatch: Dispatch) -> Reply {
        if !self.tool.is_live() {
            return failed(self.gone());
        }
        let context = dispatch.scope::<ToolContext>().unwrap_or_default();
        let published = dispatch.scope::<PublishedContext>();
        match self.guard.admit(&self.seam, &context, &self.name, &arguments).await {
            Ok((permitted, caller)) => {
                let permit = permitted.id();
                let reply = self.run(permitted, caller, dispatch).await;
                publish(published, &context, |context| RanWith::note(permit, context));
                reply
            }
            Err(stopped) => {
                let mut told = context.for_dispatch();
                let error = self.guard.refusal(&self.name, stopped, &mut told);
                if let Some(published) = published {
                    published.publish(told);
                }
                failed(error)
            }
        }
    }

    /// Runs the tool with the judged arguments. A guarded tool further in takes the permit up.
    async fn run(&self, permitted: Permitted<ToolCall>, caller: Caller, dispatch: Dispatch) -> Reply {
        let secret = permitted.credential().cloned();
        let offer = self.guard.handover.offer(permitted, caller, Some(self.further_in.clone()));
        let call = EffectKind::ToolCall { name: self.name.clone(), args: offer.arguments() };
        let reply = with_credential(secret, self.tool.handler().handle(call, dispatch)).await;
        // A tool does not stream; of one that did, nobody knows here whether it ran.
        if let (Some(permitted), Reply::Outcome(answer)) = (offer.withdraw(), &reply) {
            permitted.complete(outcome(answer));
        }
        reply
    }

    fn gone(&self) -> ToolExecutionError {
        ToolExecutionError::not_found(format!("tool `{}` is not served any more", self.name))
    }

    /// Some handlers run whatever they are asked for, so a name that differs would be judged for another.
    fn misled(&self, name: &str) -> Reply {
        let message = format!("tool handler `{}` asked to run `{name}`", self.name);
        Reply::Outcome(Err(ErrorReport::new(ErrorKind::Internal, message)))
    }
}

fn failed(error: ToolExecutionError) -> Reply {
    Reply::Outcome(Ok(RigOutcome::ToolResult { result: ToolResult::failed(error) }))
}

/// Adds to what the tool published, or to an empty page.
fn publish(
    published: Option<Arc<PublishedContext>>,
    context: &ToolContext,
    note: impl FnOnce(&mut ToolContext),
) {
    let Some(published) = published else { return };
    let mut result = published.take().unwrap_or_else(|| context.for_dispatch());
    note(&mut result);
    published.publish(result);
}
