//! Making hostile text safe to look at.

use std::fmt::Write as _;

/// The text with everything marked that is not plain ASCII: letters and digits of other scripts
/// keep their shape and are followed by `<U+0430>`; whatever could be invisible, reorder the line
/// or drive the terminal is replaced by its mark alone.
pub(crate) fn reveal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == ' ' || c.is_ascii_graphic() {
            shown.push(c);
            continue;
        }
        if c.is_alphanumeric() {
            shown.push(c);
        }
        // Writing to a string cannot fail.
        let _ = write!(shown, "<U+{:04X}>", u32::from(c));
    }
    shown
}

/// The same for JSON text: everything beyond plain ASCII as the escapes that JSON has for it, so
/// that a reader of the JSON gets the very same strings.
pub(crate) fn ascii_json(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\x7f' {
            plain.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(plain, "\\u{unit:04x}");
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_what_can_be_seen() {
        for (text, shown) in [
            ("pay 10 to bob@example.com", "pay 10 to bob@example.com"),
            ("p\u{430}ypal", "p\u{430}<U+0430>ypal"),
            ("\u{1b}[31mred\r\n", "<U+001B>[31mred<U+000D><U+000A>"),
            ("exe.\u{202e}gpj", "exe.<U+202E>gpj"),
            ("a\u{200b}b\u{9b}1m\u{7f}", "a<U+200B>b<U+009B>1m<U+007F>"),
            ("\u{feff}\u{e0041}", "<U+FEFF><U+E0041>"),
        ] {
            assert_eq!(reveal(text), shown);
        }
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"a": "\u{202e}\u{1f600}é\u{7f}\u{1b}"});
        let plain = ascii_json(&value.to_string());
        assert!(plain.bytes().all(|b| (b' '..0x7f).contains(&b)), "{plain}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&plain).unwrap(), value);
    }
}
