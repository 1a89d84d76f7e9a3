//! Who says who asks.

use http::header::AUTHORIZATION;
use scopegate_core::{Principal, PrincipalRef};

use super::Head;
use crate::fault::Fault;

/// Where the session comes from: a bearer token, or a layer that has authenticated the request.
/// There is deliberately no way to read it from any other header.
#[derive(Clone, Copy, Debug)]
pub struct SessionFrom(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    Bearer,
    Extension,
}

impl SessionFrom {
    /// The session token in `Authorization: Bearer …`, in exactly one such header.
    pub const fn bearer() -> Self {
        Self(Source::Bearer)
    }

    /// A [`Principal`] that an authentication layer further out has put among the request's
    /// extensions.
    pub const fn extension() -> Self {
        Self(Source::Extension)
    }

    pub(crate) fn find<'r>(&self, head: &Head<'r>) -> Result<PrincipalRef<'r>, Fault> {
        match self.0 {
            Source::Bearer => bearer(head).map(PrincipalRef::Token),
            Source::Extension => head.extensions.get().map(Principal::as_ref).ok_or(Fault::NoSession),
        }
    }
}

fn bearer<'r>(head: &Head<'r>) -> Result<&'r str, Fault> {
    let mut credentials = head.headers.get_all(AUTHORIZATION).iter();
    let credential = credentials.next().ok_or(Fault::NoSession)?;
    if credentials.next().is_some() {
        return Err(Fault::TwoCredentials);
    }
    token(credential.as_bytes()).ok_or(Fault::NoSession)
}

fn token(credential: &[u8]) -> Option<&str> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, mut token) = credential.split_at_checked(SCHEME.len())?;
    while let [b' ', rest @ ..] | [rest @ .., b' '] = token {
        token = rest;
    }
    let known = scheme.eq_ignore_ascii_case(SCHEME) && is_token(token);
    if known { std::str::from_utf8(token).ok() } else { None }
}

/// `token68` of RFC 9110: so two tokens in one header are none.
fn is_token(token: &[u8]) -> bool {
    let mut letters = token;
    while let [rest @ .., b'='] = letters {
        letters = rest;
    }
    // Without a branch for each letter.
    !letters.is_empty()
        && letters.iter().fold(true, |all, b| all & LETTERS.get(usize::from(*b)).is_some_and(|known| *known))
}

/// Which bytes such a token has before its `=`.
#[expect(clippy::indexing_slicing, reason = "while it compiles")]
static LETTERS: [bool; 256] = {
    let mut known = [false; 256];
    let mut byte = 0;
    while byte < known.len() {
        known[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
        byte += 1;
    }
    known
};

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

    #[test]
    fn a_token_has_these_characters() {
        for byte in 0..=127_u8 {
            let known = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_token(&[b'a', byte, b'a']), known, "{byte}");
        }
        assert!(!is_token("é".as_bytes()) && !is_token(b"") && !is_token(b"==") && !is_token(b"a=a"));
    }

    fn check(headers: &[&str], expected: Result<&str, Fault>) {
        let mut request = Request::new(());
        for header in headers {
            request.headers_mut().append(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        }
        assert_eq!(bearer(&Head::of(&request)), expected, "{headers:?}");
    }

    #[test]
    fn one_bearer_token_or_none() {
        check(&["Bearer abc.DEF-1_2~+/=="], Ok("abc.DEF-1_2~+/=="));
        check(&["bEARER  abc "], Ok("abc"));
        for odd in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer  ",
            "Bearer ==",
            "abc",
            "Basic abc",
            "Bearer a b",
            "Bearer a,b",
            "Bearer a, Bearer b",
            "Bearer\tabc",
            "Bearer \u{e9}",
            "BearerX abc",
        ] {
            check(&[odd], Err(Fault::NoSession));
        }
        check(&[], Err(Fault::NoSession));
        check(&["Bearer abc", "Bearer abc"], Err(Fault::TwoCredentials));
        check(&["Basic abc", "Bearer abc"], Err(Fault::TwoCredentials));
    }
}
