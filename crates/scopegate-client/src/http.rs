//! The one place that sends: what a request looks like, how long it may take, how much of an answer
//! is read, and what its status means.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::redirect::Policy;
use reqwest::{Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use url::Url;

use crate::answer::{self, Answer};
use crate::error::{BuildError, ClientError, Outage};
use crate::routes::Route;
use crate::tls::{self, Trust};

const API_KEY: HeaderName = HeaderName::from_static("x-scopebound-api-key");
/// What stands in a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The longest answer that is read at once: ten thousand roles with their constraints.
const MOST: usize = 64 * 1024 * 1024;

/// Connections to one plane.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: Url,
    key: Option<HeaderValue>,
    timeout: Duration,
}

impl Http {
    pub(crate) fn new(
        base: Url,
        key: Option<HeaderValue>,
        ca: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, BuildError> {
        let trust = match (base.scheme(), ca) {
            ("http", None) => Trust::Nobody,
            (_, None) => Trust::System,
            (_, Some(path)) => Trust::File(path),
        };
        let builder = reqwest::Client::builder();
        // A forward proxy would read the key that goes over plain http, and could decide itself.
        let builder = if base.scheme() == "http" { builder.no_proxy() } else { builder };
        let client = builder
            .tls_backend_preconfigured(tls::config(trust)?)
            // A redirect would take the key to somewhere else.
            .redirect(Policy::none())
            .connect_timeout(timeout)
            .tcp_nodelay(true)
            .user_agent(concat!("scopegate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| BuildError::Connections(error.to_string()))?;
        Ok(Self { client, base, key, timeout })
    }

    pub(crate) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A request for a route, with what its path leaves open.
    pub(crate) fn ask(&self, route: &Route, names: &[&str]) -> Result<Ask<'_>, ClientError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), fill(route.path, names)?));
        let mut request = Request::new(route.method.clone(), url);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(key) = &self.key {
            request.headers_mut().insert(API_KEY, key.clone());
        }
        Ok(Ask { http: self, request, timeout: self.timeout })
    }
}

/// The secret is left out.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|_| "(secret)");
        let mut shown = f.debug_struct("Http");
        shown.field("url", &self.base.as_str()).field("key", &key).field("timeout", &self.timeout);
        shown.finish_non_exhaustive()
    }
}

/// A request that was not sent yet.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    http: &'a Http,
    request: Request,
    timeout: Duration,
}

impl Ask<'_> {
    /// With these behind its path.
    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        let pair = |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, PLAIN));
        let query = pairs.iter().map(pair).collect::<Vec<_>>().join("&");
        self.request.url_mut().set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        self
    }

    /// With this as its body.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| ClientError::Invalid(error.to_string()))?;
        *self.request.body_mut() = Some(body.into());
        self.request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    /// The answer, read to its end: all of it within the time that there is.
    pub(crate) async fn answer(self) -> Result<Answer, ClientError> {
        let after = self.timeout;
        let mut began = false;
        let whole = async {
            let mut response = send(self.http, self.request).await?;
            began = true;
            let (status, mut body) = (response.status(), Vec::new());
            while let Some(chunk) = read(&mut response).await? {
                body.extend_from_slice(&chunk);
                if body.len() > MOST {
                    return Err(answer::garbage(status, "it is too long", &body));
                }
            }
            Ok(Answer { status, body })
        };
        match timeout(after, whole).await {
            Ok(told) => told,
            // What began may have been a no.
            Err(_) if began => {
                let reason = format!("an answer began, and did not end within {after:?}");
                Err(ClientError::Unavailable { outage: Outage::Lost, reason })
            }
            Err(_) => Err(ClientError::Timeout(after)),
        }
    }

    /// What a good answer says.
    pub(crate) async fn told<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        self.answer().await?.good()?.json()
    }

    /// A good answer that is read piece by piece, however long; each piece comes within the time that
    /// there is.
    pub(crate) async fn stream(self) -> Result<Pieces, ClientError> {
        let after = self.timeout;
        let begun = timeout(after, send(self.http, self.request));
        let response = begun.await.unwrap_or(Err(ClientError::Timeout(after)))?;
        let mut pieces = Pieces { response, pause: after };
        let status = pieces.response.status();
        if status == StatusCode::OK {
            return Ok(pieces);
        }
        let body = pieces.next().await?.unwrap_or_default();
        match (Answer { status, body: body.to_vec() }).good() {
            Ok(answer) => Err(answer::garbage(status, "it is not what was asked for", &answer.body)),
            Err(error) => Err(error),
        }
    }
}

/// An answer that is still coming in.
#[derive(Debug)]
pub(crate) struct Pieces {
    response: Response,
    pause: Duration,
}

impl Pieces {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        timeout(self.pause, read(&mut self.response)).await.unwrap_or(Err(ClientError::Timeout(self.pause)))
    }
}

async fn send(http: &Http, request: Request) -> Result<Response, ClientError> {
    http.client.execute(request).await.map_err(|error| match error.is_timeout() {
        true => ClientError::Timeout(http.timeout),
        false => {
            let outage = if error.is_connect() { Outage::Connect } else { Outage::Lost };
            ClientError::Unavailable { outage, reason: why(&error) }
        }
    })
}

/// An answer that breaks off is none: what it would have said is not known.
async fn read(response: &mut Response) -> Result<Option<Bytes>, ClientError> {
    let status = response.status();
    response.chunk().await.map_err(|error| answer::garbage(status, &why(&error), b""))
}

/// An error with all that caused it, without the address: that stands in the configuration.
fn why(error: &reqwest::Error) -> String {
    let mut cause = std::error::Error::source(error);
    let mut words = match cause {
        None => vec!["the connection failed".to_owned()],
        Some(_) => Vec::new(),
    };
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    words.dedup();
    words.join(": ")
}

/// A path with its names filled in. Nothing in a name can lead to another path.
fn fill(path: &str, names: &[&str]) -> Result<String, ClientError> {
    let mut names = names.iter();
    let mut filled = String::with_capacity(path.len());
    for segment in path.split('/').skip(1) {
        filled.push('/');
        match segment.starts_with('{') {
            true => {
                let name = *names.next().unwrap_or(&"");
                // Whatever resolves a path takes these away, encoded or not.
                if matches!(name, "" | "." | "..") {
                    return Err(ClientError::Invalid(format!("`{name}` cannot stand in a path")));
                }
                filled.extend(utf8_percent_encode(name, PLAIN));
            }
            false => filled.push_str(segment),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment_of_its_path() {
        for (name, path) in [
            ("payer", "/mgmt/v1/roles/payer"),
            ("a/b", "/mgmt/v1/roles/a%2Fb"),
            ("a b?c#d%2e", "/mgmt/v1/roles/a%20b%3Fc%23d%252e"),
            ("a\nb\tc", "/mgmt/v1/roles/a%0Ab%09c"),
            ("\u{e9}", "/mgmt/v1/roles/%C3%A9"),
            ("...", "/mgmt/v1/roles/..."),
            ("%2e%2e", "/mgmt/v1/roles/%252e%252e"),
        ] {
            assert_eq!(fill("/mgmt/v1/roles/{id}", &[name]).unwrap(), path);
            let mut url = Url::parse("http://plane").unwrap();
            url.set_path(path);
            assert_eq!(url.path(), path);
        }
        for bad in ["", ".", ".."] {
            assert!(fill("/mgmt/v1/roles/{id}", &[bad]).is_err(), "{bad}");
        }
    }
}
