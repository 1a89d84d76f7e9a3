//! How a client is made: from a URL and a key, or from the environment.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use scopegate_core::is_this_machine;
use url::Url;

use crate::client::Client;
use crate::error::BuildError;
use crate::http::Http;

/// How long an answer may take unless it is said otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Makes a [`Client`].
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    url: Option<String>,
    key: Option<String>,
    ca: Option<PathBuf>,
    timeout: Duration,
    plain: bool,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self { url: None, key: None, ca: None, timeout: TIMEOUT, plain: false }
    }
}

impl ClientBuilder {
    /// Where a plane listens unless it is told otherwise.
    pub const DEFAULT_URL: &str = "http://127.0.0.1:8080";

    /// Where the plane is: `https://plane.example.com`, also below a path.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The API key. Without one, only what anybody may ask is answered.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// A file of certificates, PEM. Then only they are trusted, and not what the system trusts.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca = Some(path.into());
        self
    }

    /// How long an answer may take, from the moment it is asked for; of a long one, how long it may
    /// pause. 5 seconds unless given.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets the key go over plain http to another machine, where whoever stands between reads it, and can
    /// answer in the plane's place. Without this only https does, and http on this machine.
    pub fn danger_plain_http(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Fills in what was not given from `SCOPEGATE_URL`, `SCOPEGATE_API_KEY`, `SCOPEGATE_CA_FILE` and
    /// `SCOPEGATE_PLAIN_HTTP=danger` (as [`danger_plain_http`](Self::danger_plain_http)), or else from
    /// `SCOPEBOUND_BASE_URL` and `SCOPEBOUND_API_KEY`. An empty variable counts as none.
    pub fn env(self) -> Self {
        self.fill(|name| std::env::var(name).ok())
    }

    fn fill(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let first =
            |names: &[&str]| names.iter().filter_map(|name| variable(name)).find(|text| !text.is_empty());
        self.url = self.url.or_else(|| first(&["SCOPEGATE_URL", "SCOPEBOUND_BASE_URL"]));
        self.key = self.key.or_else(|| first(&["SCOPEGATE_API_KEY", "SCOPEBOUND_API_KEY"]));
        self.ca = self.ca.or_else(|| first(&["SCOPEGATE_CA_FILE"]).map(PathBuf::from));
        self.plain = self.plain || first(&["SCOPEGATE_PLAIN_HTTP"]).as_deref() == Some("danger");
        self
    }

    /// Whether there is a key so far.
    pub fn has_api_key(&self) -> bool {
        self.key.is_some()
    }

    /// Fills in what was not given from another builder.
    pub fn or(self, other: Self) -> Self {
        let Self { url, key, ca, timeout, plain } = self;
        let plain = plain || other.plain;
        Self { url: url.or(other.url), key: key.or(other.key), ca: ca.or(other.ca), timeout, plain }
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self) -> Result<Client, BuildError> {
        let base = base(self.url.as_deref().unwrap_or(Self::DEFAULT_URL))?;
        let key = self.key.as_deref().map(str::trim).filter(|key| !key.is_empty()).map(header).transpose()?;
        if key.is_some() && is_open(&base) && !self.plain {
            return Err(BuildError::Plain(base.to_string()));
        }
        Ok(Client::new(Http::new(base, key, self.ca.as_deref(), self.timeout)?))
    }
}

/// The secret is left out.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, key, ca, timeout, plain } = self;
        let key = key.as_ref().map(|_| "(secret)");
        f.debug_struct("ClientBuilder")
            .field("url", url)
            .field("key", &key)
            .field("ca", ca)
            .field("timeout", timeout)
            .field("plain", plain)
            .finish()
    }
}

