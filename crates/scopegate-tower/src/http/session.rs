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
    let (scheme, token) =
        credential.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Fault::NoSession)?;
    let token = token.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") && is_token(token) { Ok(token) } else { Err(Fault::NoSession) }
}

/// `token68` of RFC 9110: so two tokens in one header are none.
fn is_token(text: &str) -> bool {
    let letters = text.trim_end_matches('=');
    !letters.is_empty() && letters.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

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
