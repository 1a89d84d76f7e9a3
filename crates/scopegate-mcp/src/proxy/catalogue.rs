//! What a server offers, for whoever judges calls by it.

use std::collections::HashMap;
use std::sync::Arc;

use rmcp::RoleClient;
use rmcp::model::{
    ClientRequest, ListPromptsRequest, ListToolsRequest, PaginatedRequestParams, ServerCapabilities,
    ServerResult, Tool,
};
use rmcp::service::{Peer, ServiceError};
use scopegate_core::{Catalogue, CatalogueTool, Name};
use serde_json::Value;

use crate::names;

/// Most pages that are read: a server that never comes to an end offers nothing.
const PAGES: usize = 100;

/// Takes up what servers offer, so that calls are judged by it.
pub trait CatalogueSink: Send + Sync + 'static {
    /// The server offers these tools and no others.
    ///
    /// # Errors
    /// [`Refused`]; what was known before stays.
    fn put(&self, server: &Name, catalogue: Catalogue) -> Result<(), Refused>;
}

/// A catalogue that cannot be taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
#[expect(clippy::exhaustive_structs, reason = "a reason and nothing else")]
pub struct Refused(pub String);

/// All that a server offers, by the names under which it is judged. `offered` are its tools, `custom`
/// the methods that are let through although MCP does not have them.
pub(crate) async fn read(
    peer: &Peer<RoleClient>,
    has: &ServerCapabilities,
    mut offered: Vec<CatalogueTool>,
    custom: &[String],
) -> Result<Vec<CatalogueTool>, ServiceError> {
    // A tool cannot stand for a resource or a prompt, whatever it calls itself.
    offered.retain(|tool| !names::is_ours(&tool.name));
    if has.prompts.is_some() {
        offered.extend(prompts(peer).await?.iter().map(|name| CatalogueTool::new(names::prompt(name))));
    }
    let beside = [
        names::READ,
        names::SUBSCRIBE,
        names::COMPLETE,
        names::GET_TASK,
        names::UPDATE_TASK,
        names::CANCEL_TASK,
    ];
    offered.extend(beside.into_iter().map(CatalogueTool::new));
    offered.extend(custom.iter().map(|method| CatalogueTool::new(names::custom(method))));
    Ok(offered)
}

/// The tools of a server, as it describes them.
pub(crate) async fn tools(
    peer: &Peer<RoleClient>,
    has: &ServerCapabilities,
) -> Result<Vec<Tool>, ServiceError> {
    if has.tools.is_none() {
        return Ok(Vec::new());
    }
    let (mut tools, mut page) = (Vec::new(), None);
    for _ in 0..PAGES {
        let request =
            ListToolsRequest { method: Default::default(), params: page, extensions: Default::default() };
        // The peer's own `list_tools` may answer with what it remembers.
        let ServerResult::ListToolsResult(found) =
            peer.send_request(ClientRequest::ListToolsRequest(request)).await?
        else {
            return Err(ServiceError::UnexpectedResponse);
        };
        tools.extend(found.tools);
        match found.next_cursor {
            None => return Ok(tools),
            next => page = Some(PaginatedRequestParams::default().with_cursor(next)),
        }
    }
    Err(ServiceError::UnexpectedResponse)
}

async fn prompts(peer: &Peer<RoleClient>) -> Result<Vec<String>, ServiceError> {
    let (mut prompts, mut page) = (Vec::new(), None);
    for _ in 0..PAGES {
        let request =
            ListPromptsRequest { method: Default::default(), params: page, extensions: Default::default() };
        let ServerResult::ListPromptsResult(found) =
            peer.send_request(ClientRequest::ListPromptsRequest(request)).await?
        else {
            return Err(ServiceError::UnexpectedResponse);
        };
        prompts.extend(found.prompts.into_iter().map(|prompt| prompt.name));
        match found.next_cursor {
            None => return Ok(prompts),
            next => page = Some(PaginatedRequestParams::default().with_cursor(next)),
        }
    }
    Err(ServiceError::UnexpectedResponse)
}

