//! Every route of the plane, through the client.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use axum::{Json, Router};
use scopegate_client::xybern::{
    Action, AgentDraft, AgentMessage, AgentRoleDraft, BreakglassDraft, DecisionQuery, DelegationDraft,
    EscalationFilter, PackDraft, Paging, PolicyDraft, Resolution, Rotation, RunDraft, WindowDraft,
};
use scopegate_client::{
    Call, Client, ClientError, DeliveryStatus, ExportFormat, ExportOrder, McpCall, Provision, ReviewStatus,
    RoleDraft, SessionStatus, Token,
};
use scopegate_core::{Catalogue, DenyCode};
use serde_json::{Value, json};

use super::Served;

#[test]
fn no_route_of_the_plane_is_forgotten() {
    let of_client: BTreeSet<_> = scopegate_client::routes()
        .chain(scopegate_client::lent_routes())
        .map(|(method, path)| (method.to_string(), path))
        .collect();
    let for_programs = ["/openapi.json", "/.well-known/jwks.json", "/v1/enforce/red-lines"];
    // The Xybern routes stand in two trees; the client takes one.
    let (mirrored, listed): (Vec<_>, Vec<_>) =
        scopegate_server::listing().into_iter().partition(|(_, path, _)| path.starts_with("/api/"));
    let in_other_tree = |(method, path, kinds): &(Method, &str, _)| {
        let mirrored = mirrored.iter().map(|(method, path, kinds)| (method, &path["/api".len()..], kinds));
        mirrored.filter(|one| *one == (method, *path, kinds)).count()
    };
    for route in &listed {
        let mirrored = usize::from(route.1.starts_with("/v1/enforce/"));
        assert_eq!(in_other_tree(route), mirrored, "{} {}", route.0, route.1);
    }
    let of_plane: BTreeSet<_> = listed
        .into_iter()
        .map(|(method, path, _)| (method.to_string(), path))
        .filter(|(_, path)| !for_programs.contains(path))
        .collect();
    assert_eq!(of_client, of_plane);
}

