//! What agents hold beside their roles: who may open, hand on, end and see it.

use scopegate_core::grant::{Delegate, OpenBreakGlass, OpenWindow};
use scopegate_core::{Grant, GrantError, GrantId, GrantState, Name, Timestamp};
use serde_json::{Map, Value};

use super::member::{flag, list, whole};
use super::{Failure, Tenant};
use crate::auth::Caller;
use crate::keys::Kind;
use crate::store::Permissions;

/// Whoever ends what nobody in particular ends.
const PLANE: Name = Name::new_static("the plane");
/// How many hands a registered agent's delegation goes through where its policy says nothing.
const DEPTH: u64 = 3;

/// What an agent's delegation policy says.
#[derive(Debug, Default)]
struct Terms {
    may_give: bool,
    may_take: bool,
    /// What it may give, and what it may take; anything where it does not say.
    gives: Option<Vec<Name>>,
    takes: Option<Vec<Name>>,
    depth: Option<u64>,
}

impl Tenant {
    /// Opens a window. The routes let no agent's key through.
    pub(crate) async fn open_window(&self, caller: &Caller, window: OpenWindow) -> Result<Grant, Failure> {
        self.known_agent(&window.agent)?;
        let window = OpenWindow { by: person(caller), ..window };
        Ok(self.enforcer.open_window(window).await?)
    }

    /// Lets a window last longer.
    pub(crate) async fn extend_window(
        &self,
        caller: &Caller,
        id: GrantId,
        minutes: u64,
        reason: String,
    ) -> Result<Grant, Failure> {
        self.grant(caller, id, |grant| grant.window().is_some())?;
        Ok(self.enforcer.extend_window(id, person(caller), minutes, reason).await?)
    }

    /// Breaks the glass. The routes let no agent's key through.
    pub(crate) async fn break_glass(&self, caller: &Caller, glass: OpenBreakGlass) -> Result<Grant, Failure> {
        self.known_agent(&glass.agent)?;
        let glass = OpenBreakGlass { by: person(caller), ..glass };
        Ok(self.enforcer.break_glass(glass).await?)
    }

    /// Notes what the caller found of a break-glass.
    pub(crate) async fn review_break_glass(
        &self,
        caller: &Caller,
        id: GrantId,
        notes: String,
        outcome: Option<String>,
    ) -> Result<Grant, Failure> {
        Ok(self.enforcer.review_break_glass(id, person(caller), notes, outcome).await?)
    }

    /// Hands on some of what an agent may do: the agent itself does, or an admin. The role that it comes from
    /// is the one that the agent acts in, unless an admin names another.
    pub(crate) async fn delegate(
        &self,
        caller: &Caller,
        asked: Delegate,
        now: Timestamp,
    ) -> Result<Grant, Failure> {
        if caller.kind == Kind::Agent && caller.owner != asked.source {
            return Err(Failure::Forbidden("an agent hands on what is its own".to_owned()));
        }
        // Read before anything that it bounds.
        let standing = self.standing_of(&asked.source);
        let (source, target) = (self.terms(&asked.source)?, self.terms(&asked.target)?);
        if !source.may_give {
            return Err(Failure::Forbidden(format!("agent `{}` may not delegate", asked.source)));
        }
        if !target.may_take {
            return Err(Failure::Forbidden(format!("agent `{}` accepts no delegation", asked.target)));
        }
        let role = match (asked.role.is_empty(), caller.kind) {
            (false, Kind::Admin | Kind::Dev) => self.role(&asked.role)?.name.clone(),
            (false, _) => return Err(Failure::Forbidden("an admin may name the role".to_owned())),
            (true, _) => self.role_of_source(&asked.source, now).await?,
        };
        // Nobody hands on what its own permissions do not let it do.
        let permitted = {
            let book = self.book.agents();
            let allowed = book.get(&asked.source).map(|row| row.permissions.allowed.clone());
            allowed.filter(|allowed| !allowed.is_empty())
        };
        let narrowed = source.gives.into_iter().chain(target.takes).chain(permitted);
        let within = asked.within.into_iter().chain(narrowed).collect();
        let delegate = Delegate { role, within, max_depth: source.depth, by: person(caller), ..asked };
        let giver = delegate.source.clone();
        let given = self.enforcer.delegate(delegate).await?;
        if self.standing_of(&giver) == standing {
            return Ok(given);
        }
        // Who changed that has ended what there was before this.
        self.end_given(&giver).await?;
        Err(Failure::Conflict(
            "the roles or permissions of its source changed meanwhile; ask again".to_owned(),
        ))
    }

