//! The canonical form (RFC 8785) that digests are made over.

use serde::Serialize;

/// Canonical JSON of a value.
///
/// Safe to hash because every number in it passed the I-JSON check: a stock canonicaliser gives
/// 2^53 and 2^53+1 the same bytes. It sorts members itself, so it does not matter whether some
/// other crate switched `serde_json/preserve_order` on.
pub(crate) fn canonical(value: &impl Serialize) -> Option<Vec<u8>> {
    serde_json_canonicalizer::to_vec(value).ok()
}
