//! Arguments that satisfy a list of constraints, most of the time.

use super::Gen;
use crate::constraint::{holds, passes};
use crate::json::{Json, read_arguments};
use crate::policy::{Constraint, Step, Test};
use std::sync::LazyLock;

/// Arguments before they are written: names may repeat, and a leaf may be anything.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// JSON text, written as it is.
    Raw(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// An object.
    Object(Vec<(String, Node)>),
}

impl Node {
    /// `null`
    pub(crate) fn null() -> Node {
        Node::Raw("null".to_string())
    }

    /// The string this is, if it is one.
    pub(crate) fn as_text(&self) -> Option<String> {
        match self {
            Node::Text(text) => Some(text.clone()),
            Node::Raw(raw) if raw.starts_with('"') => serde_json::from_str(raw).ok(),
            _ => None,
        }
    }

    fn from_json(value: &Json) -> Node {
        match value {
            Json::Str(text) => Node::Text(text.clone()),
            Json::Arr(items) => Node::List(items.iter().map(Node::from_json).collect()),
            Json::Obj(members) => {
                Node::Object(members.iter().map(|(name, v)| (name.clone(), Node::from_json(v))).collect())
            }
            Json::Null => Node::null(),
            Json::Bool(b) => Node::Raw(b.to_string()),
            Json::Num(n) => Node::Raw(n.plain()),
        }
    }
}

/// JSON texts that a field may hold.
const VALUES: [&str; 85] = [
    "0",
    "1",
    "5",
    "10",
    "42",
    "99.5",
    "2.5",
    "1e2",
    "1.0",
    "100",
    "0.1",
    "-3",
    "1000",
    "0.5e1",
    "9007199254740991",
    "-9007199254740991",
    "9.9",
    "10.0",
    "0.10000000000000002",
    "true",
    "false",
    r#""alpha""#,
    r#""beta""#,
    r#""al""#,
    r#""gamma-1""#,
    r#""ALPHA""#,
    r#""a1""#,
    r#""Inv-0042""#,
    r#""inv-0042""#,
    r#""x@example.com""#,
    r#""2026-01-05""#,
    r#""""#,
    r#""naïve""#,
    r#""A-1""#,
    r#""B-2""#,
    r#""C-33""#,
    r#""red""#,
    r#""green""#,
    r#""blue""#,
    r#""prod""#,
    r#""dev""#,
    r#""staging""#,
    r#""/srv/data/a.txt""#,
    r#""/srv/data""#,
    r#""/srv//data/./b""#,
    r#""/srv/./data/b""#,
    r#""/./srv//data/x""#,
    r#""/tmp/x/y""#,
    r#""/etc/passwd""#,
    r#""/srv/database/x""#,
    r#""/srv/data/ok..txt""#,
    r#""srv/x""#,
    r#""x/y""#,
    r#""/srv/a/b""#,
    r#""a;b""#,
    r#""a\nb""#,
    r#""10""#,
    "[]",
    r#"["red"]"#,
    r#"["alpha","A-1"]"#,
    r#"["red","red","red","red","red"]"#,
    r#"[{"sku":"A-1","qty":1}]"#,
    r#"[{"qty":1.0,"sku":"A-1"},{"sku":"B-2"}]"#,
    r#"{"x":1,"y":[1.5,null]}"#,
    r#"{"y":[1.50,null],"x":1e0}"#,
    r#"{"x":1}"#,
    "[1,2]",
    r#""m""#,
    r#""10.1.3.255""#,
    r#""127.0.0.1""#,
    r#""8.8.8.8""#,
    r#""2001:DB8:0::1""#,
    r#""::ffff:10.1.2.3""#,
    r#""10.1""#,
    r#""010.1.2.3""#,
    r#""example.com""#,
    r#""https://example.com:8443/a?b=c#d""#,
    r#""HTTP://API.example.COM/""#,
    r#""x.a-b.example.org:1""#,
    r#""http://intern""#,
    r#""https://127.0.0.1/""#,
    r#""wss://[2001:db8:0::1]:80?x""#,
    r#""https://a.b.example.com/@x""#,
    r#""https://example.com@x.org""#,
    r#""https://example.com.""#,
];

static POOL: LazyLock<Vec<(Node, Json)>> = LazyLock::new(|| {
    let read = |text: &str| read_arguments(format!("{{\"v\":{text}}}").as_bytes()).ok()?.member("v").cloned();
    VALUES.iter().filter_map(|text| Some((Node::Raw(text.to_string()), read(text)?))).collect()
});

/// A constraint and how much of its path has been followed.
type Wanted<'a> = (&'a Constraint, &'a [Step]);

