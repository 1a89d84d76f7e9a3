//! A server somewhere, over streamable HTTP.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT;
use http::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::Verifier;
use scopegate_core::is_this_machine;
use url::Url;

use super::error::UpstreamError;

/// Sessions over one set of connections.
pub(crate) type HttpTransport = StreamableHttpClientTransport<reqwest::Client>;

/// Where a server is, and what it is sent beside the protocol: never anything that a client sent.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    headers: HashMap<HeaderName, HeaderValue>,
}

impl Endpoint {
    /// A server at this address, http or https.
    ///
    /// # Errors
    /// [`UpstreamError::Url`].
    pub fn new(url: &str) -> Result<Self, UpstreamError> {
        let parsed = Url::parse(url.trim());
        let url = parsed.map_err(|error| UpstreamError::Url { url: unread(url), why: error.to_string() })?;
        let refuse = |why: &str| Err(UpstreamError::Url { url: shown(&url), why: why.to_owned() });
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("it begins with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("a user name or password does not belong there; send a header");
        }
        Ok(Self { url, headers: HashMap::new() })
    }

    /// One more header, such as `Authorization`. Its value is never shown.
    ///
    /// # Errors
    /// [`UpstreamError::Header`].
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, UpstreamError> {
        let refuse = |why: &str| UpstreamError::Header { name: name.to_owned(), why: why.to_owned() };
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse("that is no name of a header"))?;
        let mut value =
            HeaderValue::from_str(value).map_err(|_| refuse("its value cannot stand in a header"))?;
        value.set_sensitive(true);
        if self.is_open() {
            return Err(refuse("a secret does not go over plain http to another machine; use https"));
        }
        self.headers.insert(parsed, value);
        Ok(self)
    }

    /// A name for the server, where nobody gave it one.
    pub fn name(&self) -> Option<&str> {
        self.url.host_str()
    }

    /// Whether others may read along.
    fn is_open(&self) -> bool {
        self.url.scheme() == "http" && !self.url.host_str().is_some_and(is_this_machine)
    }

    /// Nothing is sent yet.
    pub(crate) fn open(&self) -> Result<HttpTransport, UpstreamError> {
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str())
            .custom_headers(self.headers.clone());
        Ok(StreamableHttpClientTransport::with_client(self.client()?, config))
    }

    /// Whether anybody answers there at all, and in which way not.
    pub(crate) async fn answers(&self) -> Result<(), UpstreamError> {
        let asked = self.client()?.get(self.url.clone()).headers(self.headers.clone().into_iter().collect());
        match asked.header(ACCEPT, "text/event-stream").send().await {
            Ok(_) => Ok(()),
            // The address may hold a secret; whose it is stands before this.
            Err(error) => Err(UpstreamError::Connections(chain(&error.without_url()))),
        }
    }

    fn client(&self) -> Result<reqwest::Client, UpstreamError> {
        let builder = reqwest::Client::builder();
        // A forward proxy would read what goes over plain http.
        let builder = if self.url.scheme() == "http" { builder.no_proxy() } else { builder };
        builder
            .tls_backend_preconfigured(tls()?)
            // A redirect would take calls and secrets to somewhere else.
            .redirect(Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            .user_agent(concat!("scopegate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| UpstreamError::Connections(error.to_string()))
    }
}

/// An address without what may be secret: user, password, query.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.set_fragment(None);
    shown.to_string()
}

/// The same of what is no address.
fn unread(url: &str) -> String {
    let place = url.rsplit_once('@').map_or(url, |(_, place)| place);
    place.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// What went wrong, and why, and why that.
fn chain(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The secrets are left out.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &shown(&self.url)).finish_non_exhaustive()
    }
}

/// rustls with ring, whatever else the process has chosen; trusts whom the system trusts.
fn tls() -> Result<ClientConfig, UpstreamError> {
    let failed = |error: rustls::Error| UpstreamError::Connections(error.to_string());
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier::new(provider.clone()).map_err(failed)?);
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(failed)?.dangerous().with_custom_certificate_verifier(verifier);
    Ok(builder.with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_and_a_password_not_repeated() {
        for (url, why) in [
            ("ftp://a/b", "http://"),
            ("not an address", "relative URL"),
            ("https://me:secret@a/mcp", "does not belong"),
            ("https://me:secret@a b/mcp", "invalid"),
            ("ftp://a/b?key=secret", "http://"),
            ("https://[/?key=secret", "invalid"),
        ] {
            let error = Endpoint::new(url).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
        let debugged = format!("{:?}", Endpoint::new("https://a/mcp?key=secret").unwrap());
        assert!(debugged.contains("https://a/mcp") && !debugged.contains("secret"), "{debugged}");
    }

    #[test]
    fn secrets_stay_here_or_go_encrypted() {
        let send = |url: &str| Endpoint::new(url).unwrap().header("authorization", "Bearer s3cret");
        for url in
            ["http://127.0.0.1:1/mcp", "http://[::1]/mcp", "http://localhost/", "https://a.example/mcp"]
        {
            assert!(!format!("{:?}", send(url).unwrap()).contains("s3cret"));
        }
        for url in ["http://a.example/mcp", "http://127.0.0.1.nip.example/", "http://10.0.0.1/"] {
            assert!(send(url).unwrap_err().to_string().contains("https"), "{url}");
        }
    }

    #[test]
    fn a_header_is_checked() {
        let at = || Endpoint::new("https://a.example/").unwrap();
        assert!(at().header("a b", "x").is_err());
        assert!(at().header("x-token", "a\r\nb: c").is_err());
    }
}
