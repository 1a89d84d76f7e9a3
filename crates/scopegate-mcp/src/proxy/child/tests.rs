//! With real programs of the system.

use rmcp::model::{ClientNotification, InitializedNotification, JsonRpcMessage};

use super::*;

fn told() -> (Tell, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let kept = lines.clone();
    (Tell::new(move |line| kept.lock().unwrap().push(line.to_owned())), lines)
}

fn shell(script: &str) -> Program {
    Program::new(["sh", "-c", script])
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let error = Program::new(["no-such-program-here"]).start("s", &Tell::nobody()).err().unwrap();
    assert!(error.to_string().contains("no program `no-such-program-here`"), "{error}");
}

#[tokio::test]
async fn the_environment_is_what_was_allowed() {
    let (tell, lines) = told();
    // CARGO_MANIFEST_DIR is set for tests.
    let (mut pipes, process) = shell("env >&2").env("ASKED_FOR", "yes").start("s", &tell).unwrap();
    assert!(pipes.receive().await.is_none());
    assert_eq!(process.end(), "exit status: 0");
    thread::sleep(Duration::from_millis(300));
    let lines = lines.lock().unwrap().join("\n");
    assert!(lines.contains("[s] ASKED_FOR=yes") && lines.contains("[s] PATH="), "{lines}");
    assert!(!lines.contains("CARGO"), "{lines}");
}

#[tokio::test]
async fn it_ends_with_all_it_started() {
    let folder = std::env::temp_dir().join(format!("scopegate-group-{}", std::process::id()));
    let script = format!("sleep 600 & echo $! > {}; exec sleep 600", folder.display());
    let (mut pipes, process) = shell(&script).start("s", &Tell::nobody()).unwrap();
    let grandchild = loop {
        match std::fs::read_to_string(&folder) {
            Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
            _ => thread::sleep(Duration::from_millis(5)),
        }
    };
    let state = || std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
    assert!(!state().is_empty());
    pipes.hang_up().await;
    drop(process);
    // Whoever adopts it may still have to take notice.
    let gone = || state().is_empty() || state().contains(") Z ");
    let until = Instant::now() + Duration::from_secs(10);
    while !gone() && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(gone(), "{}", state());
    let _ = std::fs::remove_file(folder);
}

#[tokio::test]
async fn one_that_ignores_requests_to_end_is_ended() {
    let (mut pipes, process) =
        shell("trap '' TERM; while :; do sleep 1; done").start("s", &Tell::nobody()).unwrap();
    pipes.hang_up().await;
    assert!(process.end().contains("signal: 9"));
    assert!(process.ended().is_some());
}

#[tokio::test]
async fn one_that_has_hung_up_takes_nothing_more() {
    let (mut pipes, process) = shell("exit 3").start("s", &Tell::nobody()).unwrap();
    assert!(pipes.receive().await.is_none());
    assert_eq!(process.end(), "exit status: 3");
    let message = JsonRpcMessage::notification(ClientNotification::InitializedNotification(
        InitializedNotification::default(),
    ));
    pipes.hang_up().await;
    assert!(pipes.send(&message).await.is_err());
}

#[test]
fn a_server_is_named_by_what_is_run() {
    for (words, name) in [
        (&["mcp-server-time", "--local-timezone", "UTC"][..], "mcp-server-time"),
        (&["/usr/bin/npx", "-y", "@modelcontextprotocol/server-everything"], "server-everything"),
        (&["python3", "-m", "mcp_server_time"], "mcp_server_time"),
        (&["/opt/server.bin"], "server"),
        (&["npx"], "npx"),
    ] {
        assert_eq!(Program::new(words).name(), Some(name));
    }
}
