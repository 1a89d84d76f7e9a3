//! `scopegate agents keys`: what agents prove themselves with.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use scopegate_client::xybern::{CredentialView, Rotation};

use crate::confirm;
use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output, listing, word};
use crate::reveal::reveal;

#[derive(Debug, clap::Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    action: Action,
}

// A key to make. No doc comment: it would become the help of whatever command takes it.
#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// Where the private key goes, as PEM: a new file that nobody else may read; standard output unless
    /// given
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// How many days the key lives, 365 at most; 90 unless given
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=365))]
    pub(super) days: Option<u64>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key for an agent that has none to use
    Issue {
        /// The agent's id
        agent: String,
        #[command(flatten)]
        new: New,
    },
    /// List the keys of an agent, newest first; private ones are not kept, so none is shown
    List {
        /// The agent's id
        agent: String,
    },
    /// Make a key that takes the place of the one in use, which stays good for a while
    Rotate {
        /// The agent's id
        agent: String,
        #[command(flatten)]
        new: New,
        /// For how many seconds the old key is good yet, a day at most
        #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(0..=86_400))]
        grace: u64,
        /// Why: it is noted with the old key
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// End a key at once
    Revoke {
        /// The key's id
        key: String,
        /// Why: it is noted with the key
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// End it without asking
        #[arg(short, long)]
        yes: bool,
    },
}

impl Keys {
    pub(super) fn run(self, plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
        let xybern = plane.client.xybern();
        match self.action {
            Action::Issue { agent, new } => {
                let mut place = new.place()?;
                place.keep(plane.ask(xybern.issue_credential(&agent, new.days))?, output)
            }
            Action::List { agent } => list(&plane.ask(xybern.list_credentials(&agent))?, output),
            Action::Rotate { agent, new, grace, reason } => {
                let mut place = new.place()?;
                let mut rotation = Rotation::default().with_grace(grace);
                (rotation.credential_ttl_days, rotation.reason) = (new.days, reason);
                place.keep(plane.ask(xybern.rotate_credential(&agent, &rotation))?, output)
            }
            Action::Revoke { key, reason, yes } => {
                let name = reveal(&key);
                let question = format!("Revoke key `{name}`? Nothing that it signs is taken any more.");
                confirm::change(yes, &question, || {
                    let over = plane.ask(xybern.revoke_credential(&key, reason.as_deref()))?;
                    if output.is_json() {
                        output.json(&over)?;
                    }
                    Ok(format!("key `{name}` is revoked"))
                })
            }
        }
    }
}

fn list(keys: &[CredentialView], output: &mut Output) -> Result<Exit, Failure> {
    let mut table = listing(["key", "state", "made", "ends", "fingerprint", "reason"]);
    for key in keys {
        if output.is_json() {
            output.json(key)?;
            continue;
        }
        let ends = [Some(key.expires_at), key.retires_at, key.revoked_at].into_iter().flatten().min();
        table.add_row([
            reveal(&key.credential_id),
            word(&key.status),
            key.created_at.to_string(),
            ends.unwrap_or(key.expires_at).to_string(),
            reveal(key.key_fingerprint.get(..16).unwrap_or(&key.key_fingerprint)),
            reveal(key.reason.as_deref().unwrap_or("-")),
        ]);
    }
    if !output.is_json() {
        output.page(table)?;
    }
    Ok(Exit::Ok)
}

impl New {
    /// Where the private key will go. A file is made now: once the key is, it must not be lost.
    pub(super) fn place(&self) -> Result<Place<'_>, Failure> {
        let Some(path) = self.key_file.as_deref() else { return Ok(Place { file: None, filled: false }) };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let wrong = |error| Failure::usage(reveal(&format!("{}: {error}", path.display())));
        Ok(Place { file: Some((path, options.open(path).map_err(wrong)?)), filled: false })
    }
}

/// Where a private key goes. A file that nothing was written to is taken away again.
pub(super) struct Place<'a> {
    file: Option<(&'a Path, File)>,
    filled: bool,
}

impl Place<'_> {
    /// Keeps the private key of a new credential, and says where it is and what it is used with.
    pub(super) fn keep(
        &mut self,
        mut credential: CredentialView,
        output: &mut Output,
    ) -> Result<Exit, Failure> {
        if let Some((path, file)) = &mut self.file {
            let secret = credential.private_key.take();
            let text = secret.as_ref().map(|secret| secret.reveal()).unwrap_or_default();
            let wrong = |error| Failure::no_answer(reveal(&format!("{}: {error}", path.display())));
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
            self.filled = true;
            output::message(&reveal(&format!("the private key is in {}", path.display())));
        }
        let (id, end) = (reveal(&credential.credential_id), credential.expires_at);
        output::message(&format!("key {id}, good until {end}; the private key is not shown again"));
        match credential.private_key.take() {
            Some(secret) if !output.is_json() => {
                let told = [
                    ("kid", &credential.credential_id),
                    ("iss", &credential.agent_id),
                    ("aud", &credential.audience),
                ];
                told.iter()
                    .for_each(|(claim, value)| output::message(&format!("{claim}: {}", reveal(value))));
                output.line(secret.reveal().trim_end())?;
            }
            secret => {
                credential.private_key = secret;
                output.members(&credential)?;
            }
        }
        Ok(Exit::Ok)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some((path, _)) = self.file.take_if(|_| !self.filled) {
            // Whatever is left of it is empty.
            let _ = std::fs::remove_file(path);
        }
    }
}
