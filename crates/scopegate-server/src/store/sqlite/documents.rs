//! Documents in a table, in the order they were first written.

use rusqlite::{Connection, Transaction, params};
use scopegate_core::Name;

use super::commit::cached;
use crate::store::{DocumentKind, DocumentRow, StoreError, TenantId};

pub(super) fn write(to: &Transaction<'_>, tenant: i64, row: &DocumentRow) -> Result<(), StoreError> {
    let (kind, id) = (row.kind.name(), row.id.as_str());
    match &row.body {
        Some(body) => {
            let sql = "INSERT INTO documents (tenant, kind, id, body) VALUES (?, ?, ?, ?) \
                       ON CONFLICT (tenant, kind, id) DO UPDATE SET body = excluded.body";
            cached(to, sql)?.execute(params![tenant, kind, id, body])?;
        }
        None => {
            let sql = "DELETE FROM documents WHERE tenant = ? AND kind = ? AND id = ?";
            cached(to, sql)?.execute(params![tenant, kind, id])?;
        }
    }
    Ok(())
}

pub(super) fn load(db: &Connection, tenant: i64, name: &TenantId) -> Result<Vec<DocumentRow>, StoreError> {
    let mut statement = db.prepare("SELECT kind, id, body FROM documents WHERE tenant = ? ORDER BY no")?;
    let mut rows = statement.query([tenant])?;
    let mut documents = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        let kind = DocumentKind::parse(&kind)
            .ok_or_else(|| StoreError::Damaged(format!("there are no documents of kind `{kind}`")))?;
        let id = Name::from(row.get::<_, String>(1)?);
        documents.push(DocumentRow { tenant: name.clone(), kind, id, body: Some(row.get(2)?) });
    }
    Ok(documents)
}