/// Calls every method once; what comes of it is looked at elsewhere.
async fn call_every_method(client: &Client) {
    let (token, role) = (Token::new("t"), RoleDraft::new().with("name", "r"));
    let _ = client.healthz().await;
    let _ = client.metrics().await;
    let _ = client.provision(&Provision::new("r")).await;
    let _ = client.enforce(&token, &Call::new("t", json!({}))).await;
    let _ = client.mcp_enforce(&token, &McpCall::new("s", "t", json!({}))).await;
    let _ = client.revoke("x", "because").await;
    let _ = client.list_sessions().await;
    let _ = client.get_session("x").await;
    let _ = client.suspend("x").await;
    let _ = client.readmit("x").await;
    let _ = client.epoch().await;
    let _ = client.list_reviews().await;
    let _ = client.get_review("x").await;
    let _ = client.approve("x", "").await;
    let _ = client.reject("x", "").await;
    let _ = client.list_roles().await;
    let _ = client.get_role("x").await;
    let _ = client.get_role_by_name("x").await;
    let _ = client.create_role(&role).await;
    let _ = client.update_role("x", &role).await;
    let _ = client.delete_role("x").await;
    let _ = client.list_servers().await;
    let _ = client.get_server("x").await;
    let _ = client.put_server("x", &Catalogue::of(["t"])).await;
    let _ = client.delete_server("x").await;
    let (xybern, draft) = (client.xybern(), AgentDraft::named("a"));
    let _ = xybern.register_agent(&draft).await;
    let _ = xybern.list_agents(Paging::default()).await;
    let _ = xybern.get_agent("x").await;
    let _ = xybern.update_agent("x", &draft).await;
    let _ = xybern.deactivate_agent("x").await;
    let _ = xybern.get_agent_history("x", Paging::default()).await;
    let _ = xybern.get_agent_communications("x", Paging::default()).await;
    let (action, role) = (Action::new("a"), AgentRoleDraft::named("r"));
    let _ = xybern.intercept(&action).await;
    let _ = xybern.batch_intercept(&[action]).await;
    let _ = xybern.intercept_agent_comm(&AgentMessage::new("a", "b", "c")).await;
    let _ = xybern.list_decisions(&DecisionQuery::default()).await;
    let _ = xybern.get_decision("x").await;
    let _ = xybern.get_stats().await;
    let _ = xybern.create_role(&role).await;
    let _ = xybern.list_roles().await;
    let _ = xybern.get_role("x").await;
    let _ = xybern.update_role("x", &role).await;
    let _ = xybern.delete_role("x").await;
    let _ = xybern.assign_role("x", "a").await;
    let _ = xybern.unassign_role("x", "a").await;
    let _ = xybern.list_role_agents("x").await;
    let _ = xybern.list_credentials("x").await;
    let _ = xybern.get_active_credential("x").await;
    let _ = xybern.issue_credential("x", None).await;
    let _ = xybern.rotate_credential("x", &Rotation::default()).await;
    let _ = xybern.revoke_credential("x", None).await;
    let _ = xybern.list_policies().await;
    let _ = xybern.get_policy("x").await;
    let _ = xybern.create_policy(&PolicyDraft::default()).await;
    let _ = xybern.update_policy("x", &PolicyDraft::default()).await;
    let _ = xybern.delete_policy("x").await;
    let _ = xybern.promote_shadow_policy("x").await;
    let _ = xybern.get_shadow_report(None, None).await;
    let _ = xybern.list_policy_packs().await;
    let _ = xybern.get_policy_pack("x").await;
    let _ = xybern.deploy_policy_pack(&PackDraft::default()).await;
    let _ = xybern.validate_policy_pack(&PackDraft::default()).await;
    let _ = xybern.rollback_policy_pack("x", None).await;
    let _ = xybern.list_escalations(&EscalationFilter::all(), Paging::default()).await;
    let _ = xybern.get_escalation("x").await;
    let _ = xybern.get_escalation_status("x").await;
    let _ = xybern.resolve_escalation("x", Resolution::Rejected, None).await;
    let _ = xybern.start_session(&RunDraft::default()).await;
    let _ = xybern.heartbeat("x").await;
    let _ = xybern.end_session("x").await;
    let _ = xybern.create_temporal_window(&WindowDraft::default()).await;
    let _ = xybern.check_temporal_window("x", None).await;
    let _ = xybern.get_temporal_window("x").await;
    let _ = xybern.extend_temporal_window("x", 1).await;
    let _ = xybern.revoke_temporal_window("x", None).await;
    let _ = xybern.list_temporal_windows("x").await;
    let _ = xybern.trigger_breakglass(&BreakglassDraft::default()).await;
    let _ = xybern.list_breakglass().await;
    let _ = xybern.get_breakglass_stats().await;
    let _ = xybern.close_breakglass("x", None).await;
    let _ = xybern.review_breakglass("x", "x", None).await;
    let _ = xybern.delegate(&DelegationDraft::default()).await;
    let _ = xybern.verify_delegation("x", None).await;
    let _ = xybern.revoke_delegation("x", None).await;
    let _ = xybern.list_delegations("x").await;
    let _ = client.export_audit(&ExportOrder::default(), &mut Vec::new()).await;
    let _ = client.list_deliveries(None).await;
}

