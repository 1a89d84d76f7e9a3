//! What goes over the wire, in the plane's words. Answers may hold more than is read here.

mod audit;
mod call;
mod delivery;
mod plane;
mod policy_role;
mod review;
mod role;
mod role_change;
mod server;
mod session;

pub use self::audit::{AuditEvent, AuditPage};
pub use self::call::{Call, McpCall};
pub(crate) use self::call::{EnforceBody, McpEnforceBody, verdict};
pub(crate) use self::delivery::Deliveries;
pub use self::delivery::{Delivery, DeliveryStatus};
pub use self::plane::{Epoch, Health};
pub use self::review::{Review, ReviewStatus};
pub(crate) use self::review::{Reviews, SettleBody};
pub(crate) use self::role::Roles;
pub use self::role::{RoleDraft, RoleView};
pub use self::role_change::RoleChange;
pub(crate) use self::server::Servers;
pub use self::server::{ServerSummary, ServerView};
pub(crate) use self::session::Sessions;
pub use self::session::{Provision, SessionStatus, SessionToken, SessionView, Token};
