//! `cidr`: an IP address inside one of some networks.

// From `core`, which has the values and no sockets.
use core::net::IpAddr;
use std::fmt;

use ipnet::IpNet;
use serde_json::Value;

use super::test::{join, texts};
use crate::problem::Problem;

/// Networks, one of which an address must lie in.
#[derive(Debug)]
pub(super) struct Networks(Box<[IpNet]>);

impl Networks {
    pub(super) fn compile(value: &Value) -> Result<Self, Problem> {
        let networks = texts("cidr", "a network such as `10.0.0.0/8`, or a list of them", value)?;
        networks.into_iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    #[inline(never)]
    pub(super) fn holds(&self, value: &str) -> bool {
        address(value).is_some_and(|address| self.0.iter().any(|network| network.contains(&address)))
    }
}

/// In the one spelling that no reader takes for another address: four decimal parts without
/// leading zeros, or IPv6 without a zone, and not IPv4 in the clothes of IPv6.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    (address == address.to_canonical()).then_some(address)
}

/// An address without bits behind its prefix, `/`, and the length of the prefix.
fn network(text: &str) -> Result<IpNet, Problem> {
    let problem = || Problem::Network(text.to_owned());
    let (start, length) = text.split_once('/').ok_or_else(problem)?;
    let start = address(start).ok_or_else(problem)?;
    let plain = length == "0" || (length.starts_with(|c: char| c.is_ascii_digit() && c != '0'));
    let length = length.parse().ok().filter(|_| plain).ok_or_else(problem)?;
    let network = IpNet::new(start, length).map_err(|_| problem())?;
    if network.network() == start { Ok(network) } else { Err(problem()) }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "be an IP address in {}", join(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Networks;

    #[test]
    fn an_address_has_one_spelling() {
        let networks = Networks::compile(&json!(["10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32"])).unwrap();
        for inside in ["10.0.0.0", "10.255.255.255", "127.0.0.1", "2001:db8::1", "2001:DB8:0:0::1"] {
            assert!(networks.holds(inside), "{inside}");
        }
        for outside in [
            "",
            "9.255.255.255",
            "11.0.0.0",
            "127.0.0.2",
            "2001:db9::",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0x7f000001",
            "0177.0.0.1",
            "127.0.0.01",
            "010.0.0.1",
            "10.0.0.1.",
            "10.0.0.256",
            "10.0.0.1:80",
            "10.0.0.1/32",
            " 10.0.0.1",
            "10.0.0.1\n",
            "::ffff:10.0.0.1",
            "::ffff:a00:1",
            "::10.0.0.1",
            "[2001:db8::1]",
            "2001:db8::1%eth0",
            "2001:db8::1%25eth0",
            "\u{ff11}0.0.0.1",
            "10\u{3002}0.0.1",
            "10.0.0.1,8.8.8.8",
            "localhost",
        ] {
            assert!(!networks.holds(outside), "{outside:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_network() {
        for bad in [
            json!([]),
            json!(""),
            json!("10.0.0.1"),
            json!("10.0.0.1/8"),
            json!("10.0.0.0/33"),
            json!("10.0.0.0/08"),
            json!("10.0.0.0/+8"),
            json!("10.0.0.0/-1"),
            json!("10.0.0.0/"),
            json!("10.0.0.0/8/8"),
            json!("10/8"),
            json!("::ffff:10.0.0.0/104"),
            json!("2001:db8::1/32"),
            json!(["10.0.0.0/8", 10]),
            json!([["10.0.0.0/8"]]),
            json!(10),
        ] {
            assert!(Networks::compile(&bad).is_err(), "{bad}");
        }
        for good in ["0.0.0.0/0", "::/0", "10.0.0.1/32", "2001:db8::1/128"] {
            assert!(Networks::compile(&json!(good)).is_ok(), "{good}");
        }
    }
}
