//! A decision with the grants of the session's owner: where the role alone denies, or the call names one.

use scopegate_core::{
    Asked, Changes, Grant, GrantId, Hand, Handed, Held, Link, Manifest, Name, Need, Ruling, Scope, Timestamp,
    Trust,
};

use super::Inner;
use super::books::Books;
use super::enforce::Stop;
use super::step::{Answer, Step};
use crate::grants::Grants;
use crate::snapshot::{Slot, Snapshot};

/// A grant that an owner holds, and what a delegation comes from.
pub(super) struct InHand<'a> {
    grant: &'a Grant,
    from: Option<From<'a>>,
}

struct From<'a> {
    above: Vec<&'a Grant>,
    suspended: bool,
    scope: Option<&'a Scope>,
    trust: Option<Trust>,
    manifest: Option<&'a Manifest>,
    hands: Option<Vec<Hand<'a>>>,
}

impl InHand<'_> {
    /// As a decision sees it.
    pub(super) fn held(&self) -> Held<'_> {
        let handed = self.from.as_ref().map(|from| Handed {
            above: &from.above,
            suspended: from.suspended,
            scope: from.scope,
            trust: from.trust,
            manifest: from.manifest,
            hands: from.hands.as_deref(),
        });
        Held { grant: self.grant, handed }
    }
}

impl Inner {
    /// The grant that is named, if it is the agent's; or else the agent's windows and break-glasses.
    pub(super) fn in_hand<'a>(
        &self,
        grants: &'a Grants,
        snapshot: &'a Snapshot,
        agent: &str,
        (named, now): (Option<GrantId>, Timestamp),
    ) -> Vec<InHand<'a>> {
        let hand = |grant: &'a Grant| InHand { grant, from: self.from(grants, snapshot, grant) };
        match named {
            Some(id) => grants.get(id).filter(|grant| grant.agent == agent).map(hand).into_iter().collect(),
            None => grants.in_force(agent, now).map(hand).collect(),
        }
    }

    fn from<'a>(&self, grants: &'a Grants, snapshot: &'a Snapshot, grant: &'a Grant) -> Option<From<'a>> {
        let delegation = grant.delegation()?;
        let (above, slot) = grants.above(grant)?;
        let hand = |(agent, slot): (&Name, Slot)| Hand {
            scope: snapshot.scope(slot),
            trust: snapshot.reads_trust.then(|| self.trust.of(agent)),
            manifest: snapshot.manifests.get(agent).map(|manifest| &**manifest),
        };
        let hands = grants.hands(grant, &above).map(|hands| hands.into_iter().map(hand).collect());
        let mut agents = above.iter().filter_map(|grant| grant.delegation()).map(|above| &above.source);
        let first = agents.clone().next_back().unwrap_or(&delegation.source);
        let suspended = |agent: &Name| self.sessions.is_suspended(agent);
        Some(From {
            suspended: suspended(&delegation.source) || agents.any(suspended),
            scope: snapshot.scope(slot),
            trust: snapshot.reads_trust.then(|| self.trust.of(first)),
            manifest: snapshot.manifests.get(first).map(|manifest| &**manifest),
            hands,
            above,
        })
    }
}

impl Step<'_> {
    /// Decides with what the owner holds, which nobody else can use up meanwhile.
    #[inline(never)]
    pub(super) fn with_grants(&self, links: &[Link<'_>], books: &mut impl Books) -> Result<Answer, Stop> {
        if self.place.session.lender().is_some() {
            return Err(Stop::Plane); // grants of a lent session are its lender's
        }
        let mut grants = self.inner.grants.lock();
        let mut room = None;
        match self.decide_under(&grants, links, books, Asked::NotLoaded, &mut room) {
            Ruling::Permit(changes) => self.permit(changes, books, None, Some(&mut grants)),
            Ruling::Deny(denial) => self.deny(denial),
            Ruling::Need(Need::Args) => Err(Stop::Args),
            Ruling::Need(Need::Plane) => Err(Stop::Wait),
            Ruling::Need(Need::Review) | Ruling::Hold(_) => self.with_review(links, books, Some(&mut grants)),
        }
    }

    /// As the owner's grants stand.
    pub(super) fn decide_under<'c>(
        &self,
        grants: &Grants,
        links: &[Link<'_>],
        books: &impl Books,
        review: Asked<'_>,
        room: &'c mut Option<Changes>,
    ) -> Ruling<'c> {
        let owner = self.place.session.owner();
        let in_hand = self.inner.in_hand(grants, self.snapshot, owner, (self.request.grant, self.now));
        let held: Vec<Held<'_>> = in_hand.iter().map(InHand::held).collect();
        self.decide(links, books, (review, &held), room)
    }
}
