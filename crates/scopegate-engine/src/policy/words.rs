//! What a reading error says to whoever wrote the file.

use serde_saphyr::Error;

/// Most names that are listed; where there are more, only the nearest helps.
const LISTED: usize = 8;
/// Most edits between a name and the one that was probably meant.
const TYPO: usize = 3;

/// The message without the place, which stands before it already.
pub(super) fn words(error: &Error) -> String {
    let text = error.to_string();
    let text = text.lines().next().unwrap_or_default();
    // Advice to whoever calls the YAML library means nothing to whoever wrote the file.
    let ends = [" at line ", ", set DuplicateKeyPolicy", "; use "].iter().filter_map(|end| text.find(end));
    let cut = ends.min().and_then(|at| text.get(..at)).unwrap_or(text);
    match error {
        Error::SerdeUnknownField { field, expected, .. } if expected.len() > LISTED => {
            unknown_field(field, expected)
        }
        _ => cut.trim_start_matches("error: ").to_owned(),
    }
}

fn unknown_field(field: &str, known: &[&str]) -> String {
    let near = known.iter().map(|name| (strsim::damerau_levenshtein(name, field), name)).min();
    let meant = match near {
        Some((edits, name)) if edits <= TYPO && edits < name.len() / 2 => format!("; did you mean `{name}`?"),
        _ => String::new(),
    };
    format!("unknown field `{field}`{meant} (`scopegate schema` lists all fields)")
}
