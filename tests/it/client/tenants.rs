//! Whatever belongs to another tenant looks as if it did not exist.

use scopegate_client::{Call, ClientError, Provision, RoleDraft, Token};
use serde_json::json;

use super::Served;
use crate::served::tenant;

/// The words, so that they can be compared with those about what nobody has.
fn unknown<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> String {
    match answer {
        Err(ClientError::NotFound(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn foreign_ids_look_unknown() {
    let served = Served::start();
    tenant(served.data(), "acme");
    let ours = served.client("dev");
    let role = RoleDraft::new().with("name", "payer").with("allowed_tools", json!(["pay"]));
    let role = ours.create_role(&role.with("approval_required", json!(["pay"]))).await.expect("a role");
    let session = ours.provision(&Provision::new("payer")).await.expect("a session");
    let pay = Call::new("pay", json!({}));
    let Err(ClientError::Pending(pending)) = ours.enforce(&session.token, &pay).await else { panic!("held") };

    for kind in ["dev", "admin", "agent", "approver", "auditor"] {
        let theirs = served.client_of("acme", kind);
        let nobodys = "7".repeat(32);
        if matches!(kind, "dev" | "admin") {
            let draft = RoleDraft::new().with("max_rows", 1);
            assert_eq!(
                unknown(theirs.update_role(&role.id, &draft).await),
                unknown(theirs.update_role("no", &draft).await)
            );
            assert_eq!(unknown(theirs.delete_role("payer").await), unknown(theirs.delete_role("no").await));
            assert_eq!(theirs.list_deliveries(None).await.expect("none"), []);
        }
        if matches!(kind, "dev" | "admin" | "agent") {
            assert_eq!(
                unknown(theirs.revoke(&session.id, "x").await),
                unknown(theirs.revoke(&nobodys, "x").await)
            );
        }
        if kind != "approver" {
            assert_eq!(
                unknown(theirs.get_session(&session.id).await),
                unknown(theirs.get_session(&nobodys).await)
            );
        }
        if matches!(kind, "dev" | "approver") {
            let (foreign, missing) =
                (theirs.approve(&pending.review, "").await, theirs.approve(&nobodys, "").await);
            assert_eq!(unknown(foreign), unknown(missing));
            let (foreign, missing) =
                (theirs.reject(&pending.review, "").await, theirs.reject(&nobodys, "").await);
            assert_eq!(unknown(foreign), unknown(missing));
        }
        if matches!(kind, "dev" | "agent") {
            assert_eq!(unknown(theirs.provision(&Provision::new("payer")).await), "no such role");
            let asked = theirs.enforce(&session.token, &pay).await;
            let invented = theirs.enforce(&Token::new("x"), &pay).await;
            let (Err(ClientError::Denied(asked)), Err(ClientError::Denied(invented))) = (asked, invented)
            else {
                panic!("denied")
            };
            assert_eq!((asked.deny_code, asked.reason), (invented.deny_code, invented.reason));
        }
        assert_eq!(unknown(theirs.get_role(&role.id).await), unknown(theirs.get_role("no").await));
        assert_eq!(unknown(theirs.get_role_by_name("payer").await), "no such role");
        assert_eq!(
            unknown(theirs.get_review(&pending.review).await),
            unknown(theirs.get_review(&nobodys).await)
        );
        assert_eq!(theirs.list_roles().await.expect("none"), []);
        assert_eq!(theirs.list_reviews().await.expect("none"), []);
    }
    assert_eq!(ours.get_role("payer").await.expect("untouched").version, 1);
    assert_eq!(ours.list_reviews().await.expect("untouched").len(), 1);
}

/// At once, and not only when the plane looks the next time.
#[tokio::test]
async fn a_tenant_made_beside_the_plane_is_known_when_first_used() {
    let served = Served::start();
    for n in 0..5 {
        let name = format!("tenant-{n}");
        tenant(served.data(), &name);
        let dev = served.client_of(&name, "dev");
        assert_eq!(dev.list_roles().await.expect("its roles"), [], "{name}");
    }
}
