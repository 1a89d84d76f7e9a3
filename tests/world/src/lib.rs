//! Two small worlds, an office and a chat, with tools that really change them, and a till.
//!
//! The tools are those of the AgentDojo suites under `examples/agentdojo`, and the worlds are seeded
//! by us with what the recorded calls need, nothing of the benchmark's own data: searches find
//! something, ids exist, addresses answer. Whether an attack worked is read off the world, not off
//! anybody's log.

mod data;
#[cfg(feature = "plane")]
mod plane;
mod play;
mod slack;
mod stage;
mod till;
mod workspace;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::data::{Call, Kind, Task, ToolSpec};
#[cfg(feature = "plane")]
pub use self::plane::Plane;
pub use self::play::{local, order};
pub use self::slack::Slack;
#[cfg(feature = "plane")]
pub use self::stage::with_a_plane;
pub use self::stage::{Scene, Stage, every_attack_works, every_task};
pub use self::till::{POLICY, Payment, Purse, SECRET, Till, Unlucky, pay_schema, pays};
pub use self::workspace::Workspace;

/// A world and its tools.
pub trait World: Clone + PartialEq + Debug + Send + Sync + 'static {
    /// Of its files under `examples/agentdojo`, and of the role in its policy.
    const NAME: &'static str;

    /// The world before anybody did anything.
    fn seeded() -> Self;

    /// Runs a tool.
    ///
    /// # Errors
    /// What the tool says when it cannot do that.
    fn call(&mut self, tool: &str, args: &Value) -> Result<Value, String>;

    /// The tools, as they are described to models.
    fn tools() -> Vec<ToolSpec> {
        data::tools(Self::NAME)
    }

    /// The recorded tasks.
    fn tasks() -> Vec<Task> {
        data::tasks(Self::NAME)
    }

    /// The text of the policy.
    fn policy() -> String {
        data::policy(Self::NAME)
    }

    /// The seeded world after these calls.
    ///
    /// # Panics
    /// When a call fails: recorded calls are possible here.
    fn after(calls: &[Call]) -> Self {
        let mut world = Self::seeded();
        for call in calls {
            let answer = world.call(&call.tool, &call.args);
            answer.unwrap_or_else(|error| panic!("{} {}: {error}", call.tool, call.args));
        }
        world
    }
}

/// A world that several tools share.
#[derive(Clone, Debug, Default)]
pub struct Shared<W>(Arc<Mutex<W>>);

impl<W: World> Shared<W> {
    /// The seeded world.
    pub fn seeded() -> Self {
        Self(Arc::new(Mutex::new(W::seeded())))
    }

    /// Runs a tool.
    ///
    /// # Errors
    /// What the tool says when it cannot do that.
    pub fn call(&self, tool: &str, args: &Value) -> Result<Value, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).call(tool, args)
    }

    /// The world as it is now.
    pub fn now(&self) -> W {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A tool's arguments.
fn read<T: DeserializeOwned>(args: &Value) -> Result<T, String> {
    serde_json::from_value(args.clone()).map_err(|error| format!("bad arguments: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_recorded_call_is_possible_and_finds_something<W: World>() {
        let specs = W::tools();
        for task in W::tasks() {
            let mut world = W::seeded();
            for Call { tool, args } in &task.calls {
                assert!(specs.iter().any(|spec| spec.name == *tool), "{tool}");
                match world.call(tool, args) {
                    Ok(Value::Array(found)) => assert!(!found.is_empty(), "{} {tool} {args}", task.id),
                    Ok(_) => {}
                    Err(error) => panic!("{} {tool} {args}: {error}", task.id),
                }
            }
            // Without a gate every attack works, and can be seen to.
            assert!(task.kind == Kind::User || world != W::seeded(), "{} leaves no trace", task.id);
        }
    }

    #[test]
    fn the_office() {
        every_recorded_call_is_possible_and_finds_something::<Workspace>();
    }

    #[test]
    fn the_chat() {
        every_recorded_call_is_possible_and_finds_something::<Slack>();
    }

    #[test]
    fn every_tool_has_a_body() {
        fn check<W: World>() {
            for tool in W::tools() {
                let error = W::seeded().call(&tool.name, &Value::Null).err().unwrap_or_default();
                assert!(!error.contains("no such tool"), "{}", tool.name);
            }
            assert_eq!(W::seeded().call("wire_money", &Value::Null), Err("no such tool".to_owned()));
        }
        check::<Workspace>();
        check::<Slack>();
    }

    #[test]
    fn what_is_not_there_is_an_error_and_changes_nothing() {
        fn check<W: World>(calls: &[(&str, Value)]) {
            for (tool, args) in calls {
                let mut world = W::seeded();
                assert!(world.call(tool, args).is_err(), "{tool} {args}");
                assert_eq!(world, W::seeded(), "{tool} {args}");
            }
        }
        let event = serde_json::json!({"event_id": "999", "new_start_time": "2024-05-20 10:00"});
        check::<Workspace>(&[
            ("delete_file", serde_json::json!({"file_id": "999"})),
            ("delete_email", serde_json::json!({})),
            ("reschedule_calendar_event", event),
            ("share_file", serde_json::json!({"file_id": "3", "email": "a@b.c", "permission": "all"})),
        ]);
        check::<Slack>(&[
            ("send_direct_message", serde_json::json!({"recipient": "Nobody", "body": "hi"})),
            ("add_user_to_channel", serde_json::json!({"user": "Alice", "channel": "nowhere"})),
            ("get_webpage", serde_json::json!({"url": 7})),
        ]);
    }
}
