//! Hosts of URLs: whatever passes has an allowed host to every reader.

use std::net::IpAddr;

use scopegate_core::constraint::Program;
use scopegate_core::json::{Document, Json};
use scopegate_core::{Constraint, Operator};
use serde_json::{Value, json};

use super::{ask, guarded};

#[test]
fn addresses_and_hosts_through_the_engine() {
    for (operator, value, passing, failing) in [
        ("cidr", json!("10.0.0.0/8"), "10.9.8.7", "11.0.0.1"),
        ("cidr", json!(["10.0.0.0/8", "2001:db8::/32"]), "2001:db8::7", "::ffff:10.0.0.1"),
        ("url_host", json!("example.com"), "https://example.com/a", "https://example.com@evil.com/"),
        ("url_host", json!(["*.example.com", "intern"]), "a.example.com:80", "example.com"),
    ] {
        let world = guarded(json!([{"field": "f[*]", "operator": operator, "value": value}]));
        assert_eq!(ask(&world, json!({"f": [passing]}).to_string()), "PERMIT", "{passing}");
        assert_eq!(ask(&world, json!({"f": [failing]}).to_string()), "PARAMETER_VIOLATION", "{failing}");
        assert_eq!(ask(&world, json!({"f": [passing, failing]}).to_string()), "PARAMETER_VIOLATION");
    }
}

/// Whether the URL passes for `example.com`, what is below it, and two addresses.
fn passes(program: &Program, url: &str) -> bool {
    let text = json!({"u": url}).to_string();
    let document = Document::read(text).expect("JSON");
    let Json::Object(args) = document.root().get() else { panic!("an object") };
    program.check(&args).is_ok()
}

fn is_allowed(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let addresses = ["127.0.0.1", "2001:db8::1"].map(|text| text.parse().ok());
    host == "example.com"
        || host.ends_with(".example.com")
        || (address.is_some() && addresses.contains(&address))
}

/// Every combination of the parts below, before parsers of two standards: WHATWG's and RFC 3986's.
#[test]
fn two_other_readers_find_the_same_host() {
    let hosts: Value = json!(["example.com", "*.example.com", "127.0.0.1", "[2001:db8::1]"]);
    let program = Program::compile(&[Constraint::new("u", Operator::UrlHost, hosts)]).expect("hosts");
    let schemes =
        ["", "http://", "HTTPS://", "wss://", "//", "http:", "http:/", "http:///", "https:\\\\", "ftp://"];
    let users = [
        "",
        "@",
        "evil.com@",
        "a:b@",
        "evil.com\\@",
        "evil.com/@",
        "evil.com?@",
        "evil.com#@",
        "evil.com:80#",
    ];
    let hosts = [
        "example.com",
        "EXAMPLE.com",
        "a.example.com",
        "example.com.",
        ".example.com",
        "a..example.com",
        "evil.com",
        "example.com.evil.com",
        "evilexample.com",
        "ex%61mple.com",
        "example\u{3002}com",
        "\u{ff45}xample.com",
        "example.com\u{ad}",
        "exam\tple.com",
        "a_b.example.com",
        "-.example.com",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "017700000001",
        "2130706433",
        "[2001:db8::1]",
        "[2001:DB8:0::1]",
        "[::ffff:127.0.0.1]",
        "",
    ];
    let ports =
        ["", ":", ":80", ":080", ":65535", ":65536", ":80@evil.com", ":evil.com", ";evil.com", "\\evil.com"];
    let tails = [
        "",
        "/",
        "/@evil.com",
        "?@evil.com",
        "#@evil.com",
        "/\\evil.com",
        "?.evil.com",
        "/a://evil.com",
        " ",
        "%00.evil.com",
    ];
    let (mut passed, mut read) = (0, 0);
    for (scheme, user) in schemes.iter().flat_map(|scheme| users.map(|user| (scheme, user))) {
        for (host, port) in hosts.iter().flat_map(|host| ports.map(|port| (host, port))) {
            for tail in tails {
                let url = format!("{scheme}{user}{host}{port}{tail}");
                if !passes(&program, &url) {
                    continue;
                }
                passed += 1;
                let whole = if scheme.is_empty() { format!("https://{url}") } else { url.clone() };
                let parsed = url::Url::parse(&whole).unwrap_or_else(|error| panic!("{url:?}: {error}"));
                assert!(parsed.host_str().is_some_and(is_allowed), "{url:?} is {parsed:?}");
                // This one knows no fragments and takes less; where it reads, it reads the same.
                if let Ok(uri) = whole.parse::<http::Uri>() {
                    read += 1;
                    assert!(uri.host().is_some_and(is_allowed), "{url:?} is {uri:?}");
                }
            }
        }
    }
    assert!(passed > 200 && read > 100, "{passed} passed, {read} were read twice");
}
