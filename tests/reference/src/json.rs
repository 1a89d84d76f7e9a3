//! JSON values, and the strict reader for a call's arguments.

use crate::number::{Decimal, read_ijson};

/// A JSON value; members stay in the order they were written.
#[derive(Debug, Clone)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An exact number.
    Num(Decimal),
    /// A string.
    Str(String),
    /// An array.
    Arr(Vec<Json>),
    /// An object; names are unique.
    Obj(Vec<(String, Json)>),
}

/// Why arguments were refused; for people only.
pub type Refused = &'static str;

impl Json {
    /// The member of that exact name, if this is an object that has it.
    pub fn member(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Obj(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The member of that exact name, `None` also when it is null.
    pub fn present(&self, name: &str) -> Option<&Json> {
        self.member(name).filter(|v| !matches!(v, Json::Null))
    }

    /// Equality of values: numbers by value, the order of members ignored.
    pub fn equals(&self, other: &Json) -> bool {
        match (self, other) {
            (Json::Null, Json::Null) => true,
            (Json::Bool(a), Json::Bool(b)) => a == b,
            (Json::Num(a), Json::Num(b)) => a == b,
            (Json::Str(a), Json::Str(b)) => a == b,
            (Json::Arr(a), Json::Arr(b)) => a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.equals(y)),
            (Json::Obj(a), Json::Obj(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(name, x)| other.member(name).is_some_and(|y| x.equals(y)))
            }
            _ => false,
        }
    }

    /// One text per value (our own form, only ever compared with itself).
    pub fn canonical(&self) -> String {
        match self {
            Json::Null => "null".to_string(),
            Json::Bool(b) => b.to_string(),
            Json::Num(n) => n.canonical(),
            Json::Str(s) => format!("{s:?}"),
            Json::Arr(items) => {
                format!("[{}]", items.iter().map(Json::canonical).collect::<Vec<_>>().join(","))
            }
            Json::Obj(members) => {
                let mut parts: Vec<_> =
                    members.iter().map(|(n, v)| format!("{n:?}:{}", v.canonical())).collect();
                parts.sort();
                format!("{{{}}}", parts.join(","))
            }
        }
    }

    /// A value of the policy document.
    pub fn from_policy(value: &serde_json::Value) -> Json {
        use serde_json::Value;
        match value {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Number(n) => Json::Num(Decimal::parse(&n.to_string())),
            Value::String(s) => Json::Str(s.clone()),
            Value::Array(items) => Json::Arr(items.iter().map(Json::from_policy).collect()),
            Value::Object(members) => {
                Json::Obj(members.iter().map(|(n, v)| (n.clone(), Json::from_policy(v))).collect())
            }
        }
    }
}

/// Reads a call's arguments under every limit of the specification.
pub fn read_arguments(bytes: &[u8]) -> Result<Json, Refused> {
    if bytes.len() > 262_144 {
        return Err("over 262144 bytes");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let mut reader = Reader { text, at: 0, entries: 0 };
    reader.skip_space();
    if reader.peek() != Some(b'{') {
        return Err("the root is not an object"); // a byte order mark ends here, too
    }
    let value = reader.value(1)?;
    reader.skip_space();
    if reader.at == text.len() { Ok(value) } else { Err("trailing data") }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Members plus elements so far, in the whole document.
    entries: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        if self.take(byte) { Ok(()) } else { Err("syntax") }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, Refused> {
        if !self.text[self.at..].starts_with(word) {
            return Err("syntax");
        }
        self.at += word.len();
        Ok(value)
    }

    /// Reads one value; `depth` is the one it has if it is a container.
    fn value(&mut self, depth: usize) -> Result<Json, Refused> {
        match self.peek() {
            Some(b'{' | b'[') if depth > 32 => Err("deeper than 32"),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::Str),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err("syntax"),
        }
    }

    fn count(&mut self) -> Result<(), Refused> {
        self.entries += 1;
        if self.entries > 4096 { Err("over 4096 members and elements") } else { Ok(()) }
    }

    fn object(&mut self, depth: usize) -> Result<Json, Refused> {
        self.expect(b'{')?;
        self.skip_space();
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        if self.take(b'}') {
            return Ok(Json::Obj(members));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            if !names.insert(name.clone()) {
                return Err("duplicate member");
            }
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            let value = self.value(depth + 1)?;
            self.count()?;
            members.push((name, value));
            self.skip_space();
            if self.take(b'}') {
                return Ok(Json::Obj(members));
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, Refused> {
        self.expect(b'[')?;
        self.skip_space();
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::Arr(items));
        }
        loop {
            self.skip_space();
            let value = self.value(depth + 1)?;
            self.count()?;
            items.push(value);
            self.skip_space();
            if self.take(b']') {
                return Ok(Json::Arr(items));
            }
            self.expect(b',')?;
        }
    }

    fn digits(&mut self) -> Result<(), Refused> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err("syntax") } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Json, Refused> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        read_ijson(&self.text[start..self.at]).map(Json::Num).ok_or("not an I-JSON number")
    }

