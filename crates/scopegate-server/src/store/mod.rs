//! What the plane must not forget, and the one place that keeps it.
//!
//! Everything that ever changes is a [`Change`]. A [`Store`] commits a batch of them or none, and
//! gives all of it back as a [`State`] at the next start. An [`Archive`] reads beside the writer.
//! Tables, files and syncs are behind these traits: SQLite is the first store, not the only one.

mod agent_rows;
mod decision_rows;
mod document_rows;
mod files;
mod ids;
mod rows;
mod sqlite;
mod writer;

use scopegate_core::{Name, PermitId, ReviewId, SessionId, Timestamp, Trust};
use scopegate_engine::Durability;

use crate::audit::NoteKey;

pub use self::agent_rows::{AgentCounts, AgentRow, AssertionRow, CredentialRow, Permissions};
pub use self::decision_rows::{DecisionCounts, Verdict, Wanted};
pub use self::document_rows::{DocumentRow, Kind as DocumentKind};
pub(crate) use self::files::{private, sync_folder};
pub use self::ids::{BadTenantId, TenantId};
pub use self::rows::{
    AccountRow, CatalogueRow, CheckpointRow, DecisionRow, DeliveryRow, DeliveryState, Epoch, JournalRow,
    KeyRow, RecordRow, ReviewRow, RoleRow, SessionEnd, SessionRow, SigningKeyRow, TenantRow,
};
pub use self::sqlite::{SqliteArchive, SqliteStore};
pub use self::writer::{Kept, NoPlace, Place, Ticket, Writer, WriterHandle};

/// Keeps what the plane must not forget. One process holds it; the writer's thread calls it.
pub trait Store: Send + 'static {
    /// Everything but records and settled deliveries.
    ///
    /// # Errors
    /// [`StoreError`]; the store is then not used.
    fn load(&mut self) -> Result<State, StoreError>;

    /// Tenants and keys alone: little, however much the store holds.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn access(&mut self) -> Result<Access, StoreError>;

    /// Commits a batch, all or nothing. When this returns, a durable batch survives the end of the
    /// machine; a buffered one that of the process, and that of the machine after the next durable
    /// batch or checkpoint.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the batch is kept. After an error of the disk nothing is certain
    /// any more: the store must not be used again.
    fn commit(&mut self, batch: &[Change], durability: Durability) -> Result<(), StoreError>;

    /// Signs the logs that hold something new, and syncs all that was buffered.
    ///
    /// # Errors
    /// As for `commit`.
    fn checkpoint(&mut self, now: Timestamp) -> Result<(), StoreError>;

    /// Forgets what nobody can ask for any more: sessions, reviews and settled deliveries that are
    /// long over, and what counts nothing; never a record. Some at a time: whether there is more.
    ///
    /// # Errors
    /// As for `commit`.
    fn forget(&mut self, now: Timestamp) -> Result<bool, StoreError>;

    /// Whether another process has written since this was last asked.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn changed_elsewhere(&mut self) -> Result<bool, StoreError>;
}

