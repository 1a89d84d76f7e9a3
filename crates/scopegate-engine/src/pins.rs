//! The file that pins stand in: JSON that is written to be reviewed, and read strictly.

use scopegate_core::pin::{Pins, is_odd};
use serde_json::{Map, Value};

use crate::policy::{PolicyFileError, read_strictly};

/// Reads pins, JSON or YAML; `file` names them in errors.
///
/// # Errors
/// [`PolicyFileError`]: the first problem, with line and column: not the format, an unknown or a second member,
/// a digest that is not the definition's.
pub fn read_pins(text: &str, file: &str) -> Result<Pins, PolicyFileError> {
    let pins: Pins = read_strictly(text, file)?;
    pins.check().map_err(|error| PolicyFileError {
        file: file.to_owned(),
        line: 1,
        column: 1,
        message: error.to_string(),
    })?;
    Ok(pins)
}

/// Pins as a file holds them: sorted, one member a line, a text of several lines as one line each, and every
/// character that could hide in a review as its escape.
pub fn write_pins(pins: &Pins) -> String {
    let value = serde_json::to_value(pins).map(sorted).unwrap_or_default();
    // A JSON value of texts, numbers and lists always has a text.
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    if text.chars().any(hides) {
        text = text.chars().map(|c| if hides(c) { escape(c) } else { c.to_string() }).collect();
    }
    text.push('\n');
    text
}

/// Whatever order the build keeps members in.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(elements) => elements.into_iter().map(sorted).collect(),
        plain => plain,
    }
}

/// Such characters stand in texts only: around them JSON has none.
fn hides(c: char) -> bool {
    c == '\u{7f}' || (!c.is_ascii() && is_odd(c))
}

fn escape(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[cfg(test)]
mod tests {
    use scopegate_core::CatalogueTool;
    use scopegate_core::pin::{Pin, ServerPins};
    use serde_json::json;

    use super::*;

    fn pins(tools: &[Value]) -> Pins {
        let tools = tools.iter().map(|tool| CatalogueTool::from_listed(tool).unwrap());
        let pins: ServerPins = tools.map(|tool| (tool.name.clone(), Pin::of(&tool).unwrap())).collect();
        Pins { servers: [("files".into(), pins)].into(), ..Pins::default() }
    }

    #[test]
    fn what_is_written_is_read_again_whatever_a_server_says() {
        let odd = "a\u{200b}b \u{202e}c\u{e0041} \u{1b}[8m\u{7f}\u{9b}\u{85}\u{2028}\u{feff} # no: {comment} 'q' \"q\" \\";
        let hostile = json!({
            "name": "t",
            "title": " yes ",
            "description": format!("{odd}\nsecond\n\n  - third: [x]\r\n\ttab\nnull"),
            "inputSchema": {
                "type": "object", "properties": {
                    (odd): {"enum": ["1e3", "0x10", "~", "", null, true, 1.5, -0.25, u64::MAX, i64::MIN, "é😀"]},
                    "<<": {"default": "*a", "description": "&b !c |\n>-"},
                },
            },
            "annotations": {"title": "---"},
        });
        let pins = pins(&[hostile, json!({"name": "bare"}), json!({"name": "empty", "description": ""})]);
        let text = write_pins(&pins);
        assert_eq!(read_pins(&text, "p"), Ok(pins.clone()), "{text}");
        assert!(!text.chars().any(|c| c != '\n' && is_odd(c)), "nothing hides");
        assert_eq!(write_pins(&read_pins(&text, "p").unwrap()), text);
    }

    #[test]
    fn a_change_of_one_line_is_one_line() {
        let written = |line: &str| {
            let description = format!("first\n{line}\nlast");
            let text = write_pins(&pins(&[json!({"name": "t", "description": description})]));
            text.lines().filter(|line| !line.contains("sha256")).map(str::to_owned).collect::<Vec<_>>()
        };
        let (before, after) = (written("before"), written("after"));
        let differing = before.iter().zip(&after).filter(|(before, after)| before != after);
        assert_eq!(differing.count(), 1);
    }

    #[test]
    fn a_file_that_is_not_quite_pins_is_refused_with_its_place() {
        let digest = "0".repeat(64);
        for (text, said) in [
            ("", "unexpected end of input"),
            ("{}", "missing field"),
            ("{version: 2, servers: {}}", "version 2 of pins is not known"),
            ("{version: 1}", "missing field `servers`"),
            ("{version: 1, servers: {}, more: 1}", "unknown field `more`"),
            ("{version: 1, servers: {a: {}, a: {}}}", "duplicate"),
            ("{version: 1, servers: {'a b': {}}}", "is not a name"),
            ("{version: 1, servers: {a: {t: {}}}}", "missing field `sha256`"),
            (
                &format!("{{version: 1, servers: {{a: {{t: {{sha256: '{digest}'}}}}}}}}"),
                "the digest is not that of",
            ),
            (
                &format!("{{version: 1, servers: {{a: {{t: {{sha256: '{digest}', approved: true}}}}}}}}"),
                "unknown field",
            ),
            ("{version: 1, servers: {a: {t: {sha256: 'ABC'}}}}", "64 hexadecimal digits"),
        ] {
            let error = read_pins(text, "pins.json").unwrap_err();
            assert!(error.to_string().contains(said) && error.file == "pins.json", "{text}: {error}");
        }
    }

    #[test]
    fn a_large_server_fits() {
        let properties: Map<String, Value> = (0..20)
            .map(|n| {
                (format!("field_{n}"), json!({"type": "string", "description": "What it is. ".repeat(9)}))
            })
            .collect();
        let tool = |n: usize| json!({"name": format!("tool_{n}"), "inputSchema": {"type": "object", "properties": properties}});
        let pins = pins(&(0..500).map(tool).collect::<Vec<_>>());
        assert_eq!(read_pins(&write_pins(&pins), "p"), Ok(pins));
    }
}
