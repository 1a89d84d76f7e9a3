//! What a tenant's enforcer hands over, as changes of the store.

use std::sync::Arc;

use scopegate_core::{Grant, LimitKey, Name, Review, SessionId, Tat, Window};
use scopegate_engine::{AccountKey, Counted, Decided, NoRoom, Position, StateChange, StateLog, Waiting};
use serde_json::json;

use super::actions::Told;
use super::epoch::Touched;
use super::tenant::{Asked, Book, lock};
use crate::audit::Circumstances;
use crate::store::{
    AccountRow, Change, DecisionRow, DocumentKind, DocumentRow, Kept, NoPlace, ReviewRow, SessionRow,
    TenantId, Ticket, WriterHandle,
};
use crate::webhook::{Outbox, denied};

/// The log of one tenant: its changes go into the one queue of the plane.
pub(super) struct TenantLog {
    tenant: TenantId,
    writer: WriterHandle,
    book: Arc<Book>,
    outbox: Outbox,
    buffered: bool,
}

impl TenantLog {
    pub(super) fn new(
        tenant: TenantId,
        writer: WriterHandle,
        book: Arc<Book>,
        outbox: Outbox,
        buffered: bool,
    ) -> Self {
        Self { tenant, writer, book, outbox, buffered }
    }

    fn decided(&self, decided: Decided) -> Change {
        let Decided { record, denial, accounts, budgets, review, grants, notes, .. } = decided;
        let session = self.book.session(record.id.session);
        let told = notes.as_ref().and_then(|notes| notes.downcast_ref::<Told>());
        let noted = notes.as_ref().and_then(|notes| notes.downcast_ref::<Circumstances>());
        let mut circumstances = told.map(|told| &told.about).or(noted).cloned().unwrap_or_default();
        circumstances.buffered = self.buffered;
        circumstances.reason = denial.as_ref().map(ToString::to_string);
        circumstances.severity = denial.as_ref().map(|denial| denial.severity().as_str().to_owned());
        circumstances.role_id = session.as_ref().map(|session| session.role_id.clone());
        let delivery = denial.as_ref().zip(session.as_deref()).and_then(|(denial, session)| {
            let role = self.book.role_of(session)?;
            denied(&self.tenant, &role, &record, denial, &circumstances)
        });
        if let Some(told) = told {
            told.tell(&record, &circumstances);
        }
        let review = review.map(|review| self.opened(review, session.as_deref(), &circumstances));
        let accounts = rows(accounts);
        Change::Decision(Box::new(DecisionRow {
            tenant: self.tenant.clone(),
            record,
            circumstances,
            accounts,
            budgets: budgets.into_vec(),
            review,
            documents: self.documents(&grants),
            delivery,
        }))
    }

    /// Grants that began, changed or ended: what was lent to their agents is lent no more.
    fn granted(&self, grants: &[Grant]) -> Change {
        let mut epoch = self.book.epochs.now();
        for grant in grants {
            epoch = self.book.epochs.bump(Touched::Owner(grant.agent.clone()));
        }
        Change::Documents { rows: self.documents(grants), epoch }
    }

    fn documents(&self, grants: &[Grant]) -> Vec<DocumentRow> {
        let row = |grant: &Grant| {
            let id = Name::from(grant.id.to_string());
            let row = DocumentRow::new(self.tenant.clone(), DocumentKind::Grant, id, grant);
            row.inspect_err(|error| tracing::error!(%error, "a grant cannot be written"))
        };
        grants.iter().filter_map(|grant| row(grant).ok()).collect()
    }

    /// A review that a decision opened or used up.
    fn opened(&self, review: Review, session: Option<&SessionRow>, about: &Circumstances) -> ReviewRow {
        let fresh = || Asked {
            role_id: session.map(|session| session.role_id.clone()).unwrap_or_default(),
            role_version: session
                .and_then(|session| self.book.role_of(session))
                .map_or(0, |role| role.version),
            key: session.map(|session| session.key.clone()).unwrap_or_default(),
            call: about.call.clone(),
            decided_by: None,
            label: None,
            reason: None,
        };
        let mut known = lock(&self.book.asked);
        let asked = known.get(&review.id).cloned().unwrap_or_else(fresh);
        known.put(review.id, review.expires_at, asked.clone(), review.opened_at);
        drop(known);
        self.row(review, asked)
    }

    /// A review that a person decided.
    fn settled(&self, review: Review) -> ReviewRow {
        let reviewer = review.reviewer.as_deref().unwrap_or_default();
        let by = lock(&self.book.deciding).get(&(review.id, reviewer.into())).cloned();
        let mut known = lock(&self.book.asked);
        let mut asked = known.get(&review.id).cloned().unwrap_or_default();
        if let Some((key, said)) = by {
            (asked.decided_by, asked.label, asked.reason) = (Some(key), said.label, said.reason);
        }
        known.put(review.id, review.expires_at, asked.clone(), review.opened_at);
        drop(known);
        self.row(review, asked)
    }

