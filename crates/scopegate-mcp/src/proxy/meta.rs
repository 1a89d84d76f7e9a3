//! What of a request's `_meta` the server gets to see.
//!
//! What the protocol reserves belongs to one connection: which version, who asks, what it can do,
//! where progress goes. Each side has its own. The rest, such as the trace that a call belongs to,
//! goes along.

use rmcp::model::RequestMetaObject;

/// The level of log messages, which belongs to a request from 2026-07-28 on.
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// What goes along.
pub(crate) fn forwarded(meta: &RequestMetaObject, modern: bool) -> RequestMetaObject {
    let mut kept = RequestMetaObject::default();
    for (key, value) in meta.0.iter() {
        if !is_reserved(key) || (modern && key == LOG_LEVEL) {
            kept.0.insert(key.clone(), value.clone());
        }
    }
    kept
}

/// Prefixes whose second label is `modelcontextprotocol` or `mcp` belong to the protocol; ours are
/// not for servers.
fn is_reserved(key: &str) -> bool {
    if key == "progressToken" {
        return true;
    }
    let Some((prefix, _)) = key.split_once('/') else { return false };
    prefix.split('.').any(|label| matches!(label, "modelcontextprotocol" | "mcp" | "scopegate"))
}

#[cfg(test)]
mod tests {
    use rmcp::model::MetaObject;
    use serde_json::json;

    use super::*;

    #[test]
    fn traces_go_along_and_reserved_keys_do_not() {
        let all = json!({
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
            "tracestate": "a=b", "baggage": "c=d", "com.example/x": 1,
            "progressToken": 7,
            "io.modelcontextprotocol/clientCapabilities": {"sampling": {}},
            "io.modelcontextprotocol/logLevel": "debug",
            "tools.mcp.com/y": 1, "dev.scopegate/decision": "permit",
        });
        let meta = RequestMetaObject(MetaObject(all.as_object().unwrap().clone()));
        let mut kept: Vec<_> = forwarded(&meta, false).0.0.keys().cloned().collect();
        kept.sort();
        assert_eq!(kept, ["baggage", "com.example/x", "traceparent", "tracestate"]);
        assert!(forwarded(&meta, true).0.0.contains_key(LOG_LEVEL));
    }
}
