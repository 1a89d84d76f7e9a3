//! Policies that were written for well-known servers.

/// By name.
const TEMPLATES: &[(&str, &str)] = &[
    ("database", include_str!("../../../../templates/database.yaml")),
    ("fetch", include_str!("../../../../templates/fetch.yaml")),
    ("filesystem", include_str!("../../../../templates/filesystem.yaml")),
    ("github", include_str!("../../../../templates/github.yaml")),
    ("slack", include_str!("../../../../templates/slack.yaml")),
];

/// The text of a template.
pub(super) fn find(name: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Their names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use scopegate_core::{
        AccessRequest, Args, Decision, Enforcer as _, Name, Provision, Quick, Timestamp, ToolCall,
    };
    use scopegate_engine::{LocalEnforcer, ManualClock, Policy, RecordsSpec};

    use super::*;

    fn policy(template: &str) -> Policy {
        let text = find(template).unwrap();
        let mut policy = Policy::from_text(text, template).unwrap();
        policy.records = Some(RecordsSpec::None);
        policy
    }

    /// What becomes of a call of a role on its server: `PERMIT`, `HOLD` or the code.
    fn ask(template: &str, role: &str, tool: &str, args: &str) -> &'static str {
        let clock = ManualClock::new(Timestamp::default());
        let engine = LocalEnforcer::builder(policy(template)).clock(clock).build().unwrap();
        let session = engine.open(Provision::new(role, "agent")).unwrap().principal;
        let mut call = ToolCall::new(tool).with_args(Args::parse(args.to_owned()));
        call.server = Some(template.into());
        let Quick::Decided(decision) = engine.try_enforce(&AccessRequest::new(session.as_ref(), &call))
        else {
            panic!("a local decision");
        };
        match decision {
            Decision::Permit(_) => "PERMIT",
            Decision::Hold(_) => "HOLD",
            Decision::Deny(denial) => denial.code.as_str(),
        }
    }

    #[test]
    fn every_template_says_what_its_servers_are_and_what_each_call_comes_to() {
        for (template, role, calls) in CALLS {
            for line in calls.lines().map(str::trim).filter(|line| !line.is_empty()) {
                let mut words = line.splitn(3, ' ');
                let (expected, tool, args) =
                    (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or("{}"));
                assert_eq!(ask(template, role, tool, args), expected, "{role}: {tool} {args}");
            }
        }
    }

    #[test]
    fn every_tool_of_every_template_is_tried() {
        let tried: BTreeSet<(&str, &str)> = CALLS
            .iter()
            .flat_map(|(_, role, calls)| calls.lines().map(move |line| (*role, line.trim())))
            .filter_map(|(role, line)| Some((role, line.split(' ').nth(1)?)))
            .collect();
        for template in names() {
            for role in policy(template).roles {
                assert_eq!(role.allowed_mcp_servers, [Name::from(template)]);
                assert!(role.rate_limit_per_minute > 0, "{}", role.name);
                for tool in &role.allowed_tools {
                    assert!(tried.contains(&(role.name.as_str(), tool.as_str())), "{}: {tool}", role.name);
                    let guarded = role.parameter_constraints.contains_key(tool);
                    let plain = ["list_allowed_directories", "list_channels", "list_tables"];
                    assert!(
                        guarded || plain.contains(&tool.as_str()),
                        "{}: {tool} takes anything",
                        role.name
                    );
                }
            }
        }
    }

    const CALLS: &[(&str, &str, &str)] = &[
        (
            "filesystem",
            "filesystem",
            r#"
            PERMIT read_file {"path":"/srv/project/a.txt"}
            PERMIT read_text_file {"path":"/srv/project/a.txt","head":5}
            PERMIT read_text_file {"path":"/srv/project"}
            PARAMETER_VIOLATION read_text_file {"path":"/srv/project/../secret"}
            PARAMETER_VIOLATION read_text_file {"path":"/srv/projects/a"}
            PARAMETER_VIOLATION read_text_file {"path":"/srv/project/%2e%2e/secret"}
            PARAMETER_VIOLATION read_text_file {"path":"/srv/project\\..\\secret"}
            PARAMETER_VIOLATION read_text_file {"path":"/srv/project/a\u0000"}
            PARAMETER_VIOLATION read_text_file {"path":"srv/project/a"}
            PARAMETER_VIOLATION read_text_file {"path":"~/a"}
            PARAMETER_VIOLATION read_text_file {"path":"file:///srv/project/a"}
            PARAMETER_VIOLATION read_text_file {"path":null}
            PARAMETER_VIOLATION read_text_file {}
            PARAMETER_VIOLATION read_text_file {"Path":"/srv/project/a"}
            INVALID_ARGUMENTS read_text_file {"path":"/srv/project/a","path":"/etc/passwd"}
            PERMIT read_media_file {"path":"/srv/project/a.png"}
            PARAMETER_VIOLATION read_media_file {"path":"/etc/a.png"}
            PERMIT read_multiple_files {"paths":["/srv/project/a","/srv/project/b"]}
            PARAMETER_VIOLATION read_multiple_files {"paths":["/srv/project/a","/etc/passwd"]}
            PARAMETER_VIOLATION read_multiple_files {"paths":[]}
            PARAMETER_VIOLATION read_multiple_files {"paths":"/srv/project/a"}
            PERMIT list_directory {"path":"/srv/project"}
            PERMIT list_directory_with_sizes {"path":"/srv/project/x","sortBy":"size"}
            PERMIT directory_tree {"path":"/srv/project"}
            PARAMETER_VIOLATION directory_tree {"path":"/"}
            PERMIT search_files {"path":"/srv/project","pattern":"**/*.md"}
            PARAMETER_VIOLATION search_files {"path":"/srv","pattern":"**"}
            PERMIT get_file_info {"path":"/srv/project/a"}
            PERMIT list_allowed_directories {}
            HOLD write_file {"path":"/srv/project/a","content":"x"}
            PARAMETER_VIOLATION write_file {"path":"/etc/cron.d/a","content":"x"}
            PARAMETER_VIOLATION write_file {"path":"/srv/project/a"}
            HOLD edit_file {"path":"/srv/project/a","edits":[]}
            HOLD edit_file {"path":"/srv/project/a","edits":[],"dryRun":false}
            HOLD edit_file {"path":"/srv/project/a","edits":[],"dryRun":"true"}
            PERMIT edit_file {"path":"/srv/project/a","edits":[],"dryRun":true}
            PARAMETER_VIOLATION edit_file {"path":"/etc/a","edits":[],"dryRun":true}
            HOLD create_directory {"path":"/srv/project/new"}
            HOLD move_file {"source":"/srv/project/a","destination":"/srv/project/b"}
            PARAMETER_VIOLATION move_file {"source":"/srv/project/a","destination":"/srv/www/b"}
            PARAMETER_VIOLATION move_file {"source":"/etc/shadow","destination":"/srv/project/b"}
            SCOPE_VIOLATION delete_file {"path":"/srv/project/a"}
            "#,
        ),
        (
            "filesystem",
            "filesystem-adapter",
            r#"
            PERMIT read_file {"path":"/srv/project/a"}
            PARAMETER_VIOLATION read_file {"path":"/srv/project/../../etc/passwd"}
            PERMIT list_directory {"path":"/srv/project"}
            HOLD write_file {"path":"/srv/project/a"}
            HOLD delete_file {"path":"/srv/project/a"}
            PARAMETER_VIOLATION delete_file {"path":"/"}
            MCP_TOOL_NOT_FOUND format_disk {}
            "#,
        ),
        (
            "github",
            "github",
            r#"
            PERMIT get_file_contents {"owner":"example","repo":"backend","path":"README.md"}
            PARAMETER_VIOLATION get_file_contents {"owner":"example","repo":"secrets","path":"README.md"}
            PARAMETER_VIOLATION get_file_contents {"owner":"other","repo":"backend","path":"README.md"}
            PARAMETER_VIOLATION get_file_contents {"repo":"backend","path":"README.md"}
            PERMIT list_commits {"owner":"example","repo":"frontend"}
            PERMIT list_issues {"owner":"example","repo":"backend"}
            PERMIT get_issue {"owner":"example","repo":"backend","issue_number":1}
            PERMIT list_pull_requests {"owner":"example","repo":"backend"}
            PERMIT get_pull_request {"owner":"example","repo":"backend","pull_number":1}
            PERMIT get_pull_request_files {"owner":"example","repo":"backend","pull_number":1}
            PERMIT get_pull_request_status {"owner":"example","repo":"backend","pull_number":1}
            PERMIT get_pull_request_comments {"owner":"example","repo":"backend","pull_number":1}
            PERMIT get_pull_request_reviews {"owner":"example","repo":"backend","pull_number":1}
            HOLD create_issue {"owner":"example","repo":"backend","title":"t"}
            PARAMETER_VIOLATION create_issue {"owner":"torvalds","repo":"linux","title":"t"}
            PERMIT add_issue_comment {"owner":"example","repo":"backend","issue_number":1,"body":"b"}
            PERMIT create_branch {"owner":"example","repo":"backend","branch":"agent/fix-1"}
            PARAMETER_VIOLATION create_branch {"owner":"example","repo":"backend","branch":"main"}
            PARAMETER_VIOLATION create_branch {"owner":"example","repo":"backend","branch":"agent/"}
            HOLD create_or_update_file {"owner":"example","repo":"backend","branch":"agent/a","path":"p","content":""}
            PARAMETER_VIOLATION create_or_update_file {"owner":"example","repo":"backend","branch":"main","path":"p"}
            HOLD push_files {"owner":"example","repo":"backend","branch":"agent/a","files":[]}
            PARAMETER_VIOLATION push_files {"owner":"example","repo":"backend","files":[]}
            HOLD create_pull_request {"owner":"example","repo":"backend","head":"agent/a","base":"main","title":"t"}
            PARAMETER_VIOLATION create_pull_request {"owner":"example","repo":"backend","head":"evil:agent/a","base":"main"}
            HOLD merge_pull_request {"owner":"example","repo":"backend","pull_number":1}
            MCP_TOOL_NOT_FOUND search_code {"q":"password"}
            MCP_TOOL_NOT_FOUND create_repository {"name":"x"}
            MCP_TOOL_NOT_FOUND fork_repository {"owner":"example","repo":"backend"}
            "#,
        ),
        (
            "github",
            "github-adapter",
            r#"
            PERMIT read_file {"repo":"example/backend"}
            PARAMETER_VIOLATION read_file {"repo":"example/backend2"}
            PERMIT create_issue {"repo":"example/frontend"}
            PERMIT create_pr {"repo":"example/frontend"}
            HOLD push_commit {"repo":"example/backend","branch":"agent/a"}
            PARAMETER_VIOLATION push_commit {"repo":"example/backend","branch":"main"}
            HOLD merge_pr {"repo":"example/backend"}
            MCP_TOOL_NOT_FOUND delete_repo {"repo":"example/backend"}
            "#,
        ),
        (
            "slack",
            "slack",
            r#"
            PERMIT slack_list_channels {}
            PERMIT slack_list_channels {"limit":100}
            PARAMETER_VIOLATION slack_list_channels {"limit":5000}
            PERMIT slack_get_channel_history {"channel_id":"C0000000001"}
            PARAMETER_VIOLATION slack_get_channel_history {"channel_id":"C0000000009"}
            PARAMETER_VIOLATION slack_get_channel_history {"channel_id":"C0000000001","limit":"all"}
            PERMIT slack_get_thread_replies {"channel_id":"C0000000002","thread_ts":"1.2"}
            HOLD slack_post_message {"channel_id":"C0000000001","text":"hello"}
            PARAMETER_VIOLATION slack_post_message {"channel_id":"D0000000001","text":"hello"}
            PERMIT slack_reply_to_thread {"channel_id":"C0000000001","thread_ts":"1.2","text":"Done."}
            PARAMETER_VIOLATION slack_reply_to_thread {"channel_id":"C0000000001","thread_ts":"1.2","text":"<!channel> look"}
            PARAMETER_VIOLATION slack_reply_to_thread {"channel_id":"C0000000002","thread_ts":"1.2","text":"Done."}
            PERMIT slack_add_reaction {"channel_id":"C0000000001","timestamp":"1.2","reaction":"eyes"}
            MCP_TOOL_NOT_FOUND slack_get_users {}
            "#,
        ),
        (
            "slack",
            "slack-adapter",
            r##"
            PERMIT list_channels {}
            HOLD send_message {"channel":"#agents"}
            HOLD post_to_channel {"channel":"#support"}
            PARAMETER_VIOLATION post_to_channel {"channel":"#general"}
            PARAMETER_VIOLATION send_message {"channel":["#agents"]}
            "##,
        ),
        (
            "database",
            "database",
            r#"
            PERMIT query {"sql":"SELECT id, total FROM orders LIMIT 10"}
            PERMIT query {"sql":"SELECT id FROM products WHERE price <= 100 LIMIT 999"}
            PERMIT query {"sql":"SELECT id FROM orders WHERE status = 'open' LIMIT 5"}
            HOLD query {"sql":"SELECT id FROM orders"}
            HOLD query {"sql":"SELECT * FROM orders LIMIT 10"}
            HOLD query {"sql":"SELECT id FROM users LIMIT 10"}
            HOLD query {"sql":"SELECT id FROM orders LIMIT 1000"}
            HOLD query {"sql":"SELECT id FROM orders LIMIT 10; DROP TABLE orders"}
            HOLD query {"sql":"SELECT id FROM orders WHERE status = '' OR 1=1 LIMIT 10"}
            HOLD query {"sql":"SELECT id FROM orders WHERE status = 'a'' OR ''1' LIMIT 10"}
            HOLD query {"sql":"SELECT pg_sleep(10) FROM orders LIMIT 1"}
            HOLD query {"sql":"SELECT id FROM orders LIMIT 10 -- x"}
            HOLD query {"sql":"SELECT id FROM orders LIMIT 10\n"}
            HOLD query {"sql":"DELETE FROM orders"}
            HOLD query {"sql":["SELECT id FROM orders LIMIT 10"]}
            SCOPE_VIOLATION execute {"sql":"DROP TABLE orders"}
            "#,
        ),
        (
            "database",
            "database-adapter",
            r#"
            PERMIT query {"table":"orders","limit":1000}
            DATA_LIMIT_EXCEEDED query {"table":"orders","limit":1001}
            PERMIT query {"table":"orders"}
            PARAMETER_VIOLATION query {"table":"users"}
            PERMIT list_tables {}
            HOLD execute {"table":"orders"}
            PARAMETER_VIOLATION execute {"table":"pg_authid"}
            MCP_TOOL_NOT_FOUND vacuum {}
            "#,
        ),
        (
            "fetch",
            "fetch",
            r#"
            PERMIT fetch {"url":"https://docs.example.com/a"}
            PERMIT fetch {"url":"https://v2.docs.example.com/a?b=c","max_length":5000}
            PARAMETER_VIOLATION fetch {"url":"http://docs.example.com/a"}
            PARAMETER_VIOLATION fetch {"url":"https://docs.example.com.evil.net/"}
            PARAMETER_VIOLATION fetch {"url":"https://docs.example.com@evil.net/"}
            PARAMETER_VIOLATION fetch {"url":"https://evil.net/#docs.example.com"}
            PARAMETER_VIOLATION fetch {"url":"https://169.254.169.254/latest"}
            PARAMETER_VIOLATION fetch {"url":"docs.example.com"}
            PARAMETER_VIOLATION fetch {"url":"https://docs.example.com/a","max_length":1000000}
            SCOPE_VIOLATION post {"url":"https://docs.example.com/a"}
            "#,
        ),
    ];
}
