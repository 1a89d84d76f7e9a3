//! Hostile changes to arguments, and how arguments are written.

use super::Gen;
use super::arguments::Node;

const WEIRD_NUMBERS: [&str; 31] = [
    "9007199254740992",
    "-9007199254740992",
    "1e400",
    "-1e400",
    "1e-400",
    "5e-324",
    "4e-324",
    "1.0",
    "1e2",
    "-0",
    "-0.0",
    "-0e5",
    "0e5",
    "0.1",
    "0.10",
    "0.1000000000000000055511151231257827",
    "9007199254740993e-1",
    "01",
    "+1",
    "1.",
    ".5",
    "1e",
    "NaN",
    "0x10",
    "1E+2",
    "10.5",
    "99999999999999999999",
    "0.30000000000000004",
    "-1",
    "1.00000000000000000000000000000000000000000000000000000000000000", // 64 characters
    "1.000000000000000000000000000000000000000000000000000000000000000", // 65
];
const WEIRD_STRINGS: [&str; 24] = [
    "/srv/data/../../etc/passwd",
    "..",
    "/srv/data/..",
    "a\nb",
    "alpha\n",
    "/srv/data/%2e%2e/x",
    "/srv/%2F",
    "/srv/data\\x",
    "/srv/data/a\0",
    "/srv/\u{7f}",
    "/srv/\u{1f}",
    "srv/data",
    "/srv/datax",
    "ALPHA",
    "",
    "\u{430}lpha",
    "\u{feff}alpha",
    "/srv/data/...",
    "/srv/data/..%2f",
    "/SRV/data/a",
    "x@example.com\n",
    "\u{663}",
    "//srv/data",
    "/srv/%2",
];
/// What a near miss puts into a string.
const PIECES: [&str; 22] = [
    "\n", "\n", "/..", "/../", "../", "/./", "//", "..", ".", "%2e", "%2E%2e", "%2f", "%5C", "%00", "%25",
    "%20", "\\", "\0", "\u{7f}", "\u{1f}", "é", " ",
];
const WEIRD_ROOTS: [&[u8]; 14] = [
    b"",
    b"[]",
    b"null",
    b"\"x\"",
    b"{",
    b"{}{}",
    b"{\"a\":1,}",
    b"\xef\xbb\xbf{}",
    b"{\"a\":\"\xff\"}",
    b"{'a':1}",
    b"{\"a\":\"\\ud800\"}",
    b"{\"\\udc00\":1}",
    b"{\"a\":tru}",
    b"{} // x",
];

impl Gen {
    /// Changes one thing in the arguments.
    pub(crate) fn mutate(&mut self, mut arguments: Node) -> Vec<u8> {
        match self.below(30) {
            0 => return self.pick(&WEIRD_ROOTS).to_vec(),
            1 => {
                let mut bytes = self.write(&arguments, true);
                let at = self.below(bytes.len() as u64) as usize;
                if self.chance(50) {
                    bytes.truncate(at);
                } else {
                    bytes[at] = self.bits() as u8;
                }
                return bytes;
            }
            2 => arguments = self.oversize(),
            3 => self.add(&mut arguments),
            _ => self.change_somewhere(&mut arguments),
        }
        self.write(&arguments, true)
    }

    /// Adds a top-level member that rules may read.
    fn add(&mut self, arguments: &mut Node) {
        let names = [
            "env",
            "limit",
            "ENV",
            "Env",
            "Limit",
            "LIMIT",
            "amount",
            "Amount",
            "PATH",
            "note",
            "name",
            "\u{130}tems",
        ];
        let name = self.pick(&names).to_string();
        let values = [
            "null",
            "\"prod\"",
            "\"dev\"",
            "1",
            "5",
            "1e1",
            "1.5",
            "-1",
            "10000",
            "\"5\"",
            "[]",
            "true",
            "\"alpha\"",
        ];
        let value = Node::Raw(self.pick(&values).to_string());
        if let Node::Object(members) = arguments {
            members.push((name, value));
        }
    }

    /// Walks down to some member or element and spoils it.
    fn change_somewhere(&mut self, node: &mut Node) {
        match node {
            Node::Object(members) if members.is_empty() => self.add(node),
            Node::Object(members) => {
                let at = self.below(members.len() as u64) as usize;
                if matches!(members[at].1, Node::Object(_) | Node::List(_)) && self.chance(60) {
                    self.change_somewhere(&mut members[at].1);
                    return;
                }
                let name = members[at].0.clone();
                match self.below(12) {
                    0 => {
                        members.remove(at);
                    }
                    1 => members[at].0 = other_case(&name, self.bits()),
                    2 => members.push((other_case(&name, self.bits()), Node::null())),
                    3 => members.push((name, members[at].1.clone())),
                    4 => {
                        let escaped: String = name.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
                        members.push((format!("\u{1}{escaped}"), Node::Raw("1".to_string())));
                    }
                    _ => members[at].1 = self.spoil(&members[at].1.clone()),
                }
            }
            Node::List(items) if !items.is_empty() => {
                let at = self.below(items.len() as u64) as usize;
                if matches!(items[at], Node::Object(_) | Node::List(_)) && self.chance(70) {
                    self.change_somewhere(&mut items[at]);
                } else {
                    items[at] = self.spoil(&items[at].clone());
                }
            }
            other => *other = self.spoil(&other.clone()),
        }
    }

