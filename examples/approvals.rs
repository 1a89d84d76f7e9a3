//! An agent waits for a person, in one process: the agent's task awaits the review while another
//! task looks at what is pending and decides. A yes permits one run of exactly the held call.
//!
//! `cargo run -p scopegate-examples --example approvals`

use std::error::Error;
use std::time::Duration;

use scopegate::{
    Args, Gate, LocalEnforcer, Policy, Principal, Provision, Refusal, ReviewError, Reviews, Role, ToolCall,
};
use tokio::time::sleep;

/// One tool call of the agent, patient enough to wait for an answer.
async fn call(enforcer: &LocalEnforcer, agent: &Principal, args: &str) -> Result<(), Box<dyn Error>> {
    let gate = Gate::new(enforcer.clone());
    let wire = ToolCall::new("wire").with_args(Args::parse(args.to_owned()));
    println!("agent: wire {args}");
    let mut answer = gate.admit(agent, wire.clone()).await;
    if let Err(Refusal::Held(hold)) = &answer {
        println!("held: review {}", hold.review);
        let review = enforcer.await_review(hold.review).await?;
        println!("agent: the review is {:?}", review.state);
        // The yes is not a permit: the same call asks again, and the policy of now decides.
        answer = gate.admit(agent, wire).await;
    }
    match answer {
        Ok(permitted) => {
            permitted
                .run(async |call| {
                    println!("permitted: {} {}", call.tool, call.args.to_json().unwrap_or_default());
                    Ok::<_, Box<dyn Error>>(())
                })
                .await
        }
        Err(Refusal::Denied(denial)) => {
            println!("denied {}: {denial}", denial.code);
            Ok(())
        }
        Err(other) => Err(other.into()),
    }
}

/// Stands for a person at a console: rejects what goes to mallory.
async fn person(reviews: impl Reviews) -> Result<(), ReviewError> {
    loop {
        for review in reviews.pending().await? {
            sleep(Duration::from_millis(200)).await; // reads it, all of it
            let settled = match review.arguments.contains("mallory") {
                true => reviews.reject(review.id, "dana").await?,
                false => reviews.approve(review.id, "dana").await?,
            };
            println!("dana: {} {} is {:?}", settled.tool, settled.arguments, settled.state);
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clerk = Role::new("clerk").allow(["wire"]).require_approval(["wire"]);
    let enforcer = LocalEnforcer::new(Policy::new([clerk]))?;
    let agent = enforcer.open(Provision::new("clerk", "agent-7"))?.principal;
    let person = tokio::spawn(person(enforcer.clone()));

    call(&enforcer, &agent, r#"{"to": "bob", "amount": 400}"#).await?;
    call(&enforcer, &agent, r#"{"to": "mallory", "amount": 400}"#).await?;

    // The agent's owner cannot agree to its own call.
    person.abort();
    let gate = Gate::new(enforcer.clone());
    let call = ToolCall::new("wire").with_args(Args::parse(r#"{"to": "owner"}"#));
    if let Err(Refusal::Held(hold)) = gate.admit(&agent, call).await {
        match enforcer.approve(hold.review, "agent-7").await {
            Err(error) => println!("agent-7 approves: refused, {error}"),
            Ok(review) => return Err(format!("approved by its own owner: {review:?}").into()),
        }
        println!("still waiting: {}", enforcer.pending_reviews().len());
    }
    Ok(())
}
