//! `url_host`: a URL, or an authority without a scheme, of one of some hosts.
//!
//! Nothing is normalised. Browsers, libraries and proxies disagree about what a crooked URL means,
//! so a value that any of them could read as another host is refused.

// From `core`, which has the values and no sockets.
use core::net::IpAddr;
use std::fmt;

use serde_json::Value;

use super::network::address;
use super::test::{join, texts};
use crate::problem::Problem;

/// Schemes whose URLs have a host in the same place.
const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];
/// Longest host name, in bytes.
const MAX_HOST: usize = 253;

/// Hosts, one of which a URL must have.
#[derive(Debug)]
pub(super) struct Hosts(Box<[Host]>);

#[derive(Debug)]
enum Host {
    /// This name, in lower case.
    Name(Box<str>),
    /// `*.example.com`: every name below this one, but not the name itself.
    Below(Box<str>),
    Address(IpAddr),
}

impl Hosts {
    pub(super) fn compile(value: &Value) -> Result<Self, Problem> {
        let hosts = texts("url_host", "a host such as `example.com`, or a list of them", value)?;
        let hosts = hosts.into_iter().map(|text| Host::parse(text).ok_or(Problem::Host(text.to_owned())));
        hosts.collect::<Result<_, _>>().map(Self)
    }

    #[inline(never)]
    pub(super) fn holds(&self, value: &str) -> bool {
        host(value).is_some_and(|found| self.0.iter().any(|host| host.is(found)))
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Some(address) = literal(text) {
            return Some(Self::Address(address));
        }
        let (below, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        if !is_name(name) || ends_in_a_number(name) {
            return None;
        }
        let name = name.to_ascii_lowercase().into();
        Some(if below { Self::Below(name) } else { Self::Name(name) })
    }

    /// Whether this is the host, of which nothing is known yet but where it stands.
    fn is(&self, found: &str) -> bool {
        match self {
            Self::Name(name) => found.eq_ignore_ascii_case(name),
            Self::Address(address) => literal(found) == Some(*address),
            Self::Below(name) => {
                let above = found.len().checked_sub(name.len()).and_then(|at| found.split_at_checked(at));
                above.is_some_and(|(labels, rest)| {
                    rest.eq_ignore_ascii_case(name) && labels.ends_with('.') && is_name(found)
                })
            }
        }
    }
}

/// `192.0.2.1` or `[2001:db8::1]`.
fn literal(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[') {
        Some(rest) => address(rest.strip_suffix(']')?).filter(IpAddr::is_ipv6),
        None => address(text).filter(IpAddr::is_ipv4),
    }
}

/// Labels of letters, digits, `-` and `_`, none empty: no final dot either.
fn is_name(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter);
    text.len() <= MAX_HOST && text.split('.').all(label)
}

/// Then it is an address to some readers: `127.1`, `0x7f000001`.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    last.bytes().all(|b| b.is_ascii_digit())
        || hex.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The host as it stands in the URL; `None` where readers could disagree.
fn host(url: &str) -> Option<&str> {
    let odd = |c: char| c == '\\' || c.is_control() || c.is_whitespace();
    if url.contains(odd) {
        return None;
    }
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) => rest,
        // Not a scheme then, but somewhere in the path.
        _ => url,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    // Some readers end the authority at a slash only: then what follows `@` is the host.
    if authority.contains('@') || (!path.starts_with('/') && path.contains('@')) {
        return None;
    }
    let (host, port) = match authority.rfind(']') {
        Some(at) => authority.split_at_checked(at + 1)?,
        None => authority.split_at_checked(authority.find(':').unwrap_or(authority.len()))?,
    };
    (is_port(port) && !host.is_empty()).then_some(host)
}

