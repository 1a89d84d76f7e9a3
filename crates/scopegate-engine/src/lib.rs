//! The embedded enforcer: everything that decides tool calls inside one process.
//!
//! A [`Policy`] is read from a file or built in code; [`LocalEnforcer`] compiles it and holds what
//! decisions need: sessions, rate accounts, reviews, records, and the only clock. The rules
//! themselves are in `scopegate-core`.

mod clock;
mod credentials;
mod dialect;
mod grants;
mod ledger;
mod lent;
mod local;
mod pins;
mod policy;
mod random;
mod records;
mod reviews;
mod session;
mod snapshot;
mod state;
mod token;
mod trust;

pub use self::clock::{Clock, ManualClock, SystemClock};
pub use self::credentials::{CredentialSource, EnvCredentials, FileCredentials};
pub use self::dialect::spanforge;
pub use self::lent::{Lender, LentSession, Loan};
pub use self::local::{
    BuildError, CallBudget, LocalBuilder, LocalEnforcer, PackView, PromoteError, RemoveRoleError,
    SessionView, Watch,
};
pub use self::pins::{read_pins, write_pins};
pub use self::policy::{Durability, FileSpec, Policy, PolicyFileError, RecordsSpec, SCHEMA_LINE};
pub use self::records::{FileSink, MemorySink, RecordSink, Verified, VerifyError, record_files, verify};
pub use self::state::{
    AccountKey, Counted, Decided, NoRoom, Position, SavedSession, SavedState, StateChange, StateLog, Waiting,
};
