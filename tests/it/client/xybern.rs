//! The methods of Xybern's clients, on a plane.

use scopegate_client::xybern::{
    Action, AgentDraft, AgentMessage, AgentRoleDraft, CredentialStatus, DecisionQuery, Paging, Rotation, Word,
};
use scopegate_client::{Call, ClientError, Provision, RoleDraft};
use serde_json::json;

use super::Served;

#[tokio::test]
async fn agents_are_registered_found_changed_and_deactivated() {
    let served = Served::start();
    let (admin, agent) = (served.client("admin"), served.client("agent"));
    let xybern = admin.xybern();
    let draft = AgentDraft::named("TradeBot").of_framework("langchain").described("trades");
    let made = xybern.register_agent(&draft).await.expect("an agent");
    let credential = made.credential.as_ref().expect("a credential");
    let private = credential.private_key.as_ref().expect("a private key");
    assert!(private.reveal().contains("PRIVATE KEY"));
    let secret = private.reveal().lines().nth(1).expect("the key");
    assert!(!format!("{made:?}").contains(secret), "it is not printed by accident");
    let id = made.agent.agent_id.as_str();
    assert_eq!((credential.agent_id.as_str(), credential.status), (id, CredentialStatus::Active));

    let found = agent.xybern().register_agent(&draft).await.expect("it is found");
    assert_eq!((found.agent.agent_id.as_str(), found.credential), (id, None), "not its own");
    let known = xybern.register_agent(&draft).await.expect("it is found").credential.expect("the one in use");
    assert_eq!((known.credential_id.as_str(), known.private_key), (credential.credential_id.as_str(), None));
    let new = agent.xybern().register_agent(&AgentDraft::named("another")).await;
    assert!(matches!(&new, Err(ClientError::Forbidden(why)) if why.contains("kind admin")), "{new:?}");

    let change = AgentDraft::default().described("trades less");
    let changed = xybern.update_agent(id, &change).await.expect("a change");
    assert_eq!((changed.description.as_deref(), changed.name.as_str()), (Some("trades less"), "TradeBot"));
    assert_eq!(xybern.get_agent(id).await.expect("it"), changed);
    let page = agent.xybern().list_agents(Paging::new(1, 10)).await.expect("a page");
    assert_eq!((page.total, page.agents.as_slice()), (1, [changed].as_slice()));
    assert_eq!(xybern.list_agents(Paging::new(2, 10)).await.expect("a page").agents, []);
    let bad = xybern.list_agents(Paging::new(0, 10)).await;
    assert!(matches!(&bad, Err(ClientError::Invalid(why)) if why.starts_with("`page`")), "{bad:?}");

    assert!(!xybern.deactivate_agent(id).await.expect("an end").is_active);
    assert!(matches!(xybern.get_agent("agent_nobody").await, Err(ClientError::NotFound(_))));
    assert!(matches!(agent.xybern().deactivate_agent(id).await, Err(ClientError::Forbidden(_))));
}

#[tokio::test]
async fn what_an_agent_did_is_told() {
    let served = Served::start();
    let admin = served.client("admin");
    let made = admin.xybern().register_agent(&AgentDraft::named("bot")).await.expect("an agent");
    let id = made.agent.agent_id.as_str();
    // A key that carries the agent's id acts for it too.
    let args = ["keys", "create", "--kind", "agent", "--name", id, "--data"];
    let bot = served.with(crate::served::scopegate(&args, served.data()).trim());
    let role = RoleDraft::new().with("name", "payer").with("allowed_tools", json!(["pay"]));
    admin.create_role(&role).await.expect("a role");
    let session = bot.provision(&Provision::new("payer")).await.expect("a session");
    assert!(bot.enforce(&session.token, &Call::new("steal", json!({}))).await.is_err());
    // A permit waits for its record, and so for those before it.
    bot.enforce(&session.token, &Call::new("pay", json!({}))).await.expect("a permit");

    let history = bot.xybern().get_agent_history(id, Paging::default()).await.expect("its history");
    let told: Vec<_> =
        history.history.iter().map(|one| (one.decision.as_str(), one.action_type.as_str())).collect();
    assert_eq!((told.as_slice(), history.total), ([("allow", "pay"), ("block", "steal")].as_slice(), 2));
    let said = bot.xybern().get_agent_communications(id, Paging::default()).await.expect("what it said");
    assert_eq!((said.communications.len(), said.total), (0, 0));
}

