//! Events of a running plane, as their receiver verifies them.

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use scopegate_client::webhook::{SignatureError, Standard, verify};
use scopegate_client::{Call, ClientError, DeliveryStatus, Provision, RoleDraft};
use serde_json::json;
use tokio::sync::mpsc;

use super::Served;

/// A receiver of events, and where it is.
async fn receiver() -> (String, mpsc::Receiver<(HeaderMap, Bytes)>) {
    let (sender, events) = mpsc::channel(16);
    let take = async move |headers: HeaderMap, body: Bytes| {
        let _ = sender.send((headers, body)).await;
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(take))).await });
    (url, events)
}

#[tokio::test]
async fn an_event_of_the_plane_fits_in_every_style() {
    let served = Served::start_with(&["--allow-private-webhooks"]);
    let dev = served.client("dev");
    for secret in ["a plain secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        let (url, mut events) = receiver().await;
        let role = RoleDraft::new().with("name", secret.len().to_string()).with("webhook_url", url);
        let role = dev.create_role(&role.with("webhook_secret", secret)).await.expect("a role");
        assert!(!format!("{role:?}").contains(secret), "a secret is not shown");
        let session = dev.provision(&Provision::new(role.name.as_str())).await.expect("a session");
        let denied = dev.enforce(&session.token, &Call::new("steal", json!({})).named("c-9")).await;
        assert!(matches!(denied, Err(ClientError::Denied(_))));

        let (headers, body) = events.recv().await.expect("an event");
        let header = |name: &str| headers[name].to_str().expect("text");
        let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
        let now = at.parse().expect("seconds");
        let standard = |now| Standard::new(id, at, header("webhook-signature"), now);
        assert_eq!(verify(&body, secret, header("x-scopebound-signature")), Ok(()));
        assert_eq!(verify(&body, secret, standard(now)), Ok(()));
        assert_eq!(verify(&body, secret, standard(now + 301)), Err(SignatureError::Stale));
        assert_eq!(verify(&body, "another", standard(now)), Err(SignatureError::Mismatch));
        let changed = body.iter().map(|byte| byte ^ u8::from(*byte == b'9')).collect::<Vec<_>>();
        assert_eq!(verify(&changed, secret, standard(now)), Err(SignatureError::Mismatch));
        let mismatch = verify(&changed, secret, header("x-scopebound-signature"));
        assert_eq!(mismatch, Err(SignatureError::Mismatch));

        let delivery = loop {
            let delivered = dev.list_deliveries(Some(DeliveryStatus::Delivered)).await.expect("deliveries");
            if let Some(found) = delivered.into_iter().find(|delivery| delivery.id == id) {
                break found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        };
        assert_eq!((delivery.attempts, delivery.role_id), (1, role.id));
    }
}
