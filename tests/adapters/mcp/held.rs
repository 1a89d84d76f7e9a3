//! Calls that need a person.

use std::time::Duration;

use scopegate_core::{Event, Reviews};
use serde_json::json;

use crate::support::{ERAS, Era, House, beside, call, is_error, text};

#[tokio::test]
async fn a_held_call_names_its_review_and_runs_once_after_a_yes() {
    for era in ERAS {
        let house = House::new();
        let client = house.client(&house.guard(), era).await;
        let held = call(&client, "pay", json!({"amount": 400})).await.expect("a result");
        let review = house.engine.pending_reviews().remove(0);
        assert!(is_error(&held) && text(&held).contains(&review.id.to_string()), "{held:?}");
        assert_eq!(beside(&held)["code"], "HELD");
        assert_eq!(beside(&held)["guidance"], "await_review");
        assert_eq!(beside(&held)["review"], review.id.to_string());

        // Again is the same review, other arguments are another.
        call(&client, "pay", json!({"amount": 400})).await.expect("a result");
        assert_eq!(house.engine.pending_reviews().len(), 1);
        house.engine.approve(review.id, "dana").await.expect("a pending review");
        assert!(is_error(&call(&client, "pay", json!({"amount": 401})).await.expect("a result")));
        assert!(!is_error(&call(&client, "pay", json!({"amount": 400})).await.expect("a result")));
        assert!(is_error(&call(&client, "pay", json!({"amount": 400})).await.expect("a result")));
        assert_eq!(house.ran(), ["pay"], "{era:?}");
    }
}

#[tokio::test]
async fn a_held_call_is_waited_for_where_that_was_asked() {
    let house = House::new();
    let guard = house.guard().wait_for_review(house.engine.clone(), Duration::from_secs(60));
    let client = house.client(&guard, Era::Modern).await;
    let reviewer = async {
        loop {
            if let Some(review) = house.engine.pending_reviews().first() {
                return house.engine.approve(review.id, "dana").await.expect("a pending review");
            }
            tokio::task::yield_now().await;
        }
    };
    let (result, _) = tokio::join!(call(&client, "pay", json!({"amount": 400})), reviewer);
    assert!(!is_error(&result.expect("a result")));
    assert_eq!(house.events().await, [Event::Hold, Event::Permit, Event::Ran]);
}