#[tokio::test]
async fn credentials_follow_each_other() {
    let served = Served::start();
    let admin = served.client("admin");
    let xybern = admin.xybern();
    let made = xybern.register_agent(&AgentDraft::named("bot")).await.expect("an agent");
    let id = made.agent.agent_id.as_str();
    let first = made.credential.expect("a credential");
    assert!(matches!(xybern.issue_credential(id, None).await, Err(ClientError::Conflict(_))));
    let rotation = Rotation::default().with_grace(60).because("quarterly").for_days(7);
    let second = xybern.rotate_credential(id, &rotation).await.expect("another");
    assert!(second.private_key.is_some());
    let statuses: Vec<_> =
        xybern.list_credentials(id).await.expect("all").iter().map(|one| one.status).collect();
    assert_eq!(statuses, [CredentialStatus::Active, CredentialStatus::Retiring]);
    let active = xybern.get_active_credential(id).await.expect("the one in use");
    assert_eq!((active.credential_id.as_str(), active.private_key), (second.credential_id.as_str(), None));
    for credential in [&first, &second] {
        let over = xybern.revoke_credential(&credential.credential_id, Some("leaked")).await.expect("an end");
        assert_eq!((over.status, over.reason.as_deref()), (CredentialStatus::Revoked, Some("leaked")));
    }
    assert!(matches!(xybern.get_active_credential(id).await, Err(ClientError::NotFound(_))));
    let third = xybern.issue_credential(id, Some(30)).await.expect("another");
    assert_eq!(third.status, CredentialStatus::Active);
}

#[tokio::test]
async fn actions_are_decided_under_roles_and_found_again() {
    let served = Served::start();
    let (admin, agent) = (served.client("admin"), served.client("agent"));
    let made = admin.xybern().register_agent(&AgentDraft::named("bot")).await.expect("an agent").agent;
    let id = made.agent_id.as_str();
    let pay = Action::new("pay:invoice").by(id).with_content("5 to ann").with_metadata("amount", 5);
    let told = agent.xybern().intercept(&pay).await.expect("an answer");
    assert_eq!((told.decision, told.deny_code.as_deref()), (Word::Block, Some("SCOPE_VIOLATION")));
    let draft = AgentRoleDraft::named("payer").allow(["pay:*"]).deny(["pay:all"]).trusting(40);
    let role = admin.xybern().create_role(&draft).await.expect("a role");
    assert_eq!((role.allowed_action_types, role.min_trust_level), (vec!["pay:*".to_owned()], Some(40)));
    let holder = admin.xybern().assign_role(&role.role_id, id).await.expect("it is assigned");
    assert_eq!(holder.roles, [role.role_id.as_str()]);
    let told = agent.xybern().intercept(&pay).await.expect("an answer");
    assert!(told.is_allowed() && told.roles == ["payer"], "{told:?}");
    let batch = [pay.clone().called("first"), Action::new("pay:all").by(id), Action::new("read").by(id)];
    let batch = agent.xybern().batch_intercept(&batch).await.expect("answers");
    let words: Vec<_> = batch.results.iter().map(|one| one.decision).collect();
    assert_eq!((words, batch.allowed), (vec![Word::Allow, Word::Block, Word::Block], 1));
    assert_eq!(batch.results[0].reference, Some(json!("first")));
    let said = AgentMessage::new(id, "agent_other", "file it");
    let said = agent.xybern().intercept_agent_comm(&said).await.expect("an answer");
    assert_eq!((said.decision, said.target_agent_id.as_deref()), (Word::Block, Some("agent_other")));

    let query = DecisionQuery::default().that_say(Word::Allow).by(id).on(Paging::new(1, 1));
    let page = admin.xybern().list_decisions(&query).await.expect("decisions");
    assert_eq!((page.total, page.decisions.len()), (2, 1));
    let one = page.decisions[0].decision_id.clone().expect("an id");
    assert_eq!(admin.xybern().get_decision(&one).await.expect("it"), page.decisions[0]);
    let stats = admin.xybern().get_stats().await.expect("counts");
    assert_eq!((stats.total_decisions, stats.allowed, stats.blocked), (6, 2, 4));
    assert_eq!(admin.xybern().list_role_agents("payer").await.expect("agents").len(), 1);
    let refused = admin.xybern().delete_role("payer").await;
    assert!(matches!(&refused, Err(ClientError::Conflict(why)) if why.contains("unassign")), "{refused:?}");
    assert!(admin.xybern().unassign_role("payer", id).await.expect("it").roles.is_empty());
    admin.xybern().delete_role("payer").await.expect("an end");
}
