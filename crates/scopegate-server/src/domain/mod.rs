//! What the plane does, for one tenant at a time. Typed, without HTTP and without any dialect's words.
//!
//! Every operation changes the tenant's enforcer in memory first, hands the change to the writer in
//! the same order, and answers once the change is kept.

mod actions;
mod agents;
mod assign;
mod audit;
mod catalogues;
mod decisions;
mod enforce;
mod epoch;
mod escalations;
mod failure;
mod grants;
mod journal;
mod lend;
mod log;
pub(crate) mod member;
mod nonce;
mod policies;
mod remembered;
mod reviews;
mod roles;
mod runtime;
mod sessions;
mod tenant;
mod written;

pub(crate) use self::actions::{Acted, Action, AskedAs, Custody, hostile, rule};
pub(crate) use self::agents::{Agent, Decided, Draft, Issued, Kids, Lifetime, Proof, Slice, Standing};
pub(crate) use self::audit::{Exported, Since};
pub(crate) use self::catalogues::CatalogueDocument;
pub(crate) use self::enforce::Question;
pub(crate) use self::epoch::{Follower, Told, Touched};
pub(crate) use self::escalations::{Stage, Told as Read, Wanted};
pub(crate) use self::failure::Failure;
pub(crate) use self::journal::{Batch, Entry};
pub(crate) use self::lend::{LEASE, Lent};
pub(crate) use self::policies::{Deployed, PackDocument, PackDraft, PolicyDocument, PolicyDraft, ShadowOf};
pub(crate) use self::reviews::Shown;
pub(crate) use self::roles::RoleDocument;
pub(crate) use self::runtime::{Budgets, Run, Start, State as RunState};
pub(crate) use self::sessions::Order;
pub(crate) use self::tenant::{Said, Tenant};
