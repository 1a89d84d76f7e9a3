//! What looks odd in a tool's definition: instructions to the model, and characters that hide something.
//!
//! A hint, not a proof: a clean definition is not thereby harmless, and an odd one may be honest.

use serde_json::Value;
use unicode_security::MixedScript;

use super::phrases::PHRASES;
use crate::catalogue::CatalogueTool;

/// Most hints on one tool: a hostile definition is not worth a longer list.
const MOST: usize = 16;
/// Blank space this long pushes what follows out of sight.
const MARGIN: usize = 64;

/// Something odd, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hint {
    /// The place in the definition: `description`, `inputSchema/properties/path/description`.
    pub place: String,
    /// What it is.
    pub kind: HintKind,
}

/// What looks odd.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HintKind {
    /// Speaks to the model about its orders, its user or other tools, with these words.
    Instruction(&'static str),
    /// A character that cannot be seen.
    Invisible(char),
    /// A character that changes the order in which a line is shown.
    Reorders(char),
    /// A tag character: ASCII that no screen shows.
    Tag(char),
    /// A control character; ESC begins a terminal's commands.
    Control(char),
    /// A word of letters from several scripts, or of letters that look like ASCII and are not.
    LookAlike(String),
    /// Blank space that pushes what follows out of sight.
    Margin,
}

impl std::fmt::Display for HintKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Instruction(words) => write!(f, "speaks to the model: `{words}`"),
            Self::Invisible(c) => write!(f, "invisible character U+{:04X}", u32::from(*c)),
            Self::Reorders(c) => write!(f, "character U+{:04X} reorders the line", u32::from(*c)),
            Self::Tag(c) => write!(f, "hidden text in tag characters (U+{:04X})", u32::from(*c)),
            Self::Control('\u{1b}') => f.write_str("a terminal's escape sequence"),
            Self::Control(c) => write!(f, "control character U+{:04X}", u32::from(*c)),
            Self::LookAlike(word) => write!(f, "look-alike letters in `{}`", word.escape_unicode()),
            Self::Margin => f.write_str("blank space that pushes what follows out of sight"),
        }
    }
}

/// What looks odd in a tool's definition, each kind once a place.
pub fn hints(tool: &CatalogueTool) -> Vec<Hint> {
    let mut hints = Vec::new();
    let texts = [("title", &tool.title), ("description", &tool.description)];
    for (place, text) in texts.into_iter().filter_map(|(place, text)| Some((place, text.as_ref()?))) {
        look(place, text, &mut hints);
    }
    if let Some(schema) = &tool.input_schema {
        schema.iter().for_each(|(name, value)| walk(&format!("inputSchema/{name}"), value, &mut hints));
        schema.keys().for_each(|name| look("inputSchema", name, &mut hints));
    }
    for (place, value) in [("outputSchema", &tool.output_schema), ("annotations", &tool.annotations)] {
        value.iter().for_each(|value| walk(place, value, &mut hints));
    }
    hints
}

/// What looks odd in one text.
pub(super) fn hints_of_text(place: &str, text: &str) -> Vec<Hint> {
    let mut hints = Vec::new();
    look(place, text, &mut hints);
    hints
}

/// Models are shown the whole schema: names, descriptions, defaults, what `enum` lists.
fn walk(place: &str, value: &Value, hints: &mut Vec<Hint>) {
    if hints.len() >= MOST {
        return;
    }
    match value {
        Value::String(text) => look(place, text, hints),
        Value::Array(elements) => elements.iter().for_each(|value| walk(place, value, hints)),
        Value::Object(members) => {
            members.keys().for_each(|name| look(place, name, hints));
            members.iter().for_each(|(name, value)| walk(&format!("{place}/{name}"), value, hints));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn look(place: &str, text: &str, hints: &mut Vec<Hint>) {
    let mut add = |kind: HintKind| {
        let hint = Hint { place: place.to_owned(), kind };
        if hints.len() < MOST && !hints.contains(&hint) {
            hints.push(hint);
        }
    };
    let folded = fold(text);
    PHRASES
        .iter()
        .filter(|phrase| folded.contains(*phrase))
        .for_each(|words| add(HintKind::Instruction(words)));
    text.chars().filter_map(odd).for_each(&mut add);
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| is_look_alike(word)).for_each(|word| add(HintKind::LookAlike(cut(word))));
    if hides_behind_space(text) {
        add(HintKind::Margin);
    }
}

/// Lower case, one space between words, without what cannot be seen: so phrases are found that were broken
/// up to be missed.
fn fold(text: &str) -> String {
    let visible: String = text.chars().filter(|c| c.is_whitespace() || odd(*c).is_none()).collect();
    let visible = visible.replace('\u{2019}', "'").to_lowercase();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a character is shown as nothing, or as something else than it is.
pub fn is_odd(c: char) -> bool {
    odd(c).is_some()
}

fn odd(c: char) -> Option<HintKind> {
    match c {
        '\n' | '\t' | '\r' => None,
        '\u{e0000}'..='\u{e007f}' => Some(HintKind::Tag(c)),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            Some(HintKind::Reorders(c))
        }
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0100}'..='\u{e01ef}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{f0000}'..='\u{10ffff}' => Some(HintKind::Invisible(c)),
        _ if c.is_control() => Some(HintKind::Control(c)),
        _ => None,
    }
}

/// `pаypal` with a Cyrillic а mixes scripts; `ѕсоре`, all Cyrillic, reads as ASCII; so does `ｒｕｎ`, full width.
fn is_look_alike(word: &str) -> bool {
    if word.is_ascii() {
        return false;
    }
    let skeleton = || unicode_security::skeleton(word).collect::<String>();
    !word.is_single_script() || skeleton().is_ascii()
}

fn hides_behind_space(text: &str) -> bool {
    let mut run = 0;
    text.trim_end().chars().any(|c| {
        run = if c.is_whitespace() { run + 1 } else { 0 };
        run >= MARGIN
    })
}

fn cut(word: &str) -> String {
    word.chars().take(32).collect()
}