/// Hands over what is offered. A tool that cannot be judged is left out, so that nobody can call it;
/// the names of these come back, with the reasons.
pub(crate) fn put(
    sink: &Arc<dyn CatalogueSink>,
    server: &Name,
    offered: Vec<CatalogueTool>,
) -> Vec<(String, Refused)> {
    if sink.put(server, Catalogue { tools: offered.clone() }).is_ok() {
        return Vec::new();
    }
    let mut seen = HashMap::<Name, usize>::new();
    offered.iter().for_each(|tool| *seen.entry(tool.name.clone()).or_default() += 1);
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for tool in offered {
        // Each by itself: meanwhile nobody may use the others.
        let refused = match seen.get(&tool.name) {
            Some(1) => sink.put(server, Catalogue { tools: vec![tool.clone()] }).err(),
            _ => Some(Refused("nobody knows which tool of this name a call would reach".to_owned())),
        };
        match refused {
            None => good.push(tool),
            Some(refused) => bad.push((tool.name.to_string(), refused)),
        }
    }
    if let Err(refused) = sink.put(server, Catalogue { tools: good }) {
        // What was known before does not stay.
        bad.push((server.to_string(), refused));
        bad.extend(sink.put(server, Catalogue::default()).err().map(|refused| (server.to_string(), refused)));
    }
    bad
}

/// The tool as it is described, word for word.
pub(super) fn entry(tool: &Tool) -> Value {
    // What was read can be written; what could not be is no tool.
    serde_json::to_value(tool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Refuses catalogues that hold a tool named `bad`.
    #[derive(Default)]
    struct Picky(Mutex<Vec<String>>);

    impl CatalogueSink for Picky {
        fn put(&self, _: &Name, catalogue: Catalogue) -> Result<(), Refused> {
            let names: Vec<_> = catalogue.tools.iter().map(|tool| tool.name.to_string()).collect();
            if names.iter().any(|name| name == "bad") {
                return Err(Refused("its schema".to_owned()));
            }
            *self.0.lock().unwrap() = names;
            Ok(())
        }
    }

    fn offer(picky: &Arc<Picky>, names: &[&str]) -> Vec<(String, Refused)> {
        let sink: Arc<dyn CatalogueSink> = picky.clone();
        put(&sink, &"s".into(), names.iter().copied().map(CatalogueTool::new).collect())
    }

    #[test]
    fn a_tool_that_cannot_be_judged_is_left_out_and_named() {
        let picky = Arc::new(Picky::default());
        let refused = offer(&picky, &["a", "bad", "b"]);
        assert_eq!(refused, [("bad".to_owned(), Refused("its schema".to_owned()))]);
        assert_eq!(*picky.0.lock().unwrap(), ["a", "b"]);
    }

    #[test]
    fn of_two_tools_with_one_name_none_is_taken_up() {
        let picky = Arc::new(Picky::default());
        let refused = offer(&picky, &["a", "bad", "b", "a"]);
        let names: Vec<_> = refused.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["a", "bad", "a"]);
        assert_eq!(*picky.0.lock().unwrap(), ["b"]);
    }

    #[test]
    fn a_tool_is_taken_up_as_it_is_described() {
        let described = serde_json::json!({
            "name": "read", "title": "Read", "description": "Reads.", "inputSchema": {"type": "object"},
            "outputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}, "_meta": {"a/b": 1},
        });
        let tool: Tool = serde_json::from_value(described.clone()).unwrap();
        assert_eq!(serde_json::to_value(entry(&tool)).unwrap(), described);
    }

    #[test]
    fn a_server_without_a_good_tool_has_none() {
        let picky = Arc::new(Picky::default());
        offer(&picky, &["before"]);
        offer(&picky, &["bad"]);
        assert!(picky.0.lock().unwrap().is_empty());
    }
}