#[tokio::test]
async fn every_method_takes_its_own_route() {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let note = seen.clone();
    let refuse = async move |method: Method, uri: axum::http::Uri| {
        note.lock().expect("the notes").insert((method.to_string(), uri.path().to_owned()));
        (StatusCode::NOT_FOUND, Json(json!({ "error": { "message": "noted" } })))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/below/", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(refuse)).await });
    let client = Client::builder().url(url).api_key("k").build().expect("a client");

    call_every_method(&client).await;

    let expected: BTreeSet<_> = scopegate_client::routes()
        .map(|(method, path)| {
            let path = path.replace("{id}", "x").replace("{owner}", "x").replace("{name}", "x");
            (method.to_string(), format!("/below{path}"))
        })
        .collect();
    assert_eq!(*seen.lock().expect("the notes"), expected);
}

#[tokio::test]
async fn roles_are_written_and_read() {
    let served = Served::start();
    let admin = served.client("admin");
    let draft =
        RoleDraft::new().with("name", "payer").with("allowed_tools", json!(["pay"])).with("x-team", "red");

    let made = admin.create_role(&draft).await.expect("a role");
    assert_eq!((made.name.as_str(), made.version), ("payer", 1));
    assert_eq!(made.members["x-team"], "red");
    assert!(matches!(admin.create_role(&draft).await, Err(ClientError::Conflict(_))));

    let change = RoleDraft::new().with("max_rows", 5);
    let changed = admin.update_role("payer", &change).await.expect("a change");
    assert_eq!((changed.version, &changed.members["max_rows"]), (2, &json!(5)));
    assert_eq!(changed.members["allowed_tools"], json!(["pay"]), "what is not named stays");
    let reset = RoleDraft::new().with("max_rows", Value::Null);
    assert_eq!(admin.update_role(&made.id, &reset).await.expect("a change").members["max_rows"], 0);

    for found in
        [admin.get_role("payer").await, admin.get_role(&made.id).await, admin.get_role_by_name("payer").await]
    {
        assert_eq!(found.expect("the role").version, 3);
    }
    assert_eq!(admin.list_roles().await.expect("roles").len(), 1);

    let bad = RoleDraft::new().with("name", "other").with("allowed_tools", "pay");
    let Err(ClientError::Invalid(why)) = admin.create_role(&bad).await else { panic!("refused") };
    assert!(why.contains("`allowed_tools`"), "{why}");
    let bad = RoleDraft::new().with("webhook_secret", "whsec_not base64");
    let Err(ClientError::Invalid(why)) = admin.update_role("payer", &bad).await else { panic!("refused") };
    assert!(why.starts_with("`webhook_secret` begins with `whsec_`"), "{why}");
    let child = RoleDraft::new().with("name", "junior").with("parent_role_id", "payer");
    admin.create_role(&child).await.expect("a child");
    assert!(matches!(admin.delete_role("payer").await, Err(ClientError::Conflict(_))));
    admin.delete_role("junior").await.expect("an end");
    admin.delete_role("payer").await.expect("an end");
    assert!(matches!(admin.get_role("payer").await, Err(ClientError::NotFound(_))));
}

#[tokio::test]
async fn mcp_servers_are_registered_and_forgotten() {
    let served = Served::start();
    let (admin, agent) = (served.client("admin"), served.client("agent"));
    let role = RoleDraft::new().with("name", "keeper").with("allowed_tools", json!(["count", "steal"]));
    admin.create_role(&role.with("allowed_mcp_servers", json!(["ware/house"]))).await.expect("a role");
    let session = agent.provision(&Provision::new("keeper")).await.expect("a session");
    let steal = McpCall::new("ware/house", "steal", json!({}));
    agent.mcp_enforce(&session.token, &steal).await.expect("nobody has described the server");

    let put = admin.put_server("ware/house", &Catalogue::of(["count"])).await.expect("a server");
    assert_eq!(admin.get_server("ware/house").await.expect("it"), put);
    assert_eq!((put.name.as_str(), put.tools.len()), ("ware/house", 1));
    assert_eq!(agent.list_servers().await.expect("servers")[0].tools, ["count"]);
    let denied = agent.mcp_enforce(&session.token, &steal).await;
    let code = DenyCode::McpToolNotFound;
    assert!(matches!(&denied, Err(ClientError::Denied(why)) if why.code() == Some(code)), "{denied:?}");

    let twice = admin.put_server("ware/house", &Catalogue::of(["a", "a"])).await;
    assert!(matches!(&twice, Err(ClientError::Invalid(why)) if why.contains("second tool")), "{twice:?}");
    let not_mine = agent.put_server("ware/house", &Catalogue::of(["steal"])).await;
    assert!(matches!(not_mine, Err(ClientError::Forbidden(_))));
    admin.delete_server("ware/house").await.expect("forgotten");
    assert!(matches!(admin.delete_server("ware/house").await, Err(ClientError::NotFound(_))));
    agent.mcp_enforce(&session.token, &steal).await.expect("nobody describes the server");
}

/// Whoever agrees sees which server's tool they agree to, and the role means that one alone.
#[tokio::test]
async fn a_tool_of_one_server_is_held_with_what_it_is_registered_as() {
    let served = Served::start();
    let (admin, agent, approver) =
        (served.client("admin"), served.client("agent"), served.client("approver"));
    let catalogue = Catalogue::of(["count"]);
    for server in ["here", "there"] {
        admin.put_server(server, &catalogue).await.expect("a server");
    }
    let role = RoleDraft::new().with("name", "keeper").with("allowed_tools", json!(["count@here"]));
    let role = role.with("allowed_mcp_servers", json!(["here", "there"]));
    admin.create_role(&role.with("approval_required", json!(["count@here"]))).await.expect("a role");
    let session = agent.provision(&Provision::new("keeper")).await.expect("a session");
    let elsewhere = agent.mcp_enforce(&session.token, &McpCall::new("there", "count", json!({}))).await;
    let code = DenyCode::ScopeViolation;
    assert!(matches!(&elsewhere, Err(ClientError::Denied(why)) if why.code() == Some(code)), "{elsewhere:?}");
    let held = agent.mcp_enforce(&session.token, &McpCall::new("here", "count", json!({}))).await;
    let Err(ClientError::Pending(pending)) = held else { panic!("{held:?}") };
    let shown = approver.get_review(&pending.review).await.expect("a review");
    let registered = scopegate_core::pin::DefinitionDigest::of(&catalogue.tools[0]).expect("a digest");
    assert_eq!(shown.definition, Some(registered.to_string()));
    assert_eq!(shown.server.as_deref(), Some("here"));

    let unregistered = admin.delete_server("here").await;
    unregistered.expect("forgotten");
    let held = agent.mcp_enforce(&session.token, &McpCall::new("here", "count", json!({}))).await;
    let Err(ClientError::Pending(anew)) = held else { panic!("{held:?}") };
    assert_ne!(anew.review, pending.review, "agreement is for one definition");
    assert_eq!(approver.get_review(&anew.review).await.expect("a review").definition, None);
}

#[tokio::test]
async fn sessions_are_opened_judged_and_ended() {
    let served = Served::start();
    let (admin, agent) = (served.client("admin"), served.client("agent"));
    let role = RoleDraft::new().with("name", "payer").with("allowed_tools", json!(["pay"]));
    admin.create_role(&role).await.expect("a role");
    let before = agent.epoch().await.expect("an epoch");

    let session = agent.provision(&Provision::new("payer").for_seconds(600)).await.expect("a session");
    let pay = Call::new("pay", json!({ "to": "bob" })).named("c-1").doing("transfer");
    agent.enforce(&session.token, &pay).await.expect("a permit");
    let Err(ClientError::Denied(denied)) =
        agent.enforce(&session.token, &Call::new("steal", json!({}))).await
    else {
        panic!("denied")
    };
    assert_eq!((denied.code(), denied.severity.as_str()), (Some(DenyCode::ScopeViolation), "medium"));
    let mcp = McpCall::new("files", "pay", json!({}));
    assert!(matches!(agent.mcp_enforce(&session.token, &mcp).await, Err(ClientError::Denied(_))));
    let foreign = agent.enforce(&Token::new("not a token"), &pay).await;
    assert!(matches!(&foreign, Err(ClientError::Denied(why)) if why.code() == Some(DenyCode::JwtInvalid)));
    assert!(matches!(
        agent.enforce(&session.token, &Call::new("pay", json!([]))).await,
        Err(ClientError::Invalid(_))
    ));
    assert!(matches!(agent.provision(&Provision::new("nobody")).await, Err(ClientError::NotFound(_))));

    let seen = agent.get_session(&session.id).await.expect("the session");
    assert_eq!(
        (seen.status, seen.role.as_str(), seen.framework.as_str()),
        (SessionStatus::Active, "payer", "rust")
    );
    admin.suspend(&seen.owner).await.expect("suspended");
    assert_eq!(admin.get_session(&session.id).await.expect("it").status, SessionStatus::Suspended);
    let suspended = agent.enforce(&session.token, &pay).await;
    assert!(
        matches!(&suspended, Err(ClientError::Denied(why)) if why.code() == Some(DenyCode::AgentSuspended))
    );
    admin.readmit(&seen.owner).await.expect("readmitted");
    agent.enforce(&session.token, &pay).await.expect("a permit");

    admin.revoke(&session.id, "the task is done & over").await.expect("revoked");
    admin.revoke(&session.id, "again").await.expect("twice is fine");
    let seen = &admin.list_sessions().await.expect("sessions")[0];
    assert_eq!(
        (seen.status, seen.reason.as_deref()),
        (SessionStatus::Revoked, Some("the task is done & over"))
    );
    let revoked = agent.enforce(&session.token, &pay).await;
    assert!(
        matches!(&revoked, Err(ClientError::Denied(why)) if why.code() == Some(DenyCode::SessionRevoked))
    );
    assert!(matches!(admin.revoke("0".repeat(32).as_str(), "x").await, Err(ClientError::NotFound(_))));

    let after = agent.epoch().await.expect("an epoch");
    assert_eq!(after.incarnation, before.incarnation);
    assert!(after.counter >= before.counter + 3, "{before:?} {after:?}");
}

#[tokio::test]
async fn people_decide_and_the_caller_waits() {
    let served = Served::start();
    let (admin, agent, approver) =
        (served.client("admin"), served.client("agent"), served.client("approver"));
    let role = RoleDraft::new().with("name", "payer").with("allowed_tools", json!(["pay"]));
    admin.create_role(&role.with("approval_required", json!(["pay"]))).await.expect("a role");
    let session = agent.provision(&Provision::new("payer")).await.expect("a session");
    let pay = |n: u64| Call::new("pay", json!({ "amount": n }));
    let hold = async |n| match agent.enforce(&session.token, &pay(n)).await {
        Err(ClientError::Pending(pending)) => pending.review,
        other => panic!("{other:?}"),
    };

    let (first, second, third) = (hold(1).await, hold(2).await, hold(3).await);
    assert_eq!(hold(1).await, first, "the same call waits for the same review");
    let waiting = approver.list_reviews().await.expect("reviews");
    // Opened within one tick of the clock, they may stand in any order.
    let found = |id: &String| waiting.iter().find(|review| review.id == *id).expect("it waits");
    for (id, amount) in [(&first, 1), (&second, 2), (&third, 3)] {
        let review = found(id);
        assert_eq!((&review.arguments, review.status), (&json!({ "amount": amount }), ReviewStatus::Pending));
    }
    assert_eq!(waiting.len(), 3);

    let waiter = {
        let agent = agent.clone();
        let first = first.clone();
        tokio::spawn(async move { agent.wait_for_review(&first, Duration::from_secs(60)).await })
    };
    assert!(
        matches!(agent.approve(&first, "me").await, Err(ClientError::Forbidden(_))),
        "an agent never agrees"
    );
    let approved = approver.approve(&first, "Ann").await.expect("agreed");
    assert_eq!(
        (approved.status, approved.label.as_deref(), approved.used),
        (ReviewStatus::Approved, Some("Ann"), false)
    );
    let waited = waiter.await.expect("no panic").expect("the review");
    assert_eq!(waited.status, ReviewStatus::Approved);
    agent.enforce(&session.token, &pay(1)).await.expect("one permit");
    assert!(agent.get_review(&first).await.expect("it").used);
    assert_ne!(hold(1).await, first, "it works once");

    let rejected = approver.reject(&second, "Ann").await.expect("refused");
    assert_eq!(rejected.status, ReviewStatus::Rejected);
    assert!(matches!(approver.approve(&second, "Ann").await, Err(ClientError::Conflict(_))));
    let denied = agent.enforce(&session.token, &pay(2)).await;
    assert!(
        matches!(&denied, Err(ClientError::Denied(why)) if why.code() == Some(DenyCode::ApprovalRejected))
    );

    let patience = Duration::from_millis(300);
    assert_eq!(agent.wait_for_review(&third, patience).await.expect("it").status, ReviewStatus::Pending);
    assert!(matches!(agent.wait_for_review("0", patience).await, Err(ClientError::NotFound(_))));
}

#[tokio::test]
async fn the_log_comes_as_json_and_as_a_table() {
    let served = Served::start();
    let (dev, auditor) = (served.client("dev"), served.client("auditor"));
    dev.create_role(&RoleDraft::new().with("name", "r").with("allowed_tools", json!(["t"])))
        .await
        .expect("a role");
    let session = dev.provision(&Provision::new("r")).await.expect("a session");
    for n in 0..50 {
        dev.enforce(&session.token, &Call::new("t", json!({ "n": n })).named(n.to_string()))
            .await
            .expect("a permit");
    }
    let export = async |order: ExportOrder| {
        let mut text = Vec::new();
        let bytes = auditor.export_audit(&order, &mut text).await.expect("an export");
        assert_eq!(bytes, text.len() as u64);
        String::from_utf8(text).expect("UTF-8")
    };
    let json: Value =
        serde_json::from_str(&export(ExportOrder::default().reaching_back(1)).await).expect("JSON");
    assert_eq!((json["count"].as_u64(), json["window_hours"].as_u64()), (Some(50), Some(1)));
    let table = export(ExportOrder::new(ExportFormat::Csv)).await;
    assert_eq!(table.lines().count(), 51);
    assert!(table.starts_with("seq,timestamp,"));

    let too_far = ExportOrder::default().reaching_back(721);
    let refused = auditor.export_audit(&too_far, &mut Vec::new()).await;
    assert!(
        matches!(&refused, Err(ClientError::Invalid(why)) if why.contains("window_hours")),
        "{refused:?}"
    );
    let agent = served.client("agent");
    let refused = agent.export_audit(&ExportOrder::default(), &mut Vec::new()).await;
    assert!(matches!(&refused, Err(ClientError::Forbidden(why)) if why.contains("auditor")), "{refused:?}");
}

#[tokio::test]
async fn the_plane_tells_how_it_is() {
    let served = Served::start();
    let nobody = Client::builder().url(&served.plane.url).build().expect("a client");
    let health = nobody.healthz().await.expect("health");
    assert!(health.is_ok());
    assert_eq!(health.audit.as_deref(), Some("durable"));
    assert!(nobody.metrics().await.expect("metrics").contains("# EOF"));
    assert!(matches!(nobody.list_roles().await, Err(ClientError::Unauthorized(_))));
    assert!(matches!(served.with("sb-agt-wrong").list_roles().await, Err(ClientError::Unauthorized(_))));
    let admin = served.client("admin");
    assert_eq!(admin.list_deliveries(None).await.expect("deliveries"), []);
    assert_eq!(admin.list_deliveries(Some(DeliveryStatus::Parked)).await.expect("deliveries"), []);
}