    fn string(&mut self) -> Result<String, Refused> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            let c = self.text[self.at..].chars().next().ok_or("syntax")?;
            self.at += c.len_utf8();
            match c {
                '"' => break,
                '\\' => out.push(self.escape()?),
                '\0'..='\u{1f}' => return Err("control character in a string"),
                _ => out.push(c),
            }
        }
        if out.len() > 65_536 { Err("string over 65536 bytes") } else { Ok(out) }
    }

    fn escape(&mut self) -> Result<char, Refused> {
        let letter = self.peek().ok_or("syntax")?;
        self.at += 1;
        match letter {
            b'"' => Ok('"'),
            b'\\' => Ok('\\'),
            b'/' => Ok('/'),
            b'b' => Ok('\u{8}'),
            b'f' => Ok('\u{c}'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'u' => self.unicode_escape(),
            _ => Err("syntax"),
        }
    }

    fn unicode_escape(&mut self) -> Result<char, Refused> {
        let first = self.four_hex()?;
        let code = match first {
            0xd800..=0xdbff => {
                self.expect(b'\\')?;
                self.expect(b'u')?;
                let second = self.four_hex()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err("lone surrogate");
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            _ => first,
        };
        char::from_u32(code).ok_or("lone surrogate")
    }

    fn four_hex(&mut self) -> Result<u32, Refused> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16)).ok_or("syntax")?;
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(containers: usize) -> String {
        // The root object is one, the arrays are the rest.
        format!("{{\"a\":{}{}}}", "[".repeat(containers - 1), "]".repeat(containers - 1))
    }

    fn elements(n: usize) -> String {
        format!("{{\"a\":[{}]}}", vec!["0"; n].join(","))
    }

    #[test]
    fn accepted() {
        let table = [
            "{}".to_string(),
            " \t\r\n{ \"a\" : [ 1 , 2 ] } ".to_string(),
            r#"{"a":"\ud83d\ude00\u0000\/"}"#.to_string(),
            "{\"a\":\"\u{7f}\u{feff}\"}".to_string(),
            r#"{"a":{"x":1},"A":{"x":1}}"#.to_string(),
            nested(32),
            elements(4095),
            format!("{{\"a\":\"{}\"}}", "x".repeat(65_536)),
        ];
        for text in table {
            assert!(read_arguments(text.as_bytes()).is_ok(), "{text:.80}");
        }
    }

    #[test]
    fn refused() {
        let table = [
            "",
            "[]",
            "1",
            "null",
            "\u{feff}{}",
            "{} x",
            "{}{}",
            "{\"a\":1,}",
            "{,}",
            "{'a':1}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":1e}",
            "{\"a\":NaN}",
            "{\"a\":tru}",
            "{\"a\":[1,]}",
            "{\"a\":\"\t\"}",
            "{\"a\"}",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"{"b":[{"a":1,"\u0061":2}]}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\udc00"}"#,
            r#"{"a":"\ud800\u0041"}"#,
            r#"{"a":"\x41"}"#,
            r#"{"a":"\u00g0"}"#,
            r#"{"a":-0}"#,
            r#"{"a":[-0.0]}"#,
            r#"{"a":9007199254740992}"#,
            "{\"a\":1",
            "{\"a\":\"x",
            "{\"a\":1}\u{a0}",
        ];
        let long = [nested(33), elements(4096), format!("{{\"a\":\"{}\"}}", "x".repeat(65_537))];
        for text in table.iter().map(|t| t.to_string()).chain(long) {
            assert!(read_arguments(text.as_bytes()).is_err(), "{text:.80}");
        }
        assert!(read_arguments(b"{\"a\":\"\xff\"}").is_err());
        assert!(read_arguments(format!("{{}}{}", " ".repeat(262_142)).as_bytes()).is_ok());
        assert!(read_arguments(format!("{{}}{}", " ".repeat(262_143)).as_bytes()).is_err());
    }

    #[test]
    fn equality_and_canonical_agree() {
        let read = |text: &str| read_arguments(text.as_bytes()).expect(text);
        let table = [
            (r#"{"a":1,"b":[true,null]}"#, r#"{"b":[true,null],"a":1.0}"#, true),
            (r#"{"a":100}"#, r#"{"a":1e2}"#, true),
            (r#"{"a":"1"}"#, r#"{"a":1}"#, false),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#, false),
            (r#"{"a":null}"#, r#"{}"#, false),
            (r#"{"a":"\u0041"}"#, r#"{"a":"A"}"#, true),
        ];
        for (a, b, same) in table {
            assert_eq!(read(a).equals(&read(b)), same, "{a} {b}");
            assert_eq!(read(a).canonical() == read(b).canonical(), same, "{a} {b}");
        }
    }
}
