//! The main job: `scopegate demo`, over real HTTP.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{binary, root, scopegate};

/// What each tool that reaches other people, or cannot be undone, must meet for a user's task.
const HELD: &[&str] = &[
    "send_email",
    "share_file",
    "delete_file",
    "create_calendar_event",
    "reschedule_calendar_event",
    "add_calendar_event_participants",
    "send_direct_message",
    "send_channel_message",
    "invite_user_to_slack",
    "add_user_to_channel",
    "post_webpage",
];

#[test]
fn recorded_calls_meet_what_a_careful_user_would_want() {
    let run = scopegate(&["demo", "--once", "--addr", "127.0.0.1:0", "--output", "json"]);
    run.assert(0, "", "");
    let answers = run.json();
    let lines = |file: &str| std::fs::read_to_string(root().join(file)).expect(file).lines().count();
    let recorded = lines("examples/agentdojo/workspace.jsonl") + lines("examples/agentdojo/slack.jsonl");
    assert_eq!(answers.len(), recorded);

    let mut injections: BTreeMap<String, bool> = BTreeMap::new();
    // The two suites number their tasks alike; the office assistant's trace comes first.
    let workspace = lines("examples/agentdojo/workspace.jsonl");
    for (answer, index) in answers.iter().zip(0..) {
        let text = |member: &str| answer[member].as_str().unwrap_or_default();
        match text("kind") {
            "user" => {
                let wanted = if HELD.contains(&text("tool")) { "hold" } else { "permit" };
                assert_eq!(text("verdict"), wanted, "{answer}");
            }
            _ => {
                let task = format!("{} {}", index < workspace, text("task"));
                *injections.entry(task).or_default() |= text("verdict") != "permit";
            }
        }
    }
    assert_eq!(injections.len(), 11);
    assert!(injections.values().all(|stopped| *stopped), "{injections:?}");
}

#[test]
fn serves_on_with_tokens_and_commands_that_work() {
    let demo = Demo::start();
    // Every command that is printed, with the answer its heading promises.
    for (tool, args, status, part) in [
        ("workspace/tools/list_files", "{}", 200, r#""ran":"list_files""#),
        ("slack/tools/get_webpage", r#"{"url": "www.example.org"}"#, 403, "PARAMETER_VIOLATION"),
        ("slack/tools/remove_user_from_slack", r#"{"user": "Bob"}"#, 403, "SCOPE_VIOLATION"),
        (
            "slack/tools/get_webpage",
            r#"{"url": "www.informations.com", "url": "www.example.org"}"#,
            403,
            "INVALID_ARGUMENTS",
        ),
    ] {
        let token = if tool.starts_with("slack") { "SLACK" } else { "WORKSPACE" };
        demo.post(tool, Some(token), args).assert(status, part);
    }
    demo.post("workspace/tools/list_files", None, "").assert(401, "NO_SESSION");
}

#[test]
fn a_held_call_runs_once_after_a_person_agreed() {
    let demo = Demo::start();
    let call = ("workspace/tools/delete_file", r#"{"file_id": "13"}"#);
    let held = demo.post(call.0, Some("WORKSPACE"), call.1);
    held.assert(202, "HELD");
    let place = held.header("location").expect("where the review stands");
    let id = place.rsplit('/').next().expect("an id").to_owned();
    demo.get(place.trim_start_matches('/'), None).assert(200, "pending");

    demo.get("workspace/reviews", Some("WORKSPACE")).assert(401, "JWT_INVALID"); // an agent is no reviewer
    demo.post(&format!("workspace/reviews/{id}/approve"), Some("WORKSPACE"), "").assert(401, "JWT_INVALID");
    demo.get("workspace/reviews", Some("REVIEWER")).assert(200, r#"{\"file_id\":\"13\"}"#);
    demo.post(&format!("workspace/reviews/{id}/approve"), Some("REVIEWER"), "").assert(200, "approved");
    demo.post(&format!("workspace/reviews/{id}/approve"), Some("REVIEWER"), "").assert(409, "already");

    demo.post("workspace/tools/delete_file", Some("WORKSPACE"), r#"{"file_id": "14"}"#).assert(202, "HELD");
    demo.post(call.0, Some("WORKSPACE"), call.1).assert(200, r#""ran":"delete_file""#);
    demo.post(call.0, Some("WORKSPACE"), call.1).assert(202, "HELD");
    demo.post("workspace/reviews/nothing/approve", Some("REVIEWER"), "").assert(404, "no such review");
}

#[test]
fn stays_on_this_machine() {
    scopegate(&["demo", "--addr", "0.0.0.0:8787"]).assert(2, "", "loopback");
    scopegate(&["demo", "--addr", "here"]).assert(2, "", "127.0.0.1:8787");
}

/// A running demo; ended when dropped.
struct Demo {
    child: Child,
    addr: String,
    tokens: BTreeMap<String, String>,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Demo {
    fn start() -> Self {
        let mut command = Command::new(binary());
        command.args(["demo", "--addr", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the demo starts");
        let mut lines =
            BufReader::new(child.stdout.take().expect("stdout")).lines().map(|line| line.expect("a line"));
        let serving = lines.find(|line| line.starts_with("Serving on http://")).expect("it serves on");
        let addr = serving
            .trim_start_matches("Serving on http://")
            .split(' ')
            .next()
            .expect("an address")
            .to_owned();
        let mut tokens = BTreeMap::new();
        for line in lines {
            if let Some((name, token)) =
                line.trim().split_once('=').filter(|(_, token)| token.starts_with("sgs_"))
            {
                tokens.insert(name.to_owned(), token.to_owned());
            }
            if line.starts_with("# no token") {
                break; // everything needed has been said
            }
        }
        Self { child, addr, tokens }
    }

    fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.send("GET", path, token, "")
    }

    fn post(&self, path: &str, token: Option<&str>, body: &str) -> Answer {
        self.send("POST", path, token, body)
    }

    fn send(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        let credential =
            token.map(|name| format!("Authorization: Bearer {}\r\n", self.tokens[name])).unwrap_or_default();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let request = format!(
            "{method} /{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{credential}{kind}Content-Length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.addr).expect("a connection");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Answer {
    #[track_caller]
    fn assert(&self, status: u16, part: &str) {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        let flat: Result<Value, _> = serde_json::from_str(&self.body);
        let shown = flat.map_or_else(|_| self.body.clone(), |value| value.to_string());
        assert!(self.body.contains(part) || shown.contains(part), "`{part}` is not in {}", self.body);
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}
