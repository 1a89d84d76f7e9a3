//! Which part of a long list is asked for.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::member::Invalid;
use crate::domain::{Failure, Slice};
use crate::openapi::Doc;

/// `page` and `per_page`, as they stand in a query. What stands there twice is refused.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    page: Option<String>,
    per_page: Option<String>,
}

/// A page, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) page: u64,
    pub(super) per_page: u64,
}

impl Asked {
    pub(super) fn new(page: Option<String>, per_page: Option<String>) -> Self {
        Self { page, per_page }
    }

    /// The page. More than `most` at a time becomes `most`; what is no number of at least 1 is refused.
    pub(super) fn of(&self, usual: u64, most: u64) -> Result<Page, Failure> {
        let page = number("page", self.page.as_deref())?.unwrap_or(1);
        let per_page = number("per_page", self.per_page.as_deref())?.unwrap_or(usual).min(most);
        Ok(Page { page, per_page })
    }
}

impl Page {
    pub(super) fn slice(self) -> Slice {
        let most = usize::try_from(self.per_page).unwrap_or(usize::MAX);
        Slice { skip: (self.page - 1).saturating_mul(self.per_page), most }
    }
}

fn number(name: &str, text: Option<&str>) -> Result<Option<u64>, Invalid> {
    let Some(text) = text else { return Ok(None) };
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits && number > 0 => Ok(Some(number)),
        _ => Err(Invalid::new(name, "must be a whole number from 1 to 999999999")),
    }
}

/// What the document says of it.
pub(super) fn paged(doc: Doc, usual: u64, most: u64) -> Doc {
    let number = |usual: u64| -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": 999_999_999, "default": usual })
    };
    doc.asks("page", "Which page, from 1", &number(1)).asks(
        "per_page",
        &format!("How many at a time; {most} at most"),
        &number(usual),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(page: Option<&str>, per_page: Option<&str>) -> Result<Page, String> {
        let asked = Asked { page: page.map(str::to_owned), per_page: per_page.map(str::to_owned) };
        asked.of(50, 200).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_page_has_its_bounds() {
        for (page, per_page, expected) in [
            (None, None, (1, 50, 0)),
            (Some("3"), None, (3, 50, 100)),
            (None, Some("200"), (1, 200, 0)),
            (Some("2"), Some("201"), (2, 200, 200)),
            (Some("999999999"), Some("999999999"), (999_999_999, 200, 199_999_999_600)),
        ] {
            let read = asked(page, per_page).unwrap();
            assert_eq!((read.page, read.per_page, read.slice().skip), expected);
        }
    }

    #[test]
    fn what_is_no_page_is_refused_by_name() {
        for bad in
            ["0", "-1", "", " 1", "1.5", "1e3", "+1", "0x10", "abc", "1000000000", "18446744073709551616"]
        {
            assert!(asked(Some(bad), None).unwrap_err().starts_with("`page`"), "{bad}");
            assert!(asked(None, Some(bad)).unwrap_err().starts_with("`per_page`"), "{bad}");
        }
    }
}