    fn spoil(&mut self, value: &Node) -> Node {
        if let Some(text) = value.as_text()
            && self.chance(60)
        {
            return Node::Text(self.near_miss(&text));
        }
        match self.below(9) {
            0 => Node::null(),
            1 => Node::List(vec![value.clone()]),
            2 => Node::Object(vec![("x".to_string(), value.clone())]),
            3 => Node::Raw(self.pick(&["true", "false", "\"5\"", "\"\"", "{}", "[]", "1"]).to_string()),
            4..=6 => Node::Raw(self.pick(&WEIRD_NUMBERS).to_string()),
            _ => Node::Text(self.pick(&WEIRD_STRINGS).to_string()),
        }
    }

    /// The string with something hostile, or just odd, put in.
    pub(crate) fn near_miss(&mut self, text: &str) -> String {
        if self.chance(3) {
            let length = self.range(8191, 8193) as usize;
            return format!("{text}{}", "a".repeat(length.saturating_sub(text.len())));
        }
        let piece = self.pick(&PIECES);
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let slash = text.rfind('/').unwrap_or(text.len());
        let at = match self.below(4) {
            0 => 0,
            1 => self.pick(&places),
            2 => slash,
            _ => text.len(),
        };
        format!("{}{piece}{}", &text[..at], &text[at..])
    }

    /// Something at or over a limit of the reader.
    fn oversize(&mut self) -> Node {
        let one_off = |this: &mut Gen, limit: u64| (limit + this.below(3) - 1) as usize;
        let value = match self.below(8) {
            0..=3 => {
                let arrays = one_off(self, 31); // and the root: 31 to 33
                let core = self.pick(&["", "1", "null"]);
                Node::Raw(format!("{}{core}{}", "[".repeat(arrays), "]".repeat(arrays)))
            }
            4 => Node::List(vec![Node::Raw("0".to_string()); one_off(self, 4095)]), // and its own member
            5 => Node::Text("x".repeat(one_off(self, 65_536))),
            6 => Node::Text("a".repeat(one_off(self, 8192))),
            _ => Node::List(vec![Node::Text("x".repeat(65_000)); 5]),
        };
        let name = self.pick(&["name", "note", "items", "a", "path"]).to_string();
        Node::Object(vec![(name, value)])
    }

    /// Writes arguments, with or without odd but valid spelling.
    pub(crate) fn write(&mut self, node: &Node, odd: bool) -> Vec<u8> {
        let spaces = odd && self.chance(20);
        let escapes = odd && self.chance(20);
        let mut out = String::new();
        self.write_node(node, spaces, escapes, &mut out);
        out.into_bytes()
    }

    fn write_node(&mut self, node: &Node, spaces: bool, escapes: bool, out: &mut String) {
        if spaces {
            out.push_str(self.pick(&["", " ", "\t", "\n", " \r\n"]));
        }
        match node {
            Node::Raw(text) => out.push_str(text),
            Node::Text(text) => self.write_text(text, escapes, out),
            Node::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    self.write_node(item, spaces, escapes, out);
                }
                out.push(']');
            }
            Node::Object(members) => {
                out.push('{');
                for (i, (name, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    match name.strip_prefix('\u{1}') {
                        Some(written) => *out += &format!("\"{written}\""),
                        None => self.write_text(name, escapes, out),
                    }
                    out.push(':');
                    self.write_node(value, spaces, escapes, out);
                }
                out.push('}');
            }
        }
        if spaces {
            out.push_str(self.pick(&["", "", " ", "\n"]));
        }
    }

    fn write_text(&mut self, text: &str, escapes: bool, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            if c < ' ' || c == '"' || c == '\\' || (escapes && self.chance(30)) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    *out +=
                        &if self.chance(50) { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
                }
            } else {
                out.push(c);
            }
        }
        out.push('"');
    }
}

/// The name with another case; sometimes by a letter outside ASCII that folds to the same.
fn other_case(name: &str, random: u64) -> String {
    if random.is_multiple_of(3) && name.contains('k') {
        return name.replace('k', "\u{212a}");
    }
    match random % 2 {
        0 => name.to_uppercase(),
        _ => {
            let mut chars = name.chars();
            chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
        }
    }
}