/// Reads that run beside the writer. All of them fail only when the store cannot be read.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Archive: Send + Sync + 'static {
    /// All tenants, keys, and keys that sign.
    fn access(&self) -> Result<Access, StoreError>;

    /// The public key that verifies the checkpoints of a chain.
    fn public_key(&self, chain: &str) -> Result<NoteKey, StoreError>;

    /// One key, also one that another process made a moment ago.
    fn key(&self, id: &str) -> Result<Option<KeyRow>, StoreError>;

    /// The roles of a tenant that have not ended, at their newest versions.
    fn roles(&self, tenant: &TenantId) -> Result<Vec<RoleRow>, StoreError>;

    /// How many records a tenant has.
    fn count(&self, tenant: &TenantId) -> Result<u64, StoreError>;

    /// At most `limit` records from number `from` on, in order.
    fn records(&self, tenant: &TenantId, from: u64, limit: usize) -> Result<Vec<RecordRow>, StoreError>;

    /// The number of the first record that is not older than `at`; the count when all are.
    fn first_since(&self, tenant: &TenantId, at: Timestamp) -> Result<u64, StoreError>;

    /// At most `limit` checkpoints that cover more than `size` records, smallest first.
    fn checkpoints(
        &self,
        tenant: &TenantId,
        size: u64,
        limit: usize,
    ) -> Result<Vec<CheckpointRow>, StoreError>;

    /// One session, however old.
    fn session(&self, tenant: &TenantId, id: SessionId) -> Result<Option<SessionRow>, StoreError>;

    /// One review, however old.
    fn review(&self, tenant: &TenantId, id: ReviewId) -> Result<Option<ReviewRow>, StoreError>;

    /// What was decided for each of these agents.
    fn agent_counts(&self, tenant: &TenantId, agents: &[Name]) -> Result<Vec<AgentCounts>, StoreError>;

    /// At most `most` records of decisions for an agent, newest first, without the first `skip`. `prev` is
    /// not filled in.
    fn agent_records(
        &self,
        tenant: &TenantId,
        agent: &str,
        skip: u64,
        most: usize,
    ) -> Result<Vec<RecordRow>, StoreError>;

    /// At most `most` decisions that are looked for, newest first, without the first `skip`; and how many
    /// there are. Of what is not asked for as an agent's action only agents' decisions are found. `prev` is
    /// not filled in.
    fn decisions(
        &self,
        tenant: &TenantId,
        wanted: &Wanted,
        skip: u64,
        most: usize,
    ) -> Result<(Vec<RecordRow>, u64), StoreError>;

    /// One of them.
    fn decision(&self, tenant: &TenantId, id: PermitId) -> Result<Option<RecordRow>, StoreError>;

    /// How many of them came to what.
    fn decision_counts(&self, tenant: &TenantId) -> Result<DecisionCounts, StoreError>;

    /// At most `most` records of what an agent said to others and they to it, newest first, without the
    /// first `skip`; and how many there are. `prev` is not filled in.
    fn communications(
        &self,
        tenant: &TenantId,
        agent: &str,
        skip: u64,
        most: usize,
    ) -> Result<(Vec<RecordRow>, u64), StoreError>;

    /// At most `limit` deliveries, newest first.
    fn deliveries(&self, tenant: &TenantId, limit: usize) -> Result<Vec<DeliveryRow>, StoreError>;
}

/// Every change that the plane ever makes.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a change that a store does not know would be lost")]
pub enum Change {
    /// A tenant begins.
    Tenant(TenantRow),
    /// A key begins or changes.
    Key(KeyRow),
    /// A key that signs session tokens begins or is retired.
    SigningKey(SigningKeyRow),
    /// The next version of a role, or its end.
    Role(RoleRow),
    /// A session begins.
    Session(SessionRow),
    /// A session ends before its time.
    SessionEnded {
        /// Whose.
        tenant: TenantId,
        /// Which.
        session: SessionId,
        /// When and why.
        end: SessionEnd,
    },
    /// An owner is suspended or readmitted.
    Suspended {
        /// Whose.
        tenant: TenantId,
        /// Who.
        owner: Name,
        /// Which of the two.
        on: bool,
    },
    /// A decision: its record and all that it changed.
    Decision(Box<DecisionRow>),
    /// Rate accounts that were written without a decision.
    Accounts {
        /// Whose.
        tenant: TenantId,
        /// What they stand at.
        accounts: Vec<AccountRow>,
    },
    /// A batch of a client's journal was taken up.
    Journal {
        /// Whose.
        tenant: TenantId,
        /// How far.
        journal: JournalRow,
    },
    /// A review is decided by a person, or expires.
    Review(Box<ReviewRow>),
    /// An agent begins or changes.
    Agent(Box<AgentRow>),
    /// An agent's credential begins or changes.
    Credential(Box<CredentialRow>),
    /// An assertion was used.
    Assertion {
        /// Whose.
        tenant: TenantId,
        /// Which.
        assertion: AssertionRow,
    },
    /// An MCP server's tools.
    Catalogue(CatalogueRow),
    /// An MCP server's tools are forgotten.
    CatalogueEnded {
        /// Whose.
        tenant: TenantId,
        /// Which server.
        server: Name,
    },
    /// A document begins, changes or ends.
    Document(DocumentRow),
    /// An event waits for delivery, or an attempt was made.
    Delivery(DeliveryRow),
    /// Documents that begin or change together, and clients have to see it.
    Documents {
        /// All of one tenant.
        rows: Vec<DocumentRow>,
        /// The epoch from now on.
        epoch: Epoch,
    },
    /// Something that clients keep has changed.
    Epoch {
        /// Whose.
        tenant: TenantId,
        /// The epoch from now on.
        epoch: Epoch,
    },
    /// It is this late: no later process may think it is earlier.
    HighWater(Timestamp),
}

