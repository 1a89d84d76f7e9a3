//! Held calls, and the people who decide on them.

use scopegate_core::{Name, Review, ReviewError, ReviewId, Reviews};

use super::tenant::{Asked, Said, lock};
use super::{Failure, Tenant};
use crate::auth::Caller;

/// A review, with what the plane knows beside it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) review: Review,
    pub(crate) asked: Option<Asked>,
}

impl Tenant {
    /// The reviews that wait, oldest first: all of them for people, its own for an agent.
    pub(crate) fn waiting_reviews(&self, caller: &Caller) -> Vec<Shown> {
        let pending = self.enforcer.pending_reviews().into_iter();
        let shown = pending.map(|review| Shown { asked: self.book.asked(&review), review });
        shown.filter(|shown| shown.is_seen_by(caller)).collect()
    }

    /// A review, however old.
    pub(crate) fn review(&self, caller: &Caller, id: ReviewId) -> Result<Shown, Failure> {
        let shown = match self.enforcer.review(id) {
            Some(review) => Some(Shown { asked: self.book.asked(&review), review }),
            None => self.archive.review(&self.id, id)?.map(|row| {
                let mut review = row.review.clone();
                // Nobody holds it any more, so its time is over.
                review.state = review.state_at(review.expires_at);
                Shown { asked: Some(super::log::asked(&row)), review }
            }),
        };
        shown.filter(|shown| shown.is_seen_by(caller)).ok_or(Failure::Unknown("approval"))
    }

    /// Lets the held call run once, or refuses it until its time is over. Who decides is whoever
    /// holds the caller's key, and nobody agrees to what their own key asked for.
    pub(crate) async fn settle(
        &self,
        caller: &Caller,
        id: ReviewId,
        approve: bool,
        said: Said,
    ) -> Result<Shown, Failure> {
        let shown = self.review(caller, id)?;
        self.refuse_own(caller, shown.asked.as_ref())?;
        let by = reviewer(caller);
        lock(&self.book.deciding).insert((id, by.clone()), (caller.key.clone(), said));
        let settled = match approve {
            true => self.enforcer.approve(id, &by).await,
            false => self.enforcer.reject(id, &by).await,
        };
        lock(&self.book.deciding).remove(&(id, by));
        let review = settled.map_err(|error| match error {
            ReviewError::Unknown => Failure::Unknown("approval"),
            ReviewError::Settled(_) => Failure::Conflict(error.to_string()),
            ReviewError::OwnRequest(_) => Failure::Forbidden(error.to_string()),
            _ => Failure::Unavailable(error.to_string()),
        })?;
        Ok(Shown { asked: self.book.asked(&review), review })
    }
}

impl Tenant {
    /// Whoever holds the key that asked, also in an agent's name, has asked.
    fn refuse_own(&self, caller: &Caller, asked: Option<&Asked>) -> Result<(), Failure> {
        let key = match asked {
            Some(asked) if !caller.is_everything() => self.archive.key(&asked.key)?,
            _ => None,
        };
        match key.filter(|key| key.tenant == self.id && key.owner == caller.owner) {
            Some(key) => Err(Failure::Forbidden(ReviewError::OwnRequest(key.owner.to_string()).to_string())),
            None => Ok(()),
        }
    }
}

impl Shown {
    /// An agent sees what it asked for itself.
    pub(super) fn is_seen_by(&self, caller: &Caller) -> bool {
        caller.sees_all_reviews() || self.asked.as_ref().is_some_and(|asked| asked.key == caller.key)
    }
}

/// Whoever asked cannot agree. A key that does everything is one person in two roles, and says so.
fn reviewer(caller: &Caller) -> Name {
    match caller.is_everything() {
        true => format!("{} (separation off)", caller.owner).into(),
        false => caller.owner.clone(),
    }
}
