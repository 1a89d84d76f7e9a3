//! Which tools of a server are as somebody agreed to them.

use rmcp::model::Tool;
use scopegate_core::pin::{Screened, ServerPins, Standing, screen};
use serde_json::Value;

use super::catalogue::entry;

/// Looks through what a server lists.
pub(crate) fn judge(pins: Option<&ServerPins>, tools: &[Tool]) -> Screened {
    screen(pins, &described(tools))
}

/// Takes out of a page what is not to be called: what it says of itself is not shown to a model either. Each
/// page is looked at anew, because a server may describe a tool in another way each time.
pub(crate) fn retain(pins: Option<&ServerPins>, tools: &mut Vec<Tool>) {
    let judged = judge(pins, tools);
    tools.retain(|tool| judged.is_callable(&tool.name));
}

/// The tools as the server described them.
pub(crate) fn described(tools: &[Tool]) -> Vec<Value> {
    tools.iter().map(entry).collect()
}

/// What people are told of each tool that nobody may use.
pub(crate) fn words(judged: &Screened) -> impl Iterator<Item = String> {
    judged.reports.iter().filter_map(|report| {
        let why = match &report.standing {
            Standing::Same | Standing::Unpinned | Standing::Gone => return None,
            Standing::Changed(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| part.member()).collect();
                format!("is not as it was pinned ({})", parts.join(", "))
            }
            Standing::New => "was never pinned".to_owned(),
            Standing::Renamed { from } => format!("was pinned as `{from}`"),
            Standing::Unusable(why) => why.clone(),
        };
        Some(format!("`{}`: {why}; nobody may use it", report.tool))
    })
}

#[cfg(test)]
mod tests {
    use scopegate_core::CatalogueTool;
    use scopegate_core::pin::Pin;
    use serde_json::json;

    use super::*;

    fn tool(name: &str, description: &str) -> Tool {
        let schema = json!({"type": "object"});
        serde_json::from_value(json!({"name": name, "description": description, "inputSchema": schema}))
            .unwrap()
    }

    fn pins(tools: &[Tool]) -> ServerPins {
        let tools = described(tools).into_iter().map(|entry| CatalogueTool::from_listed(&entry).unwrap());
        tools.map(|tool| (tool.name.clone(), Pin::of(&tool).unwrap())).collect()
    }

    #[test]
    fn a_page_shows_what_was_agreed_to() {
        let agreed = [tool("a", "1"), tool("b", "1"), tool("c", "1")];
        let pins = pins(&agreed);
        let shown = |mut page: Vec<Tool>, pins: Option<&ServerPins>| {
            retain(pins, &mut page);
            page.into_iter().map(|tool| tool.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(shown(agreed.to_vec(), Some(&pins)), ["a", "b", "c"]);
        let page = vec![tool("a", "1"), tool("b", "2"), tool("new", "3")];
        assert_eq!(shown(page.clone(), Some(&pins)), ["a"]);
        assert_eq!(shown(page.clone(), None), ["a", "b", "new"]);
        assert_eq!(shown(page.clone(), Some(&ServerPins::new())), Vec::<String>::new());
        assert_eq!(shown(vec![tool("a", "1"), tool("a", "2")], Some(&pins)), Vec::<String>::new());
        let told: Vec<_> = words(&judge(Some(&pins), &page)).collect();
        assert_eq!(
            told,
            [
                "`b`: is not as it was pinned (description); nobody may use it",
                "`new`: was never pinned; nobody may use it"
            ]
        );
    }
}
