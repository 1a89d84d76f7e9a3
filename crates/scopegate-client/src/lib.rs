//! The client of Scopegate's plane.
//!
//! ```no_run
//! use scopegate_client::{Call, Client, Provision};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::from_env()?; // SCOPEGATE_URL, SCOPEGATE_API_KEY
//! let session = client.provision(&Provision::new("payer")).await?;
//! let call = Call::new("pay", serde_json::json!({ "to": "VND-000001", "amount": 12 }));
//! client.enforce(&session.token, &call).await?; // goes on only with a permit
//! # Ok(())
//! # }
//! ```
//!
//! A permit is `Ok`; a denial, a hold, an outage and an answer that no plane gives are errors, so that
//! `?` is safe. [`Client`] has a method for every route of the plane ([`routes`] lists them), and
//! [`webhook::verify`] tells whether an event came from it. What answers hold beyond what this crate
//! knows is ignored; what they lack, or have of another type, is an error that says so.
//!
//! One file sends (`http.rs`): it holds deadlines, bounds what is read, follows no redirect, and turns
//! statuses into [`ClientError`]. One file has the routes (`routes.rs`). The plane's words are in
//! `wire/`. [`Client`] does not retry: a call that was lost may have been answered.
//!
//! [`Client::xybern`] speaks to the same plane with the methods of Xybern's clients, named as there.
//!
//! [`RemoteEnforcer`] is the enforcer of a process that has a plane: it decides with what the plane lends, and asks
//! it otherwise.

mod answer;
mod builder;
mod client;
mod error;
mod http;
mod management;
mod remote;
mod routes;
mod tls;
pub mod webhook;
mod wire;
pub mod xybern;

pub use self::builder::ClientBuilder;
pub use self::client::Client;
pub use self::error::{BuildError, ClientError, Denied, Outage, Pending};
pub use self::management::{ExportFormat, ExportOrder};
pub use self::remote::{
    Clocks, Counts, ManualClocks, RemoteBuildError, RemoteBuilder, RemoteEnforcer, SystemClocks, lent_routes,
};
pub use self::routes::routes;
pub use self::wire::{
    AuditEvent, AuditPage, Call, Delivery, DeliveryStatus, Epoch, Health, McpCall, Provision, Review,
    ReviewStatus, RoleChange, RoleDraft, RoleView, ServerSummary, ServerView, SessionStatus, SessionToken,
    SessionView, Token,
};
