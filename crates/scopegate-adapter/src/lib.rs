//! What Scopegate's adapters for agent frameworks share, and no framework has: a [`Desk`] puts calls
//! to a gate, a [`Caller`] is whoever asks, a [`Keeper`] opens and ends a session when it has to.
//!
//! Whoever guards a framework's tools uses its adapter (`scopegate-rig`, `scopegate-mcp` and others);
//! whoever writes another adapter starts here:
//!
//! ```
//! # use scopegate_adapter::{Caller, Desk, Seams, call};
//! # use scopegate_core::{Enforcer, Provision, Sessions};
//! # async fn pay<E: Enforcer + Sessions + Clone>(enforcer: E) {
//! let caller = Caller::opening(enforcer.clone(), Provision::new("payer", "agent-7"));
//! let desk = Desk::new(enforcer);
//! match desk.decide(&caller, call("pay", r#"{"amount": 7}"#)).await {
//!     Ok(permitted) => {
//!         let args = permitted.call().args.to_json().unwrap_or_default();
//!         let pay = async move { Ok::<_, ()>(format!("paid {args}")) };
//!         let _paid = desk.run(permitted, &caller, Seams::default(), pay).await;
//!     }
//!     Err(stopped) => println!("{}", desk.notice("pay", &stopped).text),
//! }
//! # }
//! ```

mod arguments;
mod caller;
mod credential;
mod desk;
mod keeper;
mod relay;
mod seam;

pub use self::arguments::{RawArgs, call, read};
pub use self::caller::Caller;
pub use self::credential::{credential, with_credential};
pub use self::desk::Desk;
pub use self::keeper::Keeper;
pub use self::relay::in_run;
pub use self::seam::{Seam, Seams};
