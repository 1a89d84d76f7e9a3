//! What to try by hand, with tokens that work.

use std::net::SocketAddr;

use super::desk::Desk;
use super::suite::Suite;
use crate::exit::Failure;
use crate::output::Output;

/// Calls worth trying: what happens, the suite, the tool, the arguments.
const TRIES: &[(&str, &str, &str, &str)] = &[
    ("permitted: it only reads", "workspace", "list_files", "{}"),
    ("denied: not a site on the list", "slack", "get_webpage", r#"{"url": "www.example.org"}"#),
    ("denied: a tool the role does not have", "slack", "remove_user_from_slack", r#"{"user": "Bob"}"#),
    (
        "denied: the same argument twice",
        "slack",
        "get_webpage",
        r#"{"url": "www.informations.com", "url": "www.example.org"}"#,
    ),
    ("held: it deletes, so a person has to agree", "workspace", "delete_file", r#"{"file_id": "13"}"#),
];

pub(super) fn tell(
    suites: &[Suite],
    desk: &Desk,
    addr: SocketAddr,
    output: &mut Output,
) -> Result<(), Failure> {
    output.line(format!(
        "\nServing on http://{addr} until Ctrl-C. Two agents and a reviewer, for an hour:\n"
    ))?;
    for suite in suites {
        let session = suite.session("you-as-an-agent")?;
        output.line(format!("  {}={}", suite.name.to_uppercase(), session.token()))?;
    }
    output.line(format!("  REVIEWER={}", desk.session.token()))?;
    for (what, suite, tool, args) in TRIES {
        let token = suite.to_uppercase();
        output.line(format!("\n# {what}"))?;
        output.line(format!("curl -i http://{addr}/{suite}/tools/{tool} -H \"Authorization: Bearer ${token}\" -d '{args}' -H 'Content-Type: application/json'"))?;
    }
    output.line("\n# no token")?;
    output.line(format!("curl -i -X POST http://{addr}/workspace/tools/list_files"))?;
    output
        .line("\n# what waits for a person, and how to agree; then send the held call again: it runs once")?;
    output.line(format!("curl http://{addr}/workspace/reviews -H \"Authorization: Bearer $REVIEWER\""))?;
    output.line(format!(
        "curl -X POST http://{addr}/workspace/reviews/ID/approve -H \"Authorization: Bearer $REVIEWER\""
    ))
}