/// The plane's place, without a slash at its end.
fn base(text: &str) -> Result<Url, BuildError> {
    let text = text.trim();
    let url = Url::parse(text).map_err(|error| BuildError::Url(text.to_owned(), error.to_string()))?;
    let refuse = |why: &str| {
        // A password is not repeated.
        let mut shown = url.clone();
        let _ = shown.set_password(None);
        Err(BuildError::Url(shown.to_string(), why.to_owned()))
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("it begins with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("a user name or password does not belong there; the key is given apart");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("nothing may follow its path");
    }
    Ok(url)
}

/// Whether others may read along.
fn is_open(url: &Url) -> bool {
    url.scheme() == "http" && !url.host_str().is_some_and(is_this_machine)
}

fn header(key: &str) -> Result<HeaderValue, BuildError> {
    let mut value = HeaderValue::from_str(key).map_err(|_| BuildError::Key)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(builder: ClientBuilder, variables: &[(&str, &str)]) -> (Option<String>, Option<String>) {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let builder = builder.fill(find);
        (builder.url, builder.key)
    }

    #[test]
    fn what_is_given_beats_the_environment_and_our_names_beat_theirs() {
        let some = |url: &str, key: &str| (Some(url.to_owned()), Some(key.to_owned()));
        let theirs = [("SCOPEBOUND_BASE_URL", "http://b"), ("SCOPEBOUND_API_KEY", "kb")];
        let both = [&theirs[..], &[("SCOPEGATE_URL", "http://g"), ("SCOPEGATE_API_KEY", "kg")]].concat();
        let new = ClientBuilder::default;
        assert_eq!(filled(new(), &[]), (None, None));
        assert_eq!(filled(new(), &theirs), some("http://b", "kb"));
        assert_eq!(filled(new(), &both), some("http://g", "kg"));
        assert_eq!(filled(new().url("http://f").api_key("kf"), &both), some("http://f", "kf"));
        let empty = [&theirs[..], &[("SCOPEGATE_URL", ""), ("SCOPEGATE_API_KEY", "")]].concat();
        assert_eq!(filled(new(), &empty), some("http://b", "kb"));
    }

    #[test]
    fn no_secret_is_shown() {
        let builder = ClientBuilder::default().url("http://127.0.0.1:9").api_key("sb-dev-secret");
        let client = builder.clone().build().unwrap();
        for shown in [format!("{builder:?}"), format!("{client:?}")] {
            assert!(shown.contains("127.0.0.1:9") && !shown.contains("sb-dev-secret"), "{shown}");
        }
        for bad in ["sb-dev\nsecret", "sb-dev-\u{e9}\u{7f}"] {
            let error = ClientBuilder::default().api_key(bad).build().unwrap_err();
            assert!(matches!(error, BuildError::Key), "{error}");
        }
    }

    #[test]
    fn a_key_stays_here_or_goes_encrypted() {
        let keyed = |url: &str| ClientBuilder::default().url(url).api_key("sb-dev-1");
        for url in ["http://127.0.0.1:8080", "http://[::1]:1", "http://localhost", "https://plane.example"] {
            assert!(keyed(url).build().is_ok(), "{url}");
        }
        for url in ["http://plane.example", "http://10.0.0.1", "http://127.0.0.1.nip.example"] {
            let error = keyed(url).build().unwrap_err();
            assert!(matches!(error, BuildError::Plain(_)), "{url}: {error}");
            assert!(keyed(url).danger_plain_http().build().is_ok(), "{url}");
            assert!(
                keyed(url)
                    .fill(|name| (name == "SCOPEGATE_PLAIN_HTTP").then(|| "1".to_owned()))
                    .build()
                    .is_err()
            );
            assert!(ClientBuilder::default().url(url).build().is_ok(), "{url}: there is no key to lose");
        }
    }

    #[test]
    fn a_place_is_a_url_of_a_plane() {
        for good in ["http://localhost:8080", "https://plane.example.com/", " http://[::1]:1/below/ "] {
            assert!(base(good).is_ok(), "{good}");
        }
        for bad in
            ["", "localhost:8080", "ftp://x", "http://u:pw@x", "http://u@x", "http://x/?a", "http://x/#a"]
        {
            let error = base(bad).unwrap_err().to_string();
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
