//! A tenant as it lives in memory: its enforcer, and what is known beside it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use scopegate_core::{Grant, Name, Review, ReviewId, SessionId, Timestamp};
use scopegate_engine::{LocalEnforcer, Policy, SavedSession, SavedState};

use super::Failure;
use super::actions::{Laid, Standing};
use super::agents::{AgentBook, Kids, Spent};
use super::catalogues::CatalogueBook;
use super::epoch::{Epochs, Follower, Touched};
use super::log::{self, TenantLog};
use super::nonce::Nonces;
use super::policies::PolicyBook;
use super::remembered::Remembered;
use super::roles::{RoleBook, RoleDocument};
use crate::setup;
use crate::store::{
    Archive, Change, DocumentKind, DocumentRow, Epoch, JournalRow, Kept, SessionRow, TenantId, TenantState,
    Ticket, WriterHandle,
};
use crate::webhook::Outbox;

/// A tenant.
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    /// The name of its record chain.
    pub(crate) chain: Name,
    pub(crate) enforcer: LocalEnforcer,
    pub(crate) book: Arc<Book>,
    pub(crate) archive: Arc<dyn Archive>,
    pub(super) writer: WriterHandle,
    /// Held while a change is made in memory and handed to the writer, so that both have one order.
    writing: Mutex<()>,
    pub(super) nonces: Nonces,
    pub(super) kids: Arc<Kids>,
    /// The sessions that agents' actions are judged in.
    pub(super) standing: Mutex<Standing>,
    /// What was made of agents' roles, by agent and role.
    pub(super) laid: Mutex<HashMap<(Name, Name), Laid>>,
}

/// What is known of a tenant beside what its enforcer holds.
pub(crate) struct Book {
    roles: RwLock<RoleBook>,
    catalogues: RwLock<CatalogueBook>,
    agents: RwLock<AgentBook>,
    policies: RwLock<PolicyBook>,
    /// Assertions that were used.
    pub(super) spent: Mutex<Spent>,
    /// Those that are not long over.
    sessions: RwLock<Remembered<SessionId, Arc<SessionRow>>>,
    pub(super) epochs: Epochs,
    /// How far clients' journals were taken up, by session and kind.
    pub(super) journals: Mutex<Remembered<(SessionId, bool), JournalRow>>,
    /// Who is just deciding a review, by review and person: the key, and what it calls its user.
    pub(super) deciding: Mutex<Deciding>,
    /// What the plane adds to each review.
    pub(super) asked: Mutex<Remembered<ReviewId, Asked>>,
}

/// A person, and a review that they are about to decide; with which key, and what they say of it.
type Deciding = HashMap<(ReviewId, Name), (Name, Said)>;

/// What whoever decides a review says beside yes or no.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// What its client calls its user.
    pub(crate) label: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

