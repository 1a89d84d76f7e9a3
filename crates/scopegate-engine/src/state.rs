//! The state of an enforcer that outlives the process: what a plane keeps, and gives back at the
//! next start.
//!
//! An enforcer with a [`StateLog`] decides in memory, as every enforcer does, and hands each
//! change to the log while it still holds what the decision was made on: the log sees changes in
//! the order they were made. A permit or a hold is given out only once its change is kept.

use std::future::Future;
use std::pin::Pin;

use scopegate_core::{
    AccessRequest, DecisionRecord, Denial, Grant, LimitKey, Name, Notes, Review, SessionId, Tat, Timestamp,
    Trust,
};
use smallvec::SmallVec;

/// Keeps the changes of an enforcer's state, in order.
pub trait StateLog: Send + Sync + 'static {
    /// Takes room for one change. A denial never takes the last half of it.
    ///
    /// # Errors
    /// [`NoRoom`]; nothing was taken.
    fn reserve(&self, denial: bool) -> Result<(), NoRoom>;

    /// Gives room back that was taken.
    fn release(&self);

    /// Puts a change into the room that was taken for it.
    fn append(&self, change: StateChange) -> Position;

    /// Waits until a change is kept; false when it never will be.
    fn kept(&self, position: Position) -> Waiting<'_, bool>;

    /// Waits until there may be room again, or there never will be.
    fn room(&self) -> Waiting<'_, ()>;

    /// Whether answers wait until their changes are kept.
    fn is_durable(&self) -> bool;
}

/// A future behind a pointer.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The place of a change in a log; later ones are greater.
pub type Position = u64;

/// Why a log takes no change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever decides must tell the two apart")]
pub enum NoRoom {
    /// There will be room again.
    Full,
    /// The log has failed, for good.
    Failed,
}

impl std::fmt::Display for NoRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "too many changes wait to be kept; try again",
            Self::Failed => "changes cannot be kept any more",
        })
    }
}

/// One change, all of it or none.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a change that is not kept would be undone by a restart")]
pub enum StateChange {
    /// A decision.
    Decided(Box<Decided>),
    /// A person decided on a review.
    Settled(Box<Review>),
    /// Grants began, changed or ended.
    Granted(Box<[Grant]>),
    /// Calls that will be decided elsewhere were counted in advance.
    Advanced(Box<[(AccountKey, Tat)]>),
}

/// A decision and all that it changed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Decided {
    /// What is written down of it.
    pub record: DecisionRecord,
    /// Why it was denied, if it was.
    pub denial: Option<Denial>,
    /// The rate accounts it wrote.
    pub accounts: SmallVec<[(AccountKey, Tat); 4]>,
    /// The budgets it spent of, and how many calls of each are spent now.
    pub budgets: SmallVec<[(SessionId, u64); 1]>,
    /// The review it opened or used up, as it stands now.
    pub review: Option<Review>,
    /// The grants of which it spent a use, as they stand now.
    pub grants: Vec<Grant>,
    /// The notes of the request.
    pub notes: Option<Notes>,
}

/// What a decision changed beside its record.
#[derive(Debug, Default)]
pub(crate) struct More {
    pub(crate) denial: Option<Denial>,
    pub(crate) accounts: SmallVec<[(AccountKey, Tat); 4]>,
    pub(crate) budgets: SmallVec<[(SessionId, u64); 1]>,
    pub(crate) review: Option<Review>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) notes: Option<Notes>,
}

impl More {
    pub(crate) fn of(request: &AccessRequest<'_>) -> Self {
        Self { notes: request.notes.cloned(), ..Self::default() }
    }

    pub(crate) fn denied(request: &AccessRequest<'_>, denial: &Denial) -> Self {
        Self { denial: Some(denial.clone()), ..Self::of(request) }
    }
}

impl Decided {
    pub(crate) fn new(record: DecisionRecord, more: More) -> Self {
        let More { denial, accounts, budgets, review, grants, notes } = more;
        Self { record, denial, accounts, budgets, review, grants, notes }
    }
}

/// Names a rate account: stays the same as long as whoever is counted exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a key is all of its parts")]
pub struct AccountKey {
    /// Who is counted.
    pub of: Counted,
    /// The limit, set by the session's own role or a parent of it.
    pub limit: LimitKey,
}

/// Whose calls an account counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a key is all of its parts")]
pub enum Counted {
    /// All sessions of an owner in a role.
    Shared {
        /// The owner.
        owner: Name,
        /// The role of the sessions.
        role: Name,
    },
    /// One session.
    Own(SessionId),
}

/// What a log gives back at the start.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SavedState {
    /// Time never runs back before this.
    pub latest: Timestamp,
    /// Sessions, parents before their children.
    pub sessions: Vec<SavedSession>,
    /// Owners that are suspended.
    pub suspended: Vec<Name>,
    /// Reviews that may still matter.
    pub reviews: Vec<Review>,
    /// Grants, of which those that are over still count for what may be opened.
    pub grants: Vec<Grant>,
    /// Rate accounts.
    pub accounts: Vec<(AccountKey, Tat)>,
    /// How far owners are trusted, where it was counted.
    pub trust: Vec<(Name, Trust)>,
}

/// A session as it was kept.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever restores a session has to know all of it")]
pub struct SavedSession {
    /// Its id.
    pub id: SessionId,
    /// Its owner.
    pub owner: Name,
    /// Its role.
    pub role: Name,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The session it was opened by.
    pub parent: Option<SessionId>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// How many records it has.
    pub records: u64,
    /// How many calls may be permitted in it, where that is limited.
    pub max_calls: Option<u64>,
    /// How many were.
    pub spent: u64,
}
