//! A swarms agent behind a guard: a mail that it reads asks for a payment and for a handoff, a payment
//! that the user wants needs a person, and a small one just runs. The model is a script.
//!
//! `cargo run -p scopegate-swarms-tests --example swarms_agent`

use std::collections::VecDeque;
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use scopegate_core::{Provision, Reviews};
use scopegate_engine::{LocalEnforcer, Policy};
use scopegate_swarms::{AgentBuilder, Guard};
use serde::Deserialize;
use serde_json::json;
use swarms_rs::Agent;
use swarms_rs::llm::completion::AssistantContent;
use swarms_rs::llm::request::{CompletionRequest, CompletionResponse, ToolDefinition};
use swarms_rs::llm::{CompletionError, Model};
use swarms_rs::structs::tool::Tool;
use tokio::time::sleep;

const POLICY: &str = "
version: 1
roles:
  - name: clerk
    allowed_tools: [pay]
    parameter_constraints: {pay: [{field: to, operator: in, value: [bob, carol]}]}
    approval_unless: {pay: [{field: amount, operator: lte, value: 100}]}
";

struct Pay;

#[derive(Deserialize)]
struct Payment {
    to: String,
    amount: u64,
}

impl Tool for Pay {
    const NAME: &'static str = "pay";
    type Args = Payment;
    type Output = String;
    type Error = std::fmt::Error;

    fn definition(&self) -> ToolDefinition {
        let parameters = json!({"type": "object"});
        ToolDefinition { name: "pay".to_owned(), description: "Pays somebody.".to_owned(), parameters }
    }

    async fn call(&self, payment: Payment) -> Result<String, std::fmt::Error> {
        println!("paid: {} {}", payment.to, payment.amount);
        Ok("paid".to_owned())
    }
}

/// What the model would do, whatever it is told.
#[derive(Clone, Default)]
struct Script {
    turns: Arc<Mutex<VecDeque<AssistantContent>>>,
    asked: Arc<Mutex<usize>>,
}

impl Model for Script {
    type RawCompletionResponse = ();

    fn completion(
        &self,
        _: CompletionRequest,
    ) -> Pin<Box<dyn Future<Output = Result<CompletionResponse<()>, CompletionError>> + Send + '_>> {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let turn = self.turns.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let choice = vec![turn.unwrap_or_else(|| AssistantContent::text("Bob and Carol are paid. <END>"))];
        Box::pin(async move { Ok(CompletionResponse { choice, raw_response: () }) })
    }
}

/// Stands for a person at a console.
async fn person(enforcer: LocalEnforcer) {
    loop {
        for review in enforcer.pending_reviews() {
            println!("dana approves {} {}", review.tool, review.arguments);
            let _ = enforcer.approve(review.id, "dana").await;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let enforcer = LocalEnforcer::new(POLICY.parse::<Policy>()?)?;
    tokio::spawn(person(enforcer.clone()));
    let call = |tool: &str, args| AssistantContent::tool_call("1", tool, args);
    let (model, accountant) = (Script::default(), Script::default());
    model.turns.lock().unwrap_or_else(PoisonError::into_inner).extend([
        call("pay", json!({"to": "mallory", "amount": 4000})),
        call("transfer_to_accountant", json!({"task": "pay mallory"})),
        call("pay", json!({"to": "bob", "amount": 40})),
        call("pay", json!({"to": "carol", "amount": 400})),
    ]);

    // Whoever calls: the session opens when it is needed, a held call waits for a person.
    let guard = Guard::opening(enforcer.clone(), Provision::new("clerk", "agent-7"))
        .wait_for_review(enforcer.clone(), Duration::from_secs(60))
        .tell(|refusal| println!("not run: {} {}", refusal.notice.code, refusal.tool));
    let narrower = guard.sub_agent(enforcer, Provision::new("clerk", "agent-8"));
    let other = AgentBuilder::new(accountant.clone(), narrower);
    let other = other.settings(|swarms| swarms.agent_name("accountant")).add_tool(Pay).build()?;
    let agent = AgentBuilder::new(model, guard.clone())
        .settings(|swarms| swarms.agent_name("clerk").max_loops(8).add_stop_word("<END>"))
        .add_tool(Pay)
        .add_handoff(other)
        .build()?;
    println!("{}", agent.run("Pay what is due.".to_owned()).await?);
    let asked = *accountant.asked.lock().unwrap_or_else(PoisonError::into_inner);
    println!("the accountant was asked {asked} times");
    guard.close().await?;
    Ok(())
}