/// What a store gives back at the start.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct State {
    /// It was this late already.
    pub latest: Timestamp,
    /// The keys that sign or signed session tokens.
    pub signing_keys: Vec<SigningKeyRow>,
    /// Everything else belongs to a tenant.
    pub tenants: Vec<TenantState>,
}

/// What a store gives back of one tenant.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TenantState {
    /// The tenant.
    pub tenant: TenantRow,
    /// All keys, revoked ones too.
    pub keys: Vec<KeyRow>,
    /// The newest version of every role that has not ended.
    pub roles: Vec<RoleRow>,
    /// Sessions that are not long over, parents before their children.
    pub sessions: Vec<SessionRow>,
    /// Owners that are suspended.
    pub suspended: Vec<Name>,
    /// Reviews that are not long over.
    pub reviews: Vec<ReviewRow>,
    /// Rate accounts that still count something.
    pub accounts: Vec<AccountRow>,
    /// How far clients' journals were taken up, of sessions that are not long over.
    pub journals: Vec<JournalRow>,
    /// The tools of MCP servers.
    pub catalogues: Vec<CatalogueRow>,
    /// Agents, in the order they were registered.
    pub agents: Vec<AgentRow>,
    /// Their credentials, those that are not long over.
    pub credentials: Vec<CredentialRow>,
    /// Assertions that could be used again.
    pub assertions: Vec<AssertionRow>,
    /// How far owners are trusted, where it is counted.
    pub trust: Vec<(Name, Trust)>,
    /// Documents, each kind in the order they were first written.
    pub documents: Vec<DocumentRow>,
    /// Events that still wait for delivery.
    pub deliveries: Vec<DeliveryRow>,
}

impl TenantState {
    /// A tenant that has just begun.
    pub fn begun(tenant: TenantRow) -> Self {
        Self {
            tenant,
            keys: Vec::new(),
            roles: Vec::new(),
            sessions: Vec::new(),
            suspended: Vec::new(),
            reviews: Vec::new(),
            accounts: Vec::new(),
            journals: Vec::new(),
            catalogues: Vec::new(),
            agents: Vec::new(),
            credentials: Vec::new(),
            assertions: Vec::new(),
            trust: Vec::new(),
            documents: Vec::new(),
            deliveries: Vec::new(),
        }
    }
}

/// Who may speak to the plane.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Access {
    /// All tenants.
    pub tenants: Vec<TenantRow>,
    /// All keys, revoked ones too.
    pub keys: Vec<KeyRow>,
    /// The keys that sign, will sign or signed session tokens.
    pub signing_keys: Vec<SigningKeyRow>,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder or a file in it.
    #[error("{0}: {1}")]
    Io(std::path::PathBuf, #[source] std::io::Error),
    /// Another plane holds it.
    #[error("{0} is in use by another plane")]
    InUse(std::path::PathBuf),
    /// A later version of this program wrote it.
    #[error("the store is of version {0}, and this program knows versions up to {1}: use a newer one")]
    Newer(u32, u32),
    /// Another program wrote it.
    #[error("{0} is not a store of this program")]
    Foreign(std::path::PathBuf),
    /// What is stored cannot be read back.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A change names a tenant that does not exist.
    #[error("unknown tenant `{0}`")]
    UnknownTenant(TenantId),
    /// A change does not fit what is stored, such as a tenant that exists already.
    #[error("a change does not fit what is stored: {0}")]
    Conflict(String),
    /// The database.
    #[error("the store failed: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}
