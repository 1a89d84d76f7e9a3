//! Sessions that another enforcer opened: decided here only while it lends them.

use scopegate_core::{Name, SessionId, SessionWatch, Timestamp};

/// Whoever lends a session, and may take it back at any moment. Both methods are on the path of every
/// decision: they neither wait nor allocate.
pub trait Lender: Send + Sync + 'static {
    /// Lends the session for its next call; `None` when that may not be decided here. What a permit of
    /// it spends is taken at once.
    fn lend(&self) -> Option<Loan>;

    /// The call was not permitted here, so what was taken for it was not spent.
    fn unspent(&self, loan: Loan);
}

/// What was taken for one call. It means something to its lender alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a lender's own word, handed back as it is")]
pub struct Loan(pub u64);

/// A session as its lender knows it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "whoever lends a session has to say all of it")]
pub struct LentSession {
    /// Its id there.
    pub id: SessionId,
    /// Its owner.
    pub owner: Name,
    /// Its role, which this enforcer holds too.
    pub role: Name,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its first record here has the number after this one. Another number space than the lender's
    /// keeps records of one session apart.
    pub records: u64,
    /// Whether whoever opened it there still wants to know what became of it.
    pub watch: SessionWatch,
}
