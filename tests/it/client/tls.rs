//! TLS: with a certificate of one's own, and never without the right one.

use scopegate_client::{BuildError, Client, ClientError, Outage};

use super::Served;

#[tokio::test]
async fn only_the_given_certificate_is_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    std::fs::write(path("cert.pem"), made.cert.pem()).expect("a file");
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    std::fs::write(path("other.pem"), other.cert.pem()).expect("a file");
    let served = Served::start_with(&["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")]);
    assert!(served.plane.url.starts_with("https://"));
    let client = |ca: &str| Client::builder().url(&served.plane.url).ca_file(path(ca)).build();

    assert!(client("cert.pem").expect("a client").healthz().await.expect("health").is_ok());
    let untrusted = client("other.pem").expect("a client").healthz().await;
    assert!(
        matches!(&untrusted, Err(ClientError::Unavailable { outage: Outage::Connect, reason }) if reason.contains("certificate")),
        "{untrusted:?}"
    );
    let by_name = served.plane.url.replace("127.0.0.1", "localhost");
    let elsewhere = Client::builder().url(by_name).ca_file(path("cert.pem")).build().expect("a client");
    assert!(matches!(elsewhere.healthz().await, Err(ClientError::Unavailable { .. })), "another name");
    let plain = Client::builder().url(served.plane.url.replace("https", "http")).build().expect("a client");
    assert!(plain.healthz().await.is_err(), "a plane with TLS answers nothing without it");

    std::fs::write(path("empty.pem"), "").expect("a file");
    for bad in ["empty.pem", "key.pem", "missing.pem"] {
        let error = client(bad).expect_err("no certificates");
        assert!(matches!(&error, BuildError::Ca(file, _) if file.ends_with(bad)), "{error}");
    }
}
