//! Manifests in policy files: what is read, and what is refused with its place.

use scopegate_engine::Policy;

const ROLES: &str = "roles: [{name: r}]";

fn read(manifests: &str) -> Result<Policy, String> {
    Policy::from_text(&format!("{{version: 1, manifests: {manifests}, {ROLES}}}"), "p")
        .map_err(|e| e.to_string())
}

#[test]
fn wrong_manifests_are_refused_with_their_place() {
    let text = "expected a text; put it in quotes";
    for (manifests, expected) in [
        ("", "1:23: `manifests` has no value; give it one".to_owned()),
        ("{}", "1:25: expected sequence start".to_owned()),
        ("[{}]", "1:26: missing field `agent_id`".to_owned()),
        ("[a]", "1:26: expected mapping start".to_owned()),
        ("[{agent_id: }]", format!("1:35: invalid type: nothing, {text}")),
        ("[{agent_id: ''}]", "1:37: manifests[0].agent_id: an empty name".to_owned()),
        ("[{agent_id: 7}]", format!("1:37: invalid type: integer `7`, {text}")),
        ("[{agent_id: true}]", format!("1:37: invalid type: boolean `true`, {text}")),
        ("[{agent_id: [a]}]", "1:37: invalid type: sequence".to_owned()),
        ("[{agent_id: a, agent_id: b}]", "1:40: duplicate mapping key: agent_id".to_owned()),
        (
            "[{agent_id: a}, {agent_id: a}]",
            "1:52: manifests[1].agent_id: a second manifest of agent `a`".to_owned(),
        ),
        ("[{agent_id: a, actions: [x]}]", "1:40: unknown field `actions`".to_owned()),
        ("[{agent_id: a, capabilities: }]", "1:52: `capabilities` has no value".to_owned()),
        ("[{agent_id: a, capabilities: x}]", "1:54: expected sequence start".to_owned()),
        ("[{agent_id: a, capabilities: [1]}]", format!("1:55: invalid type: integer `1`, {text}")),
        ("[{agent_id: a, capabilities: [-1]}]", format!("1:55: invalid type: integer `-1`, {text}")),
        ("[{agent_id: a, capabilities: [1.5]}]", format!("1:55: invalid type: floating point `1.5`, {text}")),
        ("[{agent_id: a, capabilities: [x, null]}]", format!("1:58: invalid type: nothing, {text}")),
        (
            "[{agent_id: a, capabilities: ['']}]",
            "1:55: manifests[0].capabilities[0]: an empty name".to_owned(),
        ),
        ("[{agent_id: a, resource_actions: [x]}]", "1:58: expected mapping start".to_owned()),
        ("[{agent_id: a, resource_actions: {r: }}]", "1:60: `r` has no value".to_owned()),
        ("[{agent_id: a, resource_actions: {r: read}}]", "1:62: expected sequence start".to_owned()),
        (
            "[{agent_id: a, resource_actions: {r: [read, false]}}]",
            format!("1:69: invalid type: boolean `false`, {text}"),
        ),
        ("[{agent_id: a, resource_actions: {r: [], r: [x]}}]", "1:66: duplicate mapping key: r".to_owned()),
        (
            "[{agent_id: a, resource_actions: {'': [x]}}]",
            "manifests[0].resource_actions.: an empty name".to_owned(),
        ),
        ("[{agent_id: a, allowed_actions: []}]", "1:57: manifests[0].allowed_actions: no actions".to_owned()),
        (
            "[{agent_id: a, allowed_actions: [x], resource_actions: {'*': []}}]",
            "1:57: manifests[0].allowed_actions: resource_actions has an entry `*` already".to_owned(),
        ),
        ("[{agent_id: a, metadata: }]", "1:48: invalid type: nothing, expected an object".to_owned()),
        ("[{agent_id: a, metadata: [1]}]", "1:50: invalid type: a list, expected an object".to_owned()),
    ] {
        let error = read(manifests).expect_err(manifests);
        assert!(error.contains(&expected), "{error}\n`{expected}` was expected of {manifests}");
    }
    let many = format!(
        "[{{agent_id: a, capabilities: {:?}}}]",
        (0..4097).map(|n| format!("c{n}")).collect::<Vec<_>>()
    );
    assert!(read(&many).expect_err("too many").contains("manifests[0]: 4097 are more than 4096"));
    let long = format!("[{{agent_id: {}}}]", "a".repeat(513));
    assert!(read(&long).expect_err("too long").contains("agent_id: a name of 513 bytes; 512 are the most"));
}

#[test]
fn a_policy_goes_through_json_unchanged() {
    let policy = read(
        "[{agent_id: 'Ä 1', capabilities: [b, a, b], resource_actions: {'*': [x], r: []}, metadata: {a: null, b: [1.5]}}, \
         {agent_id: b, allowed_actions: ['1', 'true', 'null']}]",
    )
    .expect("a policy");
    assert_eq!(
        policy.manifests[1].allowed_actions.as_deref(),
        Some(&["1".into(), "true".into(), "null".into()][..])
    );
    let again = serde_json::to_string(&policy).expect("JSON");
    assert_eq!(Policy::from_text(&again, "p").expect("the same policy"), policy);
}
