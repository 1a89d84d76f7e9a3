//! Roles of a tenant: documents as they were written, and the enforcer that holds callers to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use scopegate_core::{Name, Role, Timestamp};
use scopegate_engine::RemoveRoleError;
use serde_json::{Map, Value};

use super::epoch::Touched;
use super::{Failure, Tenant, written};
use crate::store::{Change, RoleRow, TenantId};
use crate::webhook;

/// Most roles a tenant may have.
const MAX_ROLES: usize = 10_000;

/// A role as the plane keeps it.
#[derive(Clone, Debug)]
pub(crate) struct RoleDocument {
    /// A UUID: the role's id as long as it exists.
    pub(crate) id: Name,
    pub(crate) name: Name,
    /// Counts its changes, from 1.
    pub(crate) version: u64,
    /// As written, members that nobody knows too.
    pub(crate) written: Map<String, Value>,
    /// What is enforced of it.
    role: Role,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl RoleDocument {
    pub(crate) fn enforced(&self) -> Role {
        self.role.clone()
    }

    /// The same, to be looked at.
    pub(crate) fn enforced_ref(&self) -> &Role {
        &self.role
    }

    /// How long its sessions live, in seconds.
    pub(crate) fn ttl_seconds(&self) -> u64 {
        match self.role.default_ttl_seconds {
            0 => 3600,
            seconds => seconds,
        }
    }

    /// A text of the document that no rule reads.
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.written.get(member)?.as_str().filter(|text| !text.is_empty())
    }

    fn row(&self, tenant: &TenantId, ended: bool) -> RoleRow {
        RoleRow {
            tenant: tenant.clone(),
            id: self.id.clone(),
            name: self.name.clone(),
            version: self.version,
            document: Value::Object(self.written.clone()).to_string(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            ended,
        }
    }
}

/// The roles of a tenant, by id and by name.
#[derive(Debug, Default)]
pub(crate) struct RoleBook {
    by_id: BTreeMap<Name, Arc<RoleDocument>>,
    ids: BTreeMap<Name, Name>,
}

impl RoleBook {
    /// The roles as they were kept. Parents may stand anywhere.
    pub(super) fn restore(rows: &[RoleRow]) -> Result<Self, Failure> {
        let mut book = Self::default();
        let names: BTreeMap<&str, &Name> = rows.iter().map(|row| (&*row.id, &row.name)).collect();
        let known = |name: &str| rows.iter().find(|row| row.name == name).map(|row| row.name.clone());
        for row in rows {
            let damaged = |why: &str| Failure::Invalid(format!("role `{}` as it was kept: {why}", row.name));
            let Ok(Value::Object(written)) = serde_json::from_str(&row.document) else {
                return Err(damaged("not a JSON object"));
            };
            let parent = |text: &str| names.get(text).map(|name| (*name).clone()).or_else(|| known(text));
            let role = written::compile(&written, parent).map_err(|error| damaged(&error.to_string()))?;
            book.put(RoleDocument {
                id: row.id.clone(),
                name: row.name.clone(),
                version: row.version,
                written,
                role,
                created_at: row.created_at,
                updated_at: row.updated_at,
            });
        }
        Ok(book)
    }

    /// A role by its id or its name. No name looks like an id, so there is no question which.
    pub(crate) fn find(&self, id_or_name: &str) -> Option<&Arc<RoleDocument>> {
        self.by_id.get(id_or_name).or_else(|| self.by_id.get(self.ids.get(id_or_name)?))
    }

    /// All roles, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<RoleDocument>> {
        self.ids.values().filter_map(|id| self.by_id.get(id))
    }

    fn put(&mut self, document: RoleDocument) -> Arc<RoleDocument> {
        let document = Arc::new(document);
        self.ids.insert(document.name.clone(), document.id.clone());
        self.by_id.insert(document.id.clone(), document.clone());
        document
    }

    fn remove(&mut self, id: &str) {
        if let Some(document) = self.by_id.remove(id) {
            self.ids.remove(&document.name);
        }
    }
}

impl Tenant {
    /// A role by its id or its name.
    pub(crate) fn role(&self, id_or_name: &str) -> Result<Arc<RoleDocument>, Failure> {
        self.book.roles().find(id_or_name).cloned().ok_or(Failure::Unknown("role"))
    }

