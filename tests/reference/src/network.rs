//! `cidr` and `url_host`, told by shape first and compared after.

use crate::json::Json;
use regex::Regex;
use std::net::Ipv6Addr;
use std::sync::LazyLock;

static URL: LazyLock<Regex> = LazyLock::new(|| {
    let shape = r"^(?:(?i:https?|wss?)://)?(?<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?<port>[0-9]{1,32}))?(?:/.*|[?#][^@]*)?$";
    Regex::new(shape).expect("a shape")
});
static QUAD: LazyLock<Regex> = LazyLock::new(|| {
    let part = "(?:0|[1-9][0-9]{0,2})";
    Regex::new(&format!(r"^({part})\.({part})\.({part})\.({part})$")).expect("a shape")
});

/// The strings of a policy's value: one, or a list.
fn wanted(value: &Json) -> Vec<&str> {
    match value {
        Json::Str(text) => vec![text],
        Json::Arr(list) => list
            .iter()
            .filter_map(|item| if let Json::Str(text) = item { Some(text.as_str()) } else { None })
            .collect(),
        _ => Vec::new(),
    }
}

/// The bits of an address, the most significant first.
fn bits(text: &str) -> Option<Vec<bool>> {
    let of = |bytes: &[u8]| {
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1 == 1)).collect()
    };
    if let Some(parts) = QUAD.captures(text) {
        let bytes: Option<Vec<u8>> = (1..=4).map(|part| parts[part].parse().ok()).collect();
        return Some(of(&bytes?));
    }
    let bytes = text.parse::<Ipv6Addr>().ok()?.octets();
    // IPv4 in the clothes of IPv6 is neither.
    if bytes.starts_with(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]) { None } else { Some(of(&bytes)) }
}

/// Whether the address lies in one of the networks.
pub fn cidr(value: &str, networks: &Json) -> bool {
    let Some(value) = bits(value) else { return false };
    wanted(networks).iter().any(|network| {
        let Some((start, length)) = network.split_once('/') else { return false };
        let (Some(start), Ok(length)) = (bits(start), length.parse::<usize>()) else { return false };
        start.len() == value.len() && start[..length] == value[..length]
    })
}

/// Whether the URL's host is one of the hosts.
pub fn url_host(value: &str, hosts: &Json) -> bool {
    if value.chars().any(|c| c == '\\' || c.is_whitespace() || c.is_control()) {
        return false;
    }
    let Some(found) = URL.captures(value) else { return false };
    if found
        .name("port")
        .is_some_and(|port| port.as_str().parse::<u32>().is_ok_and(|port| port > 65535) || port.len() > 9)
    {
        return false;
    }
    let host = found["host"].to_ascii_lowercase();
    wanted(hosts).iter().any(|wanted| {
        let wanted = wanted.to_ascii_lowercase();
        if let Some(address) = wanted.strip_prefix('[') {
            let inner = |text: &str| bits(text.strip_prefix('[')?.strip_suffix(']')?);
            return host.starts_with('[') && inner(&host) == inner(&format!("[{address}"));
        }
        match wanted.strip_prefix("*.") {
            None => host == wanted,
            Some(parent) => {
                let labels: Vec<&str> = host.split('.').collect();
                let sound = host.len() <= 253 && labels.iter().all(|label| (1..=63).contains(&label.len()));
                let above: Vec<&str> = parent.split('.').collect();
                sound && labels.len() > above.len() && labels.ends_with(&above)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{cidr, url_host};
    use crate::json::Json;
    use serde_json::json;

    #[test]
    fn shapes() {
        let nets = Json::from_policy(&json!(["10.0.0.0/8", "2001:db8::/32"]));
        for (value, inside) in [
            ("10.1.2.3", true),
            ("11.1.2.3", false),
            ("010.1.2.3", false),
            ("10.1", false),
            ("2001:db8::9", true),
            ("::ffff:10.1.2.3", false),
        ] {
            assert_eq!(cidr(value, &nets), inside, "{value}");
        }
        let hosts = Json::from_policy(&json!(["example.com", "*.example.org", "[2001:db8::1]"]));
        for (value, holds) in [
            ("https://EXAMPLE.com:443/a?b", true),
            ("example.com", true),
            ("https://a.example.com", false),
            ("https://a.example.org", true),
            ("https://example.org", false),
            ("https://example.com@evil.com", false),
            ("https://example.com?@evil.com", false),
            ("https://example.com/@a", true),
            ("https://[2001:DB8::1]/", true),
            ("https://example.com:99999/", false),
            ("ftp://example.com", false),
        ] {
            assert_eq!(url_host(value, &hosts), holds, "{value}");
        }
    }
}