/// Who asked for a review, beyond what the review itself says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) role_id: Name,
    pub(crate) role_version: u64,
    pub(crate) key: Name,
    pub(crate) call: Option<String>,
    pub(crate) decided_by: Option<Name>,
    pub(crate) label: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Tenant {
    /// Starts from what was kept.
    pub(crate) fn restore(
        state: TenantState,
        latest: Timestamp,
        writer: WriterHandle,
        archive: Arc<dyn Archive>,
        outbox: Outbox,
        buffered: bool,
        kids: Arc<Kids>,
    ) -> Result<Self, Failure> {
        let (agents, standing) = (AgentBook::restore(&state), Standing::restore(&state));
        let policies = PolicyBook::restore(&state.documents)?;
        let rules = policies.rules();
        let grants = grants(&state.documents)?;
        agents.credential_ids().for_each(|credential| kids.learn(credential, &state.tenant.tenant));
        let (id, chain) = (state.tenant.tenant.clone(), state.tenant.chain.clone());
        let roles = RoleBook::restore(&state.roles)?;
        let mut policy = Policy::new(roles.iter().map(|document| document.enforced()));
        policy.allow_empty = true;
        let catalogues = CatalogueBook::restore(&state.catalogues)?;
        policy.mcp_servers = catalogues.written();
        let mut saved = SavedState::default();
        saved.latest = latest;
        saved.suspended = state.suspended;
        saved.grants = grants;
        saved.accounts = state.accounts.iter().filter_map(log::account).collect();
        saved.sessions = state.sessions.iter().map(|row| saved_session(row, &roles)).collect();
        saved.trust.clone_from(&state.trust);
        saved.reviews = state.reviews.iter().map(|row| row.review.clone()).collect();
        let ends: HashMap<SessionId, Timestamp> =
            state.sessions.iter().map(|row| (row.id, row.expires_at)).collect();
        let end_of = |id: &SessionId| ends.get(id).copied().unwrap_or_default();
        let book = Arc::new(Book {
            roles: RwLock::new(roles),
            catalogues: RwLock::new(catalogues),
            agents: RwLock::new(agents),
            policies: RwLock::new(policies),
            spent: Mutex::new(Spent::restore(&state.assertions, latest)),
            sessions: RwLock::new(
                state.sessions.into_iter().map(|row| (row.id, row.expires_at, Arc::new(row))).collect(),
            ),
            epochs: Epochs::new(state.tenant.epoch),
            journals: Mutex::new(
                state
                    .journals
                    .into_iter()
                    .map(|row| ((row.session, row.fail_open), end_of(&row.session), row))
                    .collect(),
            ),
            deciding: Mutex::default(),
            asked: Mutex::new(
                state
                    .reviews
                    .into_iter()
                    .map(|row| (row.review.id, row.review.expires_at, log::asked(&row)))
                    .collect(),
            ),
        });
        for event in state.deliveries {
            outbox.put(Ticket::from_number(0), event);
        }
        let log = Arc::new(TenantLog::new(id.clone(), writer.clone(), book.clone(), outbox, buffered));
        let builder = LocalEnforcer::builder(policy).keep_state(log, saved);
        let enforcer =
            builder.build().map_err(|error| Failure::Invalid(format!("tenant `{id}`: {error}")))?;
        let damaged = |error| Failure::Invalid(format!("tenant `{id}`: {error}"));
        enforcer.register_policies(rules).map_err(damaged)?;
        Ok(Self {
            id,
            chain,
            enforcer,
            book,
            archive,
            writer,
            writing: Mutex::new(()),
            nonces: Nonces::default(),
            kids,
            standing: Mutex::new(standing),
            laid: Mutex::default(),
        })
    }

    /// Makes a change in memory and hands it to the writer, in one order with all others; then
    /// waits until it is kept.
    pub(super) async fn change<T>(
        &self,
        make: impl FnOnce() -> Result<(T, Vec<Change>), Failure>,
    ) -> Result<T, Failure> {
        let (made, position) = {
            let _order = lock(&self.writing);
            let (made, changes) = make()?;
            (made, self.writer.submit(changes).map_err(|error| Failure::Unavailable(error.to_string()))?)
        };
        match self.writer.kept(position).await {
            Kept::Yes => Ok(made),
            Kept::No(_) => Err(Failure::Unavailable("the change cannot be kept".to_owned())),
        }
    }

    /// The change that tells clients to look again at what was touched.
    pub(super) fn bump(&self, touched: Touched) -> Change {
        Change::Epoch { tenant: self.id.clone(), epoch: self.book.epochs.bump(touched) }
    }

    /// Begins a new incarnation: what clients keep of an earlier process, or of a copy that was
    /// restored, cannot be compared with what follows.
    pub(crate) async fn begin(&self) -> Result<(), Failure> {
        let incarnation = setup::random_53_bits().map_err(|error| Failure::Unavailable(error.to_string()))?;
        self.change(|| {
            let epoch = Epoch { incarnation, counter: 0 };
            self.book.epochs.begin(epoch);
            Ok(((), vec![Change::Epoch { tenant: self.id.clone(), epoch }]))
        })
        .await
    }

    /// Tells clients that a key was revoked, by another process, which has kept that already.
    pub(crate) fn key_revoked(&self, owner: Name) {
        let _ = self.bump(Touched::Owner(owner));
    }

    /// The present epoch.
    pub(crate) fn epoch(&self) -> Epoch {
        self.book.epochs.now()
    }

    /// Every change from here on.
    pub(crate) fn follow(&self) -> Follower {
        self.book.epochs.follow()
    }

    /// Ends what [`follow`](Self::follow) gave out.
    pub(crate) fn hang_up(&self) {
        self.book.epochs.hang_up();
    }
}

impl Book {
    pub(crate) fn roles(&self) -> RwLockReadGuard<'_, RoleBook> {
        self.roles.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn roles_mut(&self) -> RwLockWriteGuard<'_, RoleBook> {
        self.roles.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn agents(&self) -> RwLockReadGuard<'_, AgentBook> {
        self.agents.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn agents_mut(&self) -> RwLockWriteGuard<'_, AgentBook> {
        self.agents.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn policies(&self) -> RwLockReadGuard<'_, PolicyBook> {
        self.policies.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn policies_mut(&self) -> RwLockWriteGuard<'_, PolicyBook> {
        self.policies.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn catalogues(&self) -> RwLockReadGuard<'_, CatalogueBook> {
        self.catalogues.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn catalogues_mut(&self) -> RwLockWriteGuard<'_, CatalogueBook> {
        self.catalogues.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn session(&self, id: SessionId) -> Option<Arc<SessionRow>> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// All sessions that are not long over.
    pub(crate) fn sessions(&self) -> Vec<Arc<SessionRow>> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn put_session(&self, row: SessionRow) -> Arc<SessionRow> {
        let row = Arc::new(row);
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        sessions.put(row.id, row.expires_at, row.clone(), row.created_at);
        row
    }

    /// The role a session acts in, as it stands now.
    pub(crate) fn role_of(&self, session: &SessionRow) -> Option<Arc<RoleDocument>> {
        self.roles().find(&session.role_id).cloned()
    }

    pub(super) fn asked(&self, review: &Review) -> Option<Asked> {
        lock(&self.asked).get(&review.id).cloned()
    }
}

/// Nothing under these locks is left half done by a panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn grants(documents: &[DocumentRow]) -> Result<Vec<Grant>, Failure> {
    let rows = documents.iter().filter(|row| row.kind == DocumentKind::Grant);
    Ok(rows.map(DocumentRow::read).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// A role that ended and came back under the same name is another one: its old sessions stay over.
fn saved_session(row: &SessionRow, roles: &RoleBook) -> SavedSession {
    let same = roles.find(&row.role_id).is_some_and(|role| role.name == row.role);
    SavedSession {
        id: row.id,
        owner: row.owner.clone(),
        role: if same { row.role.clone() } else { Name::default() },
        expires_at: row.expires_at,
        parent: row.parent,
        revoked: row.end.as_ref().is_some_and(|end| end.revoked),
        records: row.records,
        max_calls: row.max_calls,
        spent: row.spent,
    }
}