    /// The roles and permissions of an agent, as they stand.
    fn standing_of(&self, agent: &str) -> Option<(Vec<Name>, Permissions)> {
        self.book.agents().get(agent).map(|row| (row.roles.clone(), row.permissions.clone()))
    }

    /// Ends a grant, and what is a part of it. An agent ends what it gave.
    pub(crate) async fn end_grant(
        &self,
        caller: &Caller,
        id: GrantId,
        reason: String,
        is: fn(&Grant) -> bool,
    ) -> Result<Grant, Failure> {
        let grant = self.grant(caller, id, is)?;
        if caller.kind == Kind::Agent && grant.delegation().is_none_or(|d| d.source != caller.owner) {
            return Err(Failure::Forbidden("an agent ends what it gave itself".to_owned()));
        }
        let ended = self.enforcer.end_grant(id, person(caller), reason).await?;
        ended.into_iter().next().ok_or(Failure::Unknown("grant"))
    }

    /// A grant of that kind which the caller may see: to an agent, all but what it gave or got look unknown.
    pub(crate) fn grant(
        &self,
        caller: &Caller,
        id: GrantId,
        is: impl FnOnce(&Grant) -> bool,
    ) -> Result<Grant, Failure> {
        let grant = self.enforcer.grant(id).filter(is).filter(|grant| sees(caller, grant));
        grant.ok_or(Failure::Unknown("grant"))
    }

    /// The grants of that kind which the caller may see, in the order they were opened.
    pub(crate) fn grants(&self, caller: &Caller, is: impl Fn(&Grant) -> bool) -> Vec<Grant> {
        let all = self.enforcer.grants().into_iter().map(|(grant, _)| grant);
        all.filter(|grant| is(grant) && sees(caller, grant)).collect()
    }

    /// An agent that the caller may ask about.
    pub(crate) fn asked_about(&self, caller: &Caller, agent: &str) -> Result<(), Failure> {
        if caller.kind == Kind::Agent && caller.owner != agent {
            return Err(Failure::Unknown("agent"));
        }
        self.known_agent(agent)
    }

    /// Somebody who is registered, or who has acted.
    fn known_agent(&self, agent: &str) -> Result<(), Failure> {
        let known = self.book.agents().get(agent).is_some()
            || self.book.sessions().iter().any(|session| session.owner == agent);
        if known { Ok(()) } else { Err(Failure::Unknown("agent")) }
    }

