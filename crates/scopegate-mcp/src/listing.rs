//! Lists show what whoever asks could ever be permitted, and belong to nobody else.

use rmcp::model::{CacheScope, Extensions, ProtocolVersion};
use rmcp::service::{RequestContext, RoleServer};

use crate::guard::Guard;

/// Keeps what the principal could be permitted; without an answer, nothing. Cursors are the
/// server's and stay, also when a page becomes empty.
pub(crate) async fn retain<T>(
    guard: &Guard,
    extensions: &Extensions,
    items: &mut Vec<T>,
    name: impl Fn(&T) -> String,
) {
    let names: Vec<String> = items.iter().map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut seen = guard.visible(extensions, &names).await.into_iter();
    items.retain(|_| seen.next().unwrap_or(false));
}

/// Whether the request speaks a version whose results say who may cache them.
pub(crate) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// A shared cache must not show one agent's list to another. Older versions do not have the hint.
pub(crate) fn keep_private(scope: &mut Option<CacheScope>, modern: bool) {
    if modern || scope.is_some() {
        *scope = Some(CacheScope::Private);
    }
}
