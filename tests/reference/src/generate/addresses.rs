//! Addresses and URLs beside the usual ones: other spellings, other schemes, more around the host.

use super::Gen;

const BEFORE: [&str; 17] = [
    "evil",
    "::ffff:",
    "::",
    "0",
    " ",
    "[",
    "a.",
    ".",
    "a..",
    "evil.org@",
    "evil.org/",
    "http://",
    "HTTPS://",
    "ws://x.",
    "ftp://",
    "//",
    "http:/",
];
const AFTER: [&str; 22] = [
    ".",
    ":80",
    ":",
    ":65535",
    ":65536",
    ":080",
    "/",
    "/a?b#c",
    "/@evil.org",
    "?@evil.org",
    "#@evil.org",
    "@evil.org",
    "?a",
    "\\",
    " ",
    "\n",
    "]",
    "%00",
    ".evil.org",
    "/\u{e9}",
    "/32",
    "/x://evil.org",
];
const SWAPS: [(&str, &str); 10] = [
    (".", "\u{3002}"),
    (".", "%2e"),
    (".", ".."),
    ("10.", "0xa."),
    ("10.", "012."),
    ("127.0.0.1", "127.1"),
    ("127.0.0.1", "2130706433"),
    ("2001:db8:", "2001:0DB8:0:"),
    ("example", "EXAMPLE"),
    ("example", "a.example"),
];

impl Gen {
    /// Another spelling, which may mean the same, something else, or nothing.
    pub(crate) fn odd_address(&mut self, text: &str) -> String {
        let mut odd = text.to_string();
        if self.chance(30) {
            let (from, to) = self.pick(&SWAPS);
            odd = odd.replace(from, to);
        }
        if self.chance(40) {
            odd = format!("{}{odd}", self.pick(&BEFORE));
        }
        if self.chance(50) {
            odd = format!("{odd}{}", self.pick(&AFTER));
        }
        odd
    }
}
