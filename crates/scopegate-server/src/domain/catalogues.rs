//! What MCP servers offer, as operators register it.

use std::collections::BTreeMap;
use std::sync::Arc;

use scopegate_core::{Catalogue, Name, Timestamp};

use super::epoch::Touched;
use super::{Failure, Tenant};
use crate::store::{CatalogueRow, Change};

/// Most MCP servers a tenant may register.
const MAX_SERVERS: usize = 1_000;

/// A catalogue as the plane keeps it.
#[derive(Clone, Debug)]
pub(crate) struct CatalogueDocument {
    /// The server.
    pub(crate) server: Name,
    /// What it offers.
    pub(crate) catalogue: Catalogue,
    /// When that was registered.
    pub(crate) updated_at: Timestamp,
}

/// The catalogues of a tenant, by server.
#[derive(Debug, Default)]
pub(crate) struct CatalogueBook(BTreeMap<Name, Arc<CatalogueDocument>>);

impl CatalogueBook {
    /// The catalogues as they were kept.
    pub(super) fn restore(rows: &[CatalogueRow]) -> Result<Self, Failure> {
        let document = |row: &CatalogueRow| {
            let damaged =
                |why| Failure::Invalid(format!("MCP server `{}` as it was kept: {why}", row.server));
            let catalogue = serde_json::from_str(&row.document).map_err(damaged)?;
            let (server, updated_at) = (row.server.clone(), row.updated_at);
            Ok((server.clone(), Arc::new(CatalogueDocument { server, catalogue, updated_at })))
        };
        rows.iter().map(document).collect::<Result<_, _>>().map(Self)
    }

    /// The catalogues as a policy holds them.
    pub(super) fn written(&self) -> BTreeMap<Name, Catalogue> {
        self.0.iter().map(|(server, document)| (server.clone(), document.catalogue.clone())).collect()
    }
}

impl Tenant {
    /// What was registered for a server.
    pub(crate) fn catalogue(&self, server: &str) -> Result<Arc<CatalogueDocument>, Failure> {
        self.book.catalogues().0.get(server).cloned().ok_or(Failure::Unknown("MCP server"))
    }

    /// Every server that was registered, by name.
    pub(crate) fn catalogues(&self) -> Vec<Arc<CatalogueDocument>> {
        self.book.catalogues().0.values().cloned().collect()
    }

    /// Registers what a server offers, in the place of what was registered; whether it is new.
    pub(crate) async fn put_catalogue(
        &self,
        server: Name,
        catalogue: Catalogue,
        now: Timestamp,
    ) -> Result<(Arc<CatalogueDocument>, bool), Failure> {
        let text = serde_json::to_string(&catalogue).map_err(|error| Failure::Invalid(error.to_string()))?;
        self.change(|| {
            let new = self.catalogue(&server).is_err();
            if new && self.book.catalogues().0.len() >= MAX_SERVERS {
                return Err(Failure::Conflict(format!("a tenant may register {MAX_SERVERS} MCP servers")));
            }
            let refused = |error: scopegate_core::PolicyError| Failure::Invalid(error.to_string());
            self.enforcer.put_catalogue(server.clone(), catalogue.clone()).map_err(refused)?;
            let tenant = self.id.clone();
            let row = CatalogueRow { tenant, server: server.clone(), document: text, updated_at: now };
            let document = CatalogueDocument { server: server.clone(), catalogue, updated_at: now };
            let document = Arc::new(document);
            self.book.catalogues_mut().0.insert(server.clone(), document.clone());
            let changes = vec![Change::Catalogue(row), self.bump(Touched::Server(server))];
            Ok(((document, new), changes))
        })
        .await
    }

    /// Forgets what a server offers.
    pub(crate) async fn delete_catalogue(&self, server: &str) -> Result<(), Failure> {
        self.change(|| {
            let before = self.catalogue(server)?;
            self.enforcer.remove_catalogue(server);
            self.book.catalogues_mut().0.remove(server);
            let ended = Change::CatalogueEnded { tenant: self.id.clone(), server: before.server.clone() };
            Ok(((), vec![ended, self.bump(Touched::Server(before.server.clone()))]))
        })
        .await
    }
}
