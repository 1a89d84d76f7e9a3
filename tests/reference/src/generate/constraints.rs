//! Random constraints on a small pool of fields.

use super::Gen;
use serde_json::{Value, json};

/// Text patterns (all compile, none can be read in two ways).
const TEXT_PATTERNS: [&str; 21] = [
    "[a-z]{1,8}",
    "^[a-z0-9_-]+$",
    "(?i)inv-[0-9]{4}",
    "(?i:inv)-[0-9]{4}",
    r"\A[\w.]+@example\.com\z",
    "[^;|&]*",
    r"[\s\S]*",
    r"^[\s\S]*$",
    ".*",
    "[A-Z]-[0-9]+",
    r"\d{4}-\d{2}-\d{2}",
    "(alpha|beta|red|green|A-1)",
    r"[^\d]{0,12}",
    ".{1,5}",
    r"\w+",
    r"\A(?:[^\n]|\n)*\z",
    "^(?!(alpha|be|green$)).+",
    "(?!.*a-1)[a-z-]{1,12}",
    "(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9-]+",
    "(?i)(?!inv-01)[a-z]+-[0-9]{1,4}",
    "[A-Za-z0-9-]*(?<!-1)",
];
/// Path patterns.
const PATH_PATTERNS: [&str; 9] = [
    "/srv/data/.*",
    "^/srv/[a-z/.]+$",
    "/(tmp|srv)(/[^/]*)*",
    r"\x2fsrv/.+",
    "[+-9]srv/.*",
    "(srv|/srv)/.*",
    "x?/.*",
    r"\W[a-z]+.*",
    "(?i)/SRV/.*",
];
const NUMBERS_HIGH: [&str; 6] = ["10", "100", "1e3", "2.5", "9007199254740991", "99.5"];
const NUMBERS_LOW: [&str; 6] = ["0", "-5", "0.1", "1", "5", "-9007199254740991"];
const NUMBERS: [&str; 7] = ["10", "42", "2.5", "100", "0.1", "0", "1e2"];
const TEXTS: [&str; 8] = ["alpha", "beta", "red", "green", "A-1", "B-2", "Inv-0042", "naïve"];
const NETWORKS: [&str; 7] =
    ["10.0.0.0/8", "10.1.2.0/23", "127.0.0.1/32", "0.0.0.0/0", "2001:db8::/32", "2001:db8::1/128", "::/0"];
const HOSTS: [&str; 7] = [
    "example.com",
    "*.example.com",
    "Api.Example.com",
    "intern",
    "127.0.0.1",
    "[2001:db8::1]",
    "*.a-b.example.org",
];
const PARTS: [&str; 5] = ["a", "al", "e", "-", ""];

/// What a field usually holds.
#[derive(Clone, Copy)]
enum Kind {
    Number,
    Text,
    Path,
    List,
    Object,
    Address,
    Url,
}

const FIELDS: [(&str, Kind); 16] = [
    ("amount", Kind::Number),
    ("path", Kind::Path),
    ("name", Kind::Text),
    ("items", Kind::List),
    ("items[*].sku", Kind::Text),
    ("items[*].qty", Kind::Number),
    ("tags[*]", Kind::Text),
    ("tags", Kind::List),
    ("a.b", Kind::Number),
    ("a.c.kind", Kind::Text),
    ("a.rows[*].cells[*]", Kind::Number),
    ("meta", Kind::Object),
    ("env", Kind::Text),
    ("limit", Kind::Number),
    ("source", Kind::Address),
    ("url", Kind::Url),
];

/// A number of the policy, from its text.
fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

impl Gen {
    /// A list of constraints for one tool.
    pub(crate) fn constraint_list(&mut self) -> Value {
        let count = self.pick(&[1, 1, 1, 2, 2, 3]);
        let mut list: Vec<Value> = (0..count).map(|_| self.constraint()).collect();
        if self.chance(8) {
            // Two `regex` on one field are ANDed, too.
            for pattern in ["[a-z0-9]{1,8}", "(a|b).*"] {
                list.push(json!({"field": "name", "operator": "regex", "value": pattern}));
            }
        }
        Value::Array(list)
    }

