//! Where events may be sent: not into the network that the plane itself stands in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::{Map, Value};
use url::{Host, Url};

use super::sign::check_secret;
use crate::domain::Failure;

/// Refuses addresses that are not public, when a role is written and again at each delivery.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Guard {
    /// For development: any address, and plain http.
    pub allow_private: bool,
}

impl Guard {
    /// A guard; with `allow_private` it lets everything through.
    pub const fn new(allow_private: bool) -> Self {
        Self { allow_private }
    }

    /// Checks what a role says of its webhook, as far as it does: where events go, and what signs them.
    pub(crate) fn check_document(self, written: &Map<String, Value>) -> Result<(), Failure> {
        check_text(written, "webhook_url", |url| self.check(url).map(drop))?;
        check_text(written, "webhook_secret", check_secret)
    }

    /// A URL that events may be sent to, as far as its text tells.
    pub(crate) fn check(self, url: &str) -> Result<Url, String> {
        let url = Url::parse(url).map_err(|error| format!("is not a URL: {error}"))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private => {}
            _ => return Err("must begin with https:// (http:// needs --allow-private-webhooks)".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or password".to_owned());
        }
        let literal = match url.host() {
            None => return Err("names no host".to_owned()),
            Some(Host::Domain(name)) => {
                let local = name == "localhost" || name.ends_with(".localhost") || !name.contains('.');
                if local && !self.allow_private {
                    return Err(private());
                }
                None
            }
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        };
        match literal {
            Some(address) if !self.allows(address) => Err(private()),
            _ => Ok(url),
        }
    }

    /// The addresses of a host, if all of them are allowed: one that is not is a trick.
    pub(crate) fn screen(self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
        match addresses.iter().all(|address| self.allows(address.ip())) {
            true if !addresses.is_empty() => Ok(addresses),
            true => Err("names a host without an address".to_owned()),
            false => Err(private()),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

/// A member that has to be a text, and if it says something, a good one.
fn check_text(
    written: &Map<String, Value>,
    member: &str,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Result<(), Failure> {
    let checked = match written.get(member) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(text)) if text.is_empty() => Ok(()),
        Some(Value::String(text)) => check(text),
        Some(_) => Err("must be a text".to_owned()),
    };
    checked.map_err(|why| Failure::Invalid(format!("`{member}` {why}")))
}

fn private() -> String {
    "leads to an address that is not public (--allow-private-webhooks lets it)".to_owned()
}

/// Whether an address is anyone's on the internet, also when it is wrapped in another form.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// The special-purpose ranges of RFC 6890 and its updates.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

/// Global unicast is 2000::/3; inside it, forms that wrap a v4 address or lead elsewhere.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [a, b, ..] = address.segments();
    let wrapped = match (a, b) {
        (0x2001, 0..0x200) | (0x2001, 0xdb8) => true, // Teredo, ORCHID, documentation
        (0x2002, _) => true,                          // 6to4
        (0x3fff, 0..0x1000) => true,                  // documentation
        _ => false,
    };
    (a & 0xe000) == 0x2000 && !wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        for bad in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_public(bad.parse().unwrap()), "{bad}");
        }
        for good in
            ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]
        {
            assert!(is_public(good.parse().unwrap()), "{good}");
        }
    }

    #[test]
    fn a_url_is_checked_as_far_as_its_text_tells() {
        let strict = Guard::new(false);
        for bad in [
            "",
            "example.com",
            "http://example.com/hook",
            "ftp://example.com",
            "https://",
            "https://localhost/",
            "https://intranet/",
            "https://a.localhost/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://user:pw@example.com/",
            "https://169.254.169.254/latest",
        ] {
            assert!(strict.check(bad).is_err(), "{bad}");
        }
        for good in ["https://example.com/hook", "https://1.1.1.1:8443/x"] {
            assert!(strict.check(good).is_ok(), "{good}");
        }
        assert!(Guard::new(true).check("http://127.0.0.1:9/hook").is_ok());
    }

    #[test]
    fn a_secret_is_read_as_others_read_it_or_refused() {
        let written = |member: &str, value: Value| Map::from_iter([(member.to_owned(), value)]);
        let told = |secret: Value| {
            let checked = Guard::new(false).check_document(&written("webhook_secret", secret));
            checked.map_err(|failure| failure.to_string())
        };
        for good in
            ["", "a plain secret", "whsec", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2VjcmV0cw=="]
        {
            assert_eq!(told(good.into()), Ok(()), "{good}");
        }
        assert_eq!(told(Value::Null), Ok(()));
        for (bad, why) in [
            (
                Value::from("whsec_***"),
                "`webhook_secret` begins with `whsec_`, so what follows must be base64",
            ),
            (
                "whsec_not base64".into(),
                "`webhook_secret` begins with `whsec_`, so what follows must be base64",
            ),
            (
                "whsec_c2VjcmV0cw".into(),
                "`webhook_secret` begins with `whsec_`, so what follows must be base64",
            ),
            ("whsec_".into(), "`webhook_secret` holds no secret behind `whsec_`"),
            (7.into(), "`webhook_secret` must be a text"),
        ] {
            assert_eq!(told(bad.clone()), Err(why.to_owned()), "{bad}");
        }
        let told = Guard::new(false).check_document(&written("webhook_url", "http://x".into()));
        assert!(told.is_err_and(|failure| failure.to_string().starts_with("`webhook_url` must begin with")));
    }
}
