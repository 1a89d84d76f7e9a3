//! The agent's side: recorded calls over HTTP, one connection, one session a task.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::suite::{Call, Suite};
use crate::answer::Verdict;
use crate::cmd::replay::Replayed;
use crate::exit::Failure;

type Body = Full<axum::body::Bytes>;

/// Sends calls to one suite.
pub(super) struct Driver<'a> {
    suite: &'a Suite,
    addr: SocketAddr,
    client: Client<HttpConnector, Body>,
    tokens: Mutex<HashMap<String, String>>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(suite: &'a Suite, addr: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { suite, addr, client, tokens: Mutex::default() }
    }

    /// Sends a call and reads the answer.
    pub(super) async fn send(&self, call: Call) -> Result<Replayed, Failure> {
        let token = self.token(&format!("{}-{}", call.kind, call.task))?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}/{}/tools/{}", self.addr, self.suite.name, call.tool))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(call.args.to_string()))
            .map_err(Failure::no_answer)?;
        let response = self.client.request(request).await.map_err(Failure::no_answer)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(Failure::no_answer)?.to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |member: &str| body.get(member).and_then(Value::as_str).map(str::to_owned);
        let (verdict, code, reason) = match status {
            StatusCode::OK => (Verdict::Permit, None, None),
            StatusCode::ACCEPTED => {
                (Verdict::Hold, None, Some("a person has to agree to this call".to_owned()))
            }
            _ => (Verdict::Deny, text("code"), text("detail").or_else(|| Some(status.to_string()))),
        };
        Ok(Replayed::new(
            call.line,
            (call.kind, call.task, call.step),
            call.tool.into(),
            (verdict, code, reason),
        ))
    }

    fn token(&self, task: &str) -> Result<String, Failure> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get(task) {
            return Ok(token.clone());
        }
        let token = self.suite.session(task)?.token().to_owned();
        tokens.insert(task.to_owned(), token.clone());
        Ok(token)
    }
}