impl Gen {
    /// An object that tries to satisfy all of them; the members are in no particular order.
    pub(crate) fn satisfy(&mut self, constraints: &[&Constraint]) -> Node {
        let mut built = Node::Object(Vec::new());
        // A value that misses is mostly built again, but not always.
        let attempts = if self.focused || self.chance(10) { 1 } else { 4 };
        for attempt in 0..attempts {
            let wanted: Vec<Wanted> = constraints.iter().map(|c| (*c, c.steps.as_slice())).collect();
            built = self.build(&wanted, attempt);
            let Ok(read) = read_arguments(self.write(&built, false).as_slice()) else { continue };
            if constraints.iter().all(|constraint| holds(constraint, &read)) {
                break;
            }
        }
        built
    }

    fn build(&mut self, wanted: &[Wanted], attempt: usize) -> Node {
        let deeper = wanted.iter().find(|(_, steps)| !steps.is_empty());
        match deeper {
            None if wanted.is_empty() => Node::Object(Vec::new()),
            None => self.leaf(wanted, attempt),
            Some((_, [Step::Each, ..])) => {
                let inner: Vec<Wanted> = wanted
                    .iter()
                    .filter_map(|(c, steps)| match steps {
                        [Step::Each, rest @ ..] => Some((*c, rest)),
                        _ => None,
                    })
                    .collect();
                if self.chance(5) {
                    return Node::List(Vec::new());
                }
                let count = self.pick(&[1, 1, 1, 2, 2, 3]);
                let mut items: Vec<Node> = (0..count).map(|_| self.build(&inner, attempt)).collect();
                if self.chance(3) {
                    items.push(Node::null());
                }
                Node::List(items)
            }
            Some(_) => self.build_object(wanted, attempt),
        }
    }

    fn build_object(&mut self, wanted: &[Wanted], attempt: usize) -> Node {
        let mut names: Vec<&str> = Vec::new();
        for (_, steps) in wanted {
            if let [Step::Name(name), ..] = steps
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        let mut members = Vec::new();
        for name in names {
            let inner: Vec<Wanted> = wanted
                .iter()
                .filter_map(|(c, steps)| match steps {
                    [Step::Name(other), rest @ ..] if other == name => Some((*c, rest)),
                    _ => None,
                })
                .collect();
            let optional = inner.iter().all(|(c, _)| c.absent_passes);
            match (optional, self.below(10)) {
                (true, 0..=2) => {}
                (true, 3) => members.push((name.to_string(), Node::null())),
                _ => members.push((name.to_string(), self.build(&inner, attempt))),
            }
        }
        Node::Object(members)
    }

    /// A value that passes all constraints which end here, if one is known.
    fn leaf(&mut self, wanted: &[Wanted], attempt: usize) -> Node {
        let fits = |value: &Json| wanted.iter().all(|(c, _)| c.alternatives.iter().any(|t| passes(t, value)));
        let mut fitting: Vec<Node> =
            POOL.iter().filter(|(_, value)| fits(value)).map(|(node, _)| node.clone()).collect();
        for test in wanted.iter().flat_map(|(c, _)| &c.alternatives) {
            for value in derived(test) {
                if fits(&value) {
                    fitting.push(Node::from_json(&value));
                }
            }
        }
        if fitting.is_empty() || (attempt == 0 && self.chance(if self.focused { 15 } else { 2 })) {
            return self.pick_ref(&POOL).0.clone();
        }
        let chosen = self.pick_ref(&fitting).clone();
        let address = wanted
            .iter()
            .flat_map(|(c, _)| &c.alternatives)
            .any(|test| matches!(test.operator.as_str(), "cidr" | "url_host"));
        match chosen.as_text() {
            Some(text) if address && self.chance(50) => Node::Text(self.odd_address(&text)),
            Some(text)
                if (attempt == 0 || self.focused) && self.chance(if self.focused { 60 } else { 10 }) =>
            {
                // A near miss stays if it fits after all, and now and then if it does not.
                let odd = self.near_miss(&text);
                if fits(&Json::Str(odd.clone())) || self.chance(if self.focused { 60 } else { 20 }) {
                    Node::Text(odd)
                } else {
                    chosen
                }
            }
            _ => chosen,
        }
    }
}

/// Values that the constraint itself suggests.
fn derived(test: &Test) -> Vec<Json> {
    match (&test.value, test.operator.as_str()) {
        (Json::Arr(list), "in") => list.clone(),
        (Json::Str(text), "prefix" | "path_within") => {
            vec![Json::Str(text.clone()), Json::Str(format!("{text}/x")), Json::Str(format!("{text}y"))]
        }
        (Json::Str(text), "cidr") => {
            let (start, _) = text.split_once('/').unwrap_or_default();
            vec![Json::Str(start.to_string()), Json::Str(text.clone())]
        }
        (Json::Str(text), "url_host") => {
            let host = text.replace('*', "deep.er");
            [format!("https://{host}/"), format!("ws://x@{host}"), format!("{host}:80"), format!("{host}.")]
                .map(Json::Str)
                .into()
        }
        (wanted, "contains") => {
            vec![Json::Arr(vec![wanted.clone()]), Json::Arr(vec![Json::Null, wanted.clone()])]
        }
        (wanted, "eq" | "lte" | "gte") => vec![wanted.clone()],
        _ => Vec::new(),
    }
}