/// Nothing, or `:` and a port.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok(),
        None => text.is_empty(),
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "be a URL with host {}", join(&self.0))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Hosts;

    fn check(hosts: serde_json::Value, passes: &[&str], fails: &[&str]) {
        let compiled = Hosts::compile(&hosts).unwrap();
        for value in passes {
            assert!(compiled.holds(value), "{value:?} has a host of {hosts}");
        }
        for value in fails {
            assert!(!compiled.holds(value), "{value:?} has no host of {hosts}");
        }
    }

    #[test]
    fn one_host_and_no_other() {
        check(
            json!("example.com"),
            &[
                "example.com",
                "EXAMPLE.com:8443",
                "example.com/a/b?c#d",
                "https://example.com",
                "HTTPS://Example.Com:443/",
                "wss://example.com/socket",
                "http://example.com?q=1",
                "http://example.com/@user",
                "http://example.com/?next=https://evil.com/",
                "example.com/?next=https://evil.com/",
                "http://example.com/caf\u{e9}",
            ],
            &[
                "",
                "evil.com",
                "api.example.com",
                "example.com.evil.com",
                "evilexample.com",
                "http://evil.com/example.com",
                "http://evil.com?example.com",
                "http://evil.com#example.com",
                // User information, and what some readers take for it.
                "http://example.com@evil.com",
                "http://evil.com@example.com/",
                "http://user:pass@example.com/",
                "http://@example.com/",
                "example.com@evil.com",
                "http://example.com?@evil.com",
                "http://example.com#@evil.com",
                "http://example.com:80@evil.com",
                "http://example.com;@evil.com",
                "http://example.com\u{ff0f}@evil.com",
                // Slashes.
                "http://example.com\\@evil.com",
                "http:\\\\example.com",
                "http://evil.com\\.example.com",
                "//example.com",
                "///example.com",
                "http:///example.com",
                "http:/example.com",
                "http:example.com",
                // Spaces and controls, which some readers strip.
                " http://example.com",
                "http://example.com ",
                "http://exa\tmple.com",
                "http://example.com\n",
                "http://example.com\r\nHost: evil.com",
                "http://example.com\0.evil.com",
                "http://example.com/\u{2028}",
                // Dots, look-alikes, escapes.
                "http://example.com./",
                "http://example..com/",
                "http://.example.com/",
                "http://example\u{3002}com/",
                "http://ex\u{430}mple.com/",
                "http://\u{ff45}xample.com/",
                "http://ex%61mple.com/",
                "http://example%2ecom/",
                "http://xn--exmple-cua.com/",
                "http://example.com\u{ad}/",
                // Ports.
                "http://example.com:/",
                "http://example.com:80:80/",
                "http://example.com:65536/",
                "http://example.com:+80/",
                "http://example.com:8o/",
                "http://[example.com]/",
                // Other schemes, and schemes of schemes.
                "javascript://example.com/%0aalert(1)",
                "file://example.com/etc/passwd",
                "ftp://example.com",
                "view-source:http://example.com",
                "http://http://example.com",
                "://example.com",
                "https://",
            ],
        );
    }

    #[test]
    fn hosts_below_another() {
        check(
            json!(["*.example.com", "intern"]),
            &["api.example.com", "https://a.b.EXAMPLE.com:80/x", "x_y-z.example.com", "http://intern/"],
            &[
                "example.com",
                "http://.example.com",
                "http://a..example.com",
                "http://evil.com/.example.com",
                "http://evilexample.com",
                "http://a.example.com.evil.com",
                "http://a.example.com.",
                "http://a b.example.com",
                "http://a%2f.example.com",
                "http://ex\u{e4}.example.com",
                "http://a:b.example.com",
                "http://*.example.com",
                "http://api.intern",
            ],
        );
        let long = format!("{}.example.com", "a".repeat(63));
        check(json!("*.example.com"), &[&long], &[&format!("a{long}")]);
        let longest = format!("{}example.com", "a.".repeat(121));
        check(json!("*.example.com"), &[&longest], &[&format!("a.{longest}")]);
    }

    #[test]
    fn addresses() {
        check(
            json!(["127.0.0.1", "[2001:db8::1]"]),
            &["127.0.0.1", "http://127.0.0.1:80/", "http://[2001:db8::1]/", "[2001:DB8:0::1]:443"],
            &[
                "http://127.1/",
                "http://2130706433/",
                "http://0x7f.1/",
                "http://0x7f000001/",
                "http://0177.0.0.1/",
                "http://127.0.0.1./",
                "http://127.0.0.01/",
                "http://[127.0.0.1]/",
                "http://[::ffff:127.0.0.1]/",
                "http://[::ffff:7f00:1]/",
                "http://[2001:db8::1%25eth0]/",
                "http://2001:db8::1/",
                "http://[2001:db8::1/",
                "http://[2001:db8::1].evil.com/",
                "http://[2001:db8::1]]/",
                "http://[[2001:db8::1]]/",
                "http://x[2001:db8::1]/",
            ],
        );
    }

    #[test]
    fn refuses_what_is_no_host() {
        for bad in [
            json!([]),
            json!(""),
            json!("*"),
            json!("*."),
            json!("**.example.com"),
            json!("a.*.com"),
            json!("*.example.*"),
            json!("*example.com"),
            json!("*.127.0.0.1"),
            json!("*.com."),
            json!("example.com."),
            json!(".example.com"),
            json!("example..com"),
            json!("https://example.com"),
            json!("example.com/"),
            json!("example.com:443"),
            json!("user@example.com"),
            json!("ex\u{e4}mple.com"),
            json!("127.1"),
            json!("0x7f000001"),
            json!("a.0x7F"),
            json!("2130706433"),
            json!("2001:db8::1"),
            json!("[::ffff:127.0.0.1]"),
            json!("[127.0.0.1]"),
            json!(["example.com", 1]),
            json!({"host": "example.com"}),
        ] {
            assert!(Hosts::compile(&bad).is_err(), "{bad}");
        }
    }
}