    /// All roles, by name.
    pub(crate) fn roles(&self) -> Vec<Arc<RoleDocument>> {
        self.book.roles().iter().cloned().collect()
    }

    /// Makes a role.
    pub(crate) async fn create_role(
        &self,
        body: &Map<String, Value>,
        guard: webhook::Guard,
        now: Timestamp,
    ) -> Result<Arc<RoleDocument>, Failure> {
        let written = written::merge(&Map::new(), body);
        let id = fresh_id()?;
        guard.check_document(&written)?;
        self.change(|| {
            let role = self.compile(&written)?;
            if is_id(&role.name) {
                return Err(Failure::Invalid("`name` must not look like an id (a UUID)".to_owned()));
            }
            if self.book.roles().find(&role.name).is_some() {
                return Err(Failure::Conflict(format!("there is a role `{}` already", role.name)));
            }
            if self.book.roles().by_id.len() >= MAX_ROLES {
                return Err(Failure::Conflict(format!("a tenant may have {MAX_ROLES} roles")));
            }
            let (name, created_at) = (role.name.clone(), now);
            self.publish(RoleDocument { id, name, version: 1, written, role, created_at, updated_at: now })
        })
        .await
    }

    /// Changes a role: members that the body does not have stay.
    pub(crate) async fn update_role(
        &self,
        id_or_name: &str,
        body: &Map<String, Value>,
        guard: webhook::Guard,
        now: Timestamp,
    ) -> Result<Arc<RoleDocument>, Failure> {
        guard.check_document(body)?;
        self.change(|| {
            let before = self.role(id_or_name)?;
            let written = written::merge(&before.written, body);
            let role = self.compile(&written)?;
            if role.name != before.name {
                if self.book.roles().find(&role.name).is_some() {
                    return Err(Failure::Conflict(format!("there is a role `{}` already", role.name)));
                }
                return Err(Failure::Invalid("`name` cannot change: make another role".to_owned()));
            }
            let version = before.version + 1;
            let (id, name, created_at) = (before.id.clone(), role.name.clone(), before.created_at);
            self.publish(RoleDocument { id, name, version, written, role, created_at, updated_at: now })
        })
        .await
    }

    /// Ends a role and its sessions.
    pub(crate) async fn delete_role(&self, id_or_name: &str, now: Timestamp) -> Result<(), Failure> {
        self.change(|| {
            let before = self.role(id_or_name)?;
            if let Some(agent) = self.agents_with(&before.id).first() {
                let why = format!("agent `{agent}` has role `{}`; unassign it first", before.name);
                return Err(Failure::Conflict(why));
            }
            self.enforcer.remove_role(&before.name).map_err(|error| match error {
                RemoveRoleError::Inherited { .. } => Failure::Conflict(error.to_string()),
                _ => Failure::Unknown("role"),
            })?;
            self.book.roles_mut().remove(&before.id);
            let last = RoleDocument { version: before.version + 1, updated_at: now, ..(*before).clone() };
            Ok((
                (),
                vec![Change::Role(last.row(&self.id, true)), self.bump(Touched::Role(before.name.clone()))],
            ))
        })
        .await
    }

    fn compile(&self, written: &Map<String, Value>) -> Result<Role, Failure> {
        let roles = self.book.roles();
        Ok(written::compile(written, |parent| roles.find(parent).map(|parent| parent.name.clone()))?)
    }

    fn publish(&self, document: RoleDocument) -> Result<(Arc<RoleDocument>, Vec<Change>), Failure> {
        let refused = |error: scopegate_core::PolicyError| Failure::Invalid(error.to_string());
        self.enforcer.put_role(document.enforced()).map_err(refused)?;
        let document = self.book.roles_mut().put(document);
        self.lay_again();
        let changes = vec![
            Change::Role(document.row(&self.id, false)),
            self.bump(Touched::Role(document.name.clone())),
        ];
        Ok((document, changes))
    }
}

/// A random UUID, version 4.
fn fresh_id() -> Result<Name, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Unavailable(format!("no randomness: {error}")))?;
    Ok(Name::from(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()))
}

/// Whether a text reads as a UUID, which callers take for an id.
fn is_id(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}