    /// One constraint.
    pub(crate) fn constraint(&mut self) -> Value {
        let fields: Vec<usize> =
            vec![0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 4, 4, 5, 6, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 15];
        let (field, kind) = FIELDS[self.pick(&fields)];
        let mut constraint = if self.chance(15) {
            let count = self.range(1, 3);
            let tests: Vec<Value> = (0..count).map(|_| self.test(kind, field)).collect();
            json!({"any_of": tests})
        } else {
            self.test(kind, field)
        };
        constraint["field"] = json!(field);
        if self.chance(25) {
            constraint["when_absent"] = json!("allow");
        } else if self.chance(15) {
            constraint["when_absent"] = json!("deny");
        }
        constraint
    }

    fn test(&mut self, kind: Kind, field: &str) -> Value {
        let (operator, value) = match kind {
            Kind::Number => self.number_test(),
            Kind::Text if field == "env" => ("in", json!(["prod", "dev", "staging"])),
            Kind::Text => self.text_test(),
            Kind::Path => self.path_test(),
            Kind::List => self.list_test(field),
            Kind::Object => {
                let value =
                    self.pick(&[r#"{"x":1,"y":[1.5,null]}"#, r#"{"x":1}"#, "[1,2]", "true", r#""m""#]);
                ("eq", number(value))
            }
            Kind::Address => ("cidr", self.one_or_some(&NETWORKS)),
            Kind::Url => ("url_host", self.one_or_some(&HOSTS)),
        };
        json!({"operator": operator, "value": value})
    }

    fn number_test(&mut self) -> (&'static str, Value) {
        let operator = self.pick(&["lt", "lte", "lt", "lte", "gt", "gte", "eq", "in", "not_in"]);
        let value = match operator {
            "lt" | "lte" => number(self.pick(&NUMBERS_HIGH)),
            "gt" | "gte" => number(self.pick(&NUMBERS_LOW)),
            "eq" => number(self.pick(&NUMBERS)),
            _ => {
                let mut list: Vec<Value> = self.some(&NUMBERS, 50).into_iter().map(number).collect();
                list.push(json!("10"));
                list.push(if self.chance(50) { number("5") } else { Value::Bool(true) });
                Value::Array(list)
            }
        };
        (operator, value)
    }

    fn text_test(&mut self) -> (&'static str, Value) {
        let operator =
            self.pick(&["regex", "regex", "regex", "in", "not_in", "contains", "prefix", "max_length", "eq"]);
        let value = match operator {
            "regex" => json!(self.pick(&TEXT_PATTERNS)),
            "in" | "not_in" => {
                let mut list = self.some(&TEXTS, 40);
                list.push(self.pick(&TEXTS));
                json!(list)
            }
            "contains" | "prefix" => json!(self.pick(&PARTS)),
            "max_length" => json!(self.range(4, 12)),
            _ => json!(self.pick(&TEXTS)),
        };
        (operator, value)
    }

    fn path_test(&mut self) -> (&'static str, Value) {
        match self.below(10) {
            0..=3 => ("path_within", json!(self.pick(&["/srv", "/srv/data", "/", "/tmp"]))),
            4..=7 => ("regex", json!(self.pick(&PATH_PATTERNS))),
            8 => ("prefix", json!(self.pick(&["/srv/", "/", "/srv/data"]))),
            _ => ("not_in", json!(["/etc/passwd", "/srv/data"])),
        }
    }

    fn one_or_some(&mut self, texts: &[&str]) -> Value {
        let one = self.pick(texts);
        if self.chance(50) {
            return json!(one);
        }
        let mut list = self.some(texts, 40);
        list.push(one);
        json!(list)
    }

    fn list_test(&mut self, field: &str) -> (&'static str, Value) {
        if self.chance(50) {
            return ("max_length", json!(self.range(0, 4)));
        }
        match field {
            "items" => ("contains", json!({"sku": "A-1", "qty": 1})),
            _ => ("contains", json!(self.pick(&["red", "alpha", "A-1"]))),
        }
    }
}
