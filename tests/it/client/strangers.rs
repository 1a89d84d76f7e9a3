//! What is no plane, or one that cannot answer: each kind of trouble has a name of its own.

use std::time::Duration;

use scopegate_client::{Call, Client, ClientError, ExportOrder, Outage, Token};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn client(url: &str) -> Client {
    let builder = Client::builder().url(url).api_key("sb-agt-secret").timeout(Duration::from_millis(500));
    builder.build().expect("a client")
}

/// Something that reads a request, says this, and hangs up or not.
async fn says(answer: impl Into<Vec<u8>>, hang_up: bool) -> Client {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&answer).await;
                match hang_up {
                    true => drop(stream),
                    false => std::future::pending().await,
                }
            });
        }
    });
    client(&url)
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn ask(client: &Client) -> ClientError {
    let asked = client.enforce(&Token::new("t"), &Call::new("pay", json!({}))).await;
    asked.expect_err("nobody permits this")
}

#[tokio::test]
async fn outages_are_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let error = ask(&client(&format!("http://{free}"))).await;
    assert!(matches!(error, ClientError::Unavailable { outage: Outage::Connect, .. }), "{error:?}");
    let error = ask(&client("https://no-such-host.invalid")).await;
    assert!(matches!(error, ClientError::Unavailable { outage: Outage::Connect, .. }), "{error:?}");
    let error = ask(&client("https://localhost:1")).await;
    assert!(matches!(error, ClientError::Unavailable { outage: Outage::Connect, .. }), "{error:?}");
    let error = ask(&says("", true).await).await;
    assert!(matches!(error, ClientError::Unavailable { outage: Outage::Lost, .. }), "{error:?}");
    for status in ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"] {
        let error = ask(&says(http(status, "<html>busy</html>"), true).await).await;
        let expected: u16 = status[..3].parse().expect("a number");
        assert!(
            matches!(error, ClientError::Unavailable { outage: Outage::Status(n), .. } if n == expected),
            "{error:?}"
        );
    }
    let permit = r#"{"decision":"allow"}"#;
    let error = ask(&says(http("503 Service Unavailable", permit), true).await).await;
    assert!(error.is_outage(), "{error:?}");
}

#[tokio::test]
async fn silence_is_a_timeout_wherever_it_begins() {
    for beginning in
        ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"decision\":"]
    {
        let silent = says(beginning, false).await;
        let error = ask(&silent).await;
        // An answer that began is lost: somebody has decided.
        let begun = beginning.contains("\r\n\r\n");
        let lost = matches!(error, ClientError::Unavailable { outage: Outage::Lost, .. });
        assert!(
            lost == begun && (begun || matches!(error, ClientError::Timeout(_))),
            "{beginning}: {error:?}"
        );
        let error = silent.export_audit(&ExportOrder::default(), &mut Vec::new()).await.expect_err("silence");
        let lost = matches!(error, ClientError::Unavailable { outage: Outage::Lost, .. });
        assert!((begun && lost) || matches!(error, ClientError::Timeout(_)), "{beginning}: {error:?}");
    }
}

#[tokio::test]
async fn what_no_plane_says_is_shown() {
    for (answer, shown) in [
        (http("200 OK", "<html>log in first</html>"), "log in first"),
        (http("200 OK", ""), "``"),
        (http("404 Not Found", "<html>no such page</html>"), "no such page"),
        (http("403 Forbidden", "nginx"), "nginx"),
        (http("500 Internal Server Error", "oops"), "oops"),
        (http("302 Found", ""), "status 302"),
        (http("200 OK", r#"{"decision":"maybe"}"#), "no verdict"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"decision\":\"allow\"}".to_owned(), "status 200"),
    ] {
        let error = ask(&says(answer.clone(), true).await).await;
        assert!(matches!(error, ClientError::Garbage { .. }), "{answer}: {error:?}");
        let told = error.to_string();
        assert!(told.contains(shown) && !told.contains("secret"), "{told}");
    }
}

#[tokio::test]
async fn a_redirect_does_not_take_the_key_along() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let elsewhere = listener.local_addr().expect("an address");
    let moved = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\n\r\n"
    );
    let error = ask(&says(moved, true).await).await;
    assert!(matches!(error, ClientError::Garbage { status: 307, .. }), "{error:?}");
    let asked = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(asked.is_err(), "nobody went there");
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let chunk = vec![b' '; 1 << 20];
        while stream.write_all(&chunk).await.is_ok() {}
    });
    let patient = Client::builder().url(url).timeout(Duration::from_secs(60)).build().expect("a client");
    let error = patient.list_roles().await.expect_err("too long");
    assert!(matches!(&error, ClientError::Garbage { why, .. } if why == "it is too long"), "{error:?}");
}

#[tokio::test]
async fn answers_grow_and_do_not_shrink() {
    let role =
        r#"{"id":"1","name":"r","version":1,"updated_at":"2026-11-21T06:16:00.000Z","later":{"a":[1]}}"#;
    let wiser = says(http("200 OK", role), true).await;
    assert_eq!(wiser.get_role("r").await.expect("a role").members["later"], json!({ "a": [1] }));
    for lacking in [
        role.replace(r#""id":"1","#, ""),
        role.replace(r#""version":1"#, r#""version":"1""#),
        role.replace("2026-11-21", "yesterday"),
        format!("[{role}]"),
    ] {
        let error = says(http("200 OK", &lacking), true).await.get_role("r").await.expect_err("not a role");
        assert!(matches!(error, ClientError::Garbage { .. }), "{lacking}: {error:?}");
    }
}
