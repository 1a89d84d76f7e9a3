//! Which hosts are this machine.

use core::net::IpAddr;

/// Whether the host of a URL is this machine, so that nobody reads along on the way: `localhost`, or a
/// loopback address in the one spelling that URL parsers make of it (`127.0.0.1`, `[::1]`).
pub fn is_this_machine(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address: Option<IpAddr> = match bracketed {
        Some(literal) => literal.parse().ok().filter(IpAddr::is_ipv6),
        None => host.parse().ok().filter(IpAddr::is_ipv4),
    };
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_here() {
        for host in ["localhost", "127.0.0.1", "127.255.255.254", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "localhost.",
            "Localhost",
            "a.localhost",
            "localhost.example",
            "127.0.0.1.nip.example",
            "127.1",
            "0.0.0.0",
            "10.0.0.1",
            "169.254.0.1",
            "::1",
            "[127.0.0.1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::1",
            "[::1%lo]",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
