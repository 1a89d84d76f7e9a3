//! Escapes inside JSON strings.

use std::borrow::Cow;

/// The length of a string once unescaped; `Err(true)` for a lone surrogate, `Err(false)` for an
/// escape that JSON does not know.
pub(super) fn unescaped_len(raw: &str) -> Result<usize, bool> {
    let mut len = 0;
    walk(raw, |c| len += c.len_utf8())?;
    Ok(len)
}

/// The string itself; `None` when an escape is wrong.
pub(super) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    let mut text = String::with_capacity(raw.len());
    walk(raw, |c| text.push(c)).ok()?;
    Some(Cow::Owned(text))
}

fn walk(raw: &str, mut push: impl FnMut(char)) -> Result<(), bool> {
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            push(c);
            continue;
        }
        push(match rest.next().ok_or(false)? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode(&mut rest)?,
            _ => return Err(false),
        });
    }
    Ok(())
}

fn unicode(rest: &mut std::str::Chars<'_>) -> Result<char, bool> {
    let first = hex(rest)?;
    if !(0xD800..0xE000).contains(&first) {
        return char::from_u32(first).ok_or(true);
    }
    if first >= 0xDC00 || rest.next() != Some('\\') || rest.next() != Some('u') {
        return Err(true);
    }
    let second = hex(rest)?;
    if !(0xDC00..0xE000).contains(&second) {
        return Err(true);
    }
    char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)).ok_or(true)
}

fn hex(rest: &mut std::str::Chars<'_>) -> Result<u32, bool> {
    let mut code = 0;
    for _ in 0..4 {
        code = code * 16 + rest.next().and_then(|c| c.to_digit(16)).ok_or(false)?;
    }
    Ok(code)
}