    fn row(&self, review: Review, asked: Asked) -> ReviewRow {
        let Asked { role_id, role_version, key, call, decided_by, label, reason } = asked;
        let tenant = self.tenant.clone();
        ReviewRow { tenant, review, role_id, role_version, key, call, decided_by, label, reason }
    }
}

impl StateLog for TenantLog {
    fn reserve(&self, denial: bool) -> Result<(), NoRoom> {
        self.writer.take(denial).map_err(|no| match no {
            NoPlace::Full => NoRoom::Full,
            NoPlace::Failed => NoRoom::Failed,
        })
    }

    fn release(&self) {
        self.writer.release();
    }

    fn append(&self, change: StateChange) -> Position {
        let told = match &change {
            StateChange::Decided(decided) => decided.notes.clone(),
            _ => None,
        };
        let change = match change {
            StateChange::Decided(decided) => self.decided(*decided),
            StateChange::Settled(review) => Change::Review(Box::new(self.settled(*review))),
            StateChange::Granted(grants) => self.granted(&grants),
            StateChange::Advanced(accounts) => {
                Change::Accounts { tenant: self.tenant.clone(), accounts: rows(accounts.into_vec()) }
            }
        };
        let event = match &change {
            Change::Decision(row) => row.delivery.clone(),
            _ => None,
        };
        let position = self.writer.append(change);
        if let Some(told) = told.as_ref().and_then(|notes| notes.downcast_ref::<Told>()) {
            told.place(position);
        }
        if let Some(event) = event {
            // What finds no room is in the store, and sent after the next start.
            self.outbox.put(position, event);
        }
        position.number()
    }

    fn kept(&self, position: Position) -> Waiting<'_, bool> {
        Box::pin(async move { self.writer.kept(Ticket::from_number(position)).await == Kept::Yes })
    }

    fn room(&self) -> Waiting<'_, ()> {
        Box::pin(self.writer.room())
    }

    fn is_durable(&self) -> bool {
        !self.buffered
    }
}

/// What the plane knew of who asked for a review.
pub(super) fn asked(row: &ReviewRow) -> Asked {
    Asked {
        role_id: row.role_id.clone(),
        role_version: row.role_version,
        key: row.key.clone(),
        call: row.call.clone(),
        decided_by: row.decided_by.clone(),
        label: row.label.clone(),
        reason: row.reason.clone(),
    }
}

fn rows(accounts: impl IntoIterator<Item = (AccountKey, Tat)>) -> Vec<AccountRow> {
    accounts.into_iter().map(|(key, tat)| AccountRow { account: name(&key), tat }).collect()
}

/// An account's name in the store: JSON, because no name can then run into the next.
fn name(key: &AccountKey) -> Box<[u8]> {
    let LimitKey { role: limiting, window, server } = &key.limit;
    let window = match window {
        Window::Minute => "minute",
        Window::Hour => "hour",
    };
    // A limit of one MCP server has its name at the end.
    let name = match (&key.of, server) {
        (Counted::Shared { owner, role }, None) => json!(["shared", owner, role, limiting, window]),
        (Counted::Shared { owner, role }, Some(server)) => {
            json!(["shared", owner, role, limiting, window, server])
        }
        (Counted::Own(session), None) => json!(["own", session, limiting, window]),
        (Counted::Own(session), Some(server)) => json!(["own", session, limiting, window, server]),
    };
    name.to_string().into_bytes().into()
}

/// The account that a name of the store stands for.
pub(super) fn account(row: &AccountRow) -> Option<(AccountKey, u64)> {
    let name: Vec<String> = serde_json::from_slice(&row.account).ok()?;
    let name: Vec<&str> = name.iter().map(String::as_str).collect();
    let (of, limit) = match &name[..] {
        ["shared", owner, role, limit @ ..] => {
            (Counted::Shared { owner: (*owner).into(), role: (*role).into() }, limit)
        }
        ["own", session, limit @ ..] => (Counted::Own(SessionId::parse(session)?), limit),
        _ => return None,
    };
    let (role, window, server) = match *limit {
        [role, window] => (role, window, None),
        [role, window, server] => (role, window, Some(server.into())),
        _ => return None,
    };
    let window = match window {
        "minute" => Window::Minute,
        "hour" => Window::Hour,
        _ => return None,
    };
    Some((AccountKey { of, limit: LimitKey { role: role.into(), window, server } }, row.tat))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_comes_back_as_itself() {
        let shared = Counted::Shared { owner: "a\"nn,".into(), role: "clerk".into() };
        for of in [shared, Counted::Own(SessionId::from_bits(7))] {
            for window in [Window::Minute, Window::Hour] {
                for server in [None, Some("hour".into())] {
                    let limit = LimitKey { role: "base".into(), window, server };
                    let key = AccountKey { of: of.clone(), limit };
                    let row = AccountRow { account: name(&key), tat: 5 };
                    assert_eq!(account(&row), Some((key, 5)));
                }
            }
        }
        for bad in ["", "[]", "[\"own\",\"x\",\"r\",\"hour\"]", "[\"shared\",\"o\",\"r\",\"r\",\"day\"]"] {
            assert_eq!(account(&AccountRow { account: bad.as_bytes().into(), tat: 0 }), None, "{bad}");
        }
    }
}
