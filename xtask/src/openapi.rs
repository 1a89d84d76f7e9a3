//! The plane held to its own OpenAPI document, by requests that nobody thought of.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::conformance::scopegate;
use crate::python::installed;
use crate::step;

const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/openapi");

/// A plane on a data folder that is gone afterwards.
struct Plane {
    process: Child,
    data: PathBuf,
    url: String,
}

/// `schemathesis` from PyPI against `scopegate serve`, for a bounded time; the suite's
/// `schemathesis.toml` says what is asked and what must hold.
pub(crate) fn schemathesis() -> Result<()> {
    let scopegate = scopegate()?;
    let target = scopegate.ancestors().nth(2).context("no build directory")?;
    let python = installed(Path::new(SUITE), &target.join("conformance/openapi-venv"))?;
    let plane = Plane::start(&scopegate, &target.join("conformance/openapi-data"))?;
    let key = plane.key(&scopegate)?;
    let mut run = Command::new(python.with_file_name("schemathesis"));
    run.arg("--config-file").arg(Path::new(SUITE).join("schemathesis.toml"));
    run.arg("run").arg(format!("{}/openapi.json", plane.url)).args(env::args_os().skip(2));
    // It leaves notes where it runs.
    run.current_dir(target.join("conformance"));
    step(run.env("SCOPEGATE_KEY", key))
}

impl Plane {
    fn start(scopegate: &Path, data: &Path) -> Result<Self> {
        if data.exists() {
            std::fs::remove_dir_all(data).with_context(|| data.display().to_string())?;
        }
        let mut serve = Command::new(scopegate);
        serve.args(["--output", "json", "serve", "--addr", "127.0.0.1:0", "--data"]).arg(data);
        let mut process = serve.env("RUST_LOG", "warn").stdout(Stdio::piped()).spawn()?;
        let told = process.stdout.take().context("no standard output")?;
        let mut plane = Self { process, data: data.to_owned(), url: String::new() };
        let mut line = String::new();
        BufReader::new(told).read_line(&mut line)?;
        // `{"url":"http://…",…}`, written by our own command.
        let url = line.split('"').skip_while(|word| *word != "url").nth(2);
        plane.url = url.context("the plane does not say where it listens")?.to_owned();
        Ok(plane)
    }

    /// A key that may take every route.
    fn key(&self, scopegate: &Path) -> Result<String> {
        let mut create = Command::new(scopegate);
        let made = create.args(["keys", "create", "--kind", "dev", "--data"]).arg(&self.data).output()?;
        ensure!(made.status.success(), "no key: {}", String::from_utf8_lossy(&made.stderr));
        Ok(String::from_utf8(made.stdout)?.trim().to_owned())
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // Whatever is left of it is of no use.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}
