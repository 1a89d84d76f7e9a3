//! Which plane is asked, and with which key: flag, then environment, then file.

use std::io::{Read as _, Write as _};

use super::Desk;
use crate::cli::run_in;
use crate::served::key;

#[test]
fn a_flag_beats_the_environment_and_that_the_file() {
    let desk = Desk::open();
    let url = desk.plane.url.as_str();
    let admin = desk.write("admin.key", &format!("{}\n", key(&desk.data(), "admin")));
    let config = desk.write("config.yaml", &format!("url: {url}\napi_key_file: admin.key\n"));
    let home = desk.folder.path();
    let list = ["roles", "list"];
    let with =
        |variables: &[(&str, &str)], more: &[&str]| run_in(home, variables, &[&list[..], more].concat());

    with(&[], &["--config", &config]).assert(0, "", "");
    with(&[("SCOPEGATE_CONFIG", &config)], &[]).assert(0, "", "");
    std::fs::create_dir_all(home.join(".config/scopegate")).expect("a folder");
    std::fs::write(
        home.join(".config/scopegate/config.yaml"),
        format!("url: {url}\napi_key_file: {admin}\n"),
    )
    .expect("a file");
    with(&[], &[]).assert(0, "", "");

    let nowhere = "http://127.0.0.1:1";
    with(&[("SCOPEGATE_URL", nowhere)], &[]).assert(4, "", "no plane at http://127.0.0.1:1");
    with(&[("SCOPEGATE_URL", nowhere)], &["--url", url]).assert(0, "", "");
    with(&[("SCOPEBOUND_BASE_URL", nowhere)], &[]).assert(4, "", "no plane at");
    with(&[("SCOPEBOUND_BASE_URL", nowhere), ("SCOPEGATE_URL", url)], &[]).assert(0, "", "");
    with(&[("SCOPEGATE_API_KEY", "sb-adm-wrong")], &[]).assert(2, "", "does not know this API key");
    with(&[("SCOPEGATE_API_KEY", "sb-adm-wrong")], &["--api-key-file", &admin]).assert(0, "", "");
}

#[test]
fn what_is_wrong_with_the_settings_is_told() {
    let desk = Desk::open();
    let home = desk.folder.path();
    let list = |more: &[&str]| run_in(home, &[], &[&["roles", "list"], more].concat());
    let url = ["--url", &desk.plane.url];
    list(&url).assert(2, "", "wants an API key: set SCOPEGATE_API_KEY");
    list(&["--config", "missing.yaml"]).assert(2, "", "missing.yaml: ");
    for (text, told) in [
        ("urls: x\n", "unknown field"),
        ("url: a\nurl: b\n", "config.yaml: "),
        ("url: ftp://x\n", "`ftp://x/` is not where a plane can be"),
        ("url: http://user:hunter2@x\n", "a user name or password does not belong there"),
        ("api_key: a\napi_key_file: b\n", "has both `api_key` and `api_key_file`"),
        ("api_key_file: none.key\n", "none.key: "),
        ("ca_file: none.pem\n", "none.pem: "),
    ] {
        let run = list(&["--config", &desk.write("config.yaml", text)]);
        run.assert(2, "", told);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
    let empty = desk.write("empty.key", "\n");
    list(&["--api-key-file", &empty]).assert(2, "", "holds no API key");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::open();
    let text = format!("url: {}\napi_key: {}\n", desk.plane.url, key(&desk.data(), "admin"));
    let config = desk.write("config.yaml", &text);
    for (mode, code) in [(0o644, 2), (0o640, 2), (0o600, 0), (0o400, 0)] {
        std::fs::set_permissions(&config, std::fs::Permissions::from_mode(mode)).expect("permissions");
        let run = run_in(desk.folder.path(), &[], &["roles", "list", "--config", &config]);
        run.assert(code, "", if code == 0 { "" } else { "can be read by others: chmod 600 it" });
    }
}

#[test]
fn what_is_no_plane_is_told() {
    let desk = Desk::open();
    let url = always("404 Not Found", "<html>\u{1b}[2Jnot here</html>");
    let run = run_in(desk.folder.path(), &[], &["status", "--url", &url]);
    run.assert(4, "", "does not speak as a plane does");
    run.assert(4, "", "not here");
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
    let run = run_in(desk.folder.path(), &[], &["status", "--url", "http://127.0.0.1:1"]);
    run.assert(4, "", "`scopegate serve` starts one on this machine");
}

/// Where something gives the same answer to whatever is asked.
pub(super) fn always(status: &str, body: &str) -> String {
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}