    /// Ends all that an agent delegated: it acts in other roles since, or under other permissions.
    pub(super) async fn end_given(&self, agent: &str) -> Result<(), Failure> {
        let given = |grant: &Grant| grant.delegation().is_some_and(|delegation| delegation.source == agent);
        for (grant, state) in self.enforcer.grants() {
            if given(&grant) && state == GrantState::Active {
                let why = "the roles or permissions of its source changed".to_owned();
                match self.enforcer.end_grant(grant.id, PLANE, why).await {
                    // It ended with one before.
                    Ok(_) | Err(GrantError::Over(_) | GrantError::Unknown) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// The role that an agent acts in: what it was assigned, or that of its newest session.
    async fn role_of_source(&self, agent: &str, now: Timestamp) -> Result<Name, Failure> {
        let assigned = self.role_in_force(agent).await?;
        assigned.map_or_else(|| self.acting_role(agent, now), Ok)
    }

    /// The role of the session that an agent opened last and that still stands.
    fn acting_role(&self, agent: &str, now: Timestamp) -> Result<Name, Failure> {
        let sessions = self.book.sessions();
        let acting = sessions.iter().filter(|session| {
            session.owner == agent
                && session.parent.is_none()
                && session.end.is_none()
                && session.expires_at > now
        });
        let newest = acting.max_by_key(|session| session.created_at);
        let none =
            || Failure::Conflict(format!("agent `{agent}` acts in no role, so it has nothing to hand on"));
        newest.map(|session| session.role.clone()).ok_or_else(none)
    }

    fn terms(&self, agent: &str) -> Result<Terms, Failure> {
        self.known_agent(agent)?;
        let row = self.book.agents().get(agent).cloned();
        match row {
            Some(row) => Terms::of(&row.delegation_policy, &row.scopes),
            None => Ok(Terms { may_give: true, may_take: true, ..Terms::default() }),
        }
    }
}

impl Terms {
    fn of(policy: &Map<String, Value>, own: &[String]) -> Result<Self, Failure> {
        let patterns = |member: &str| -> Result<Option<Vec<Name>>, Failure> {
            Ok(match policy.get(member) {
                None | Some(Value::Null) => None,
                Some(_) => Some(list(policy, member, "patterns")?),
            })
        };
        let own: Vec<Name> = own.iter().map(|scope| Name::from(scope.as_str())).collect();
        let (gives, takes) = (patterns("delegable_scopes")?, patterns("acceptable_scopes")?);
        let depth = match policy.get("max_delegation_depth") {
            None | Some(Value::Null) => DEPTH,
            Some(_) => whole(policy, "max_delegation_depth")?,
        };
        // A list that is there and empty lets nothing through.
        let none_is_none = |list: &Option<Vec<Name>>| list.as_ref().is_none_or(|list| !list.is_empty());
        Ok(Self {
            may_give: flag(policy, "can_delegate")?.unwrap_or(true) && none_is_none(&gives),
            may_take: flag(policy, "can_accept_delegation")?.unwrap_or(true) && none_is_none(&takes),
            gives: gives.or((!own.is_empty()).then_some(own)),
            takes,
            depth: Some(depth),
        })
    }
}

/// An agent sees what it holds, and what it gave.
fn sees(caller: &Caller, grant: &Grant) -> bool {
    let gave = grant.delegation().is_some_and(|delegation| delegation.source == caller.owner);
    caller.kind != Kind::Agent || grant.agent == caller.owner || gave
}

/// Who acts, from the key. One that does everything says so: it is never the agent it is used for.
fn person(caller: &Caller) -> Name {
    match caller.is_everything() {
        true => format!("{} (separation off)", caller.owner).into(),
        false => caller.owner.clone(),
    }
}

impl From<GrantError> for Failure {
    fn from(error: GrantError) -> Self {
        let why = error.to_string();
        match error {
            GrantError::Unknown => Self::Unknown("grant"),
            GrantError::UnknownRole(_)
            | GrantError::Over(_)
            | GrantError::StillOpen
            | GrantError::Reviewed => Self::Conflict(why),
            GrantError::Extensions(_) | GrantError::Unreviewed(_) => Self::Conflict(why),
            GrantError::ForItself(_)
            | GrantError::OwnReview(_)
            | GrantError::ToItself
            | GrantError::Circle(_)
            | GrantError::Depth(_)
            | GrantError::NotTheirs(_)
            | GrantError::Nothing => Self::Forbidden(why),
            GrantError::TooSoon(_) | GrantError::TooLong => Self::TooMany(why),
            GrantError::Unavailable(_) => Self::Unavailable(why),
            _ => Self::Invalid(why),
        }
    }
}
