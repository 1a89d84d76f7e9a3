//! A server that is started here: with what it needs of the environment and nothing else, and ended
//! with all it started.

mod group;

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use self::group::Group;
use super::error::UpstreamError;
use super::lines::Lines;
use super::told::Tell;

/// What every server gets of the environment, where it is set.
const PASSED_ON: [&str; 5] = ["PATH", "HOME", "LANG", "TERM", "TMPDIR"];

/// Programs that start others.
const STARTERS: [&str; 12] =
    ["npx", "bunx", "uvx", "pipx", "node", "bun", "deno", "python", "python3", "ruby", "sh", "env"];

/// How long a server may take to end by itself, and after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// A program to start: fixed words, no shell.
#[derive(Clone)]
pub struct Program {
    words: Vec<OsString>,
    env: Vec<(String, OsString)>,
}

impl Program {
    /// The program and its arguments. Of the environment it gets PATH, HOME, LANG, TERM and TMPDIR.
    pub fn new(words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { words: words.into_iter().map(Into::into).collect(), env: Vec::new() }
    }

    /// One more variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The name of what it runs, without its folder: of the program, or of the first argument of one
    /// that only starts others.
    pub fn name(&self) -> Option<&str> {
        let mut names = self.words.iter().filter_map(|word| Path::new(word).file_stem()?.to_str());
        let program = names.next()?;
        match STARTERS.contains(&program) {
            true => names.find(|name| !name.starts_with('-')).or(Some(program)),
            false => Some(program),
        }
    }

    /// Starts it.
    pub(crate) fn start(&self, server: &str, tell: &Tell) -> Result<(Lines, Process), UpstreamError> {
        let program = self.words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => UpstreamError::NoProgram(program.clone()),
            _ => UpstreamError::Start { program: program.clone(), error },
        };
        let mut child = self.command().spawn().map_err(failed)?;
        let group = Group::of(&child);
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let process = Process(Arc::new(Mutex::new(Running { child, group, ended: None })));
        let broken = || failed(std::io::Error::other("it has no standard streams"));
        let (input, output, errors) =
            (input.ok_or_else(broken)?, output.ok_or_else(broken)?, errors.ok_or_else(broken)?);
        pass_on(errors, server, tell).map_err(failed)?;
        let lines = Lines::over(output, input, server, tell).map_err(failed)?;
        Ok((lines, process))
    }

    fn command(&self) -> Command {
        let mut words = self.words.iter();
        let mut command = Command::new(words.next().map(OsString::as_os_str).unwrap_or_default());
        command.args(words).env_clear();
        let passed = PASSED_ON.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        command.envs(passed).envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        group::own(&mut command);
        command
    }
}

/// The values of its environment are left out.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Program").field("words", &self.words).field("env", &env).finish()
    }
}

/// What a server says to people, line by line.
fn pass_on(errors: impl Read + Send + 'static, server: &str, tell: &Tell) -> std::io::Result<()> {
    let (server, tell) = (server.to_owned(), tell.clone());
    let run = move || {
        let mut errors = BufReader::new(errors);
        let mut line = Vec::new();
        while let Ok(1..) = errors.by_ref().take(4096).read_until(b'\n', &mut line) {
            tell.line(&server, String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    };
    thread::Builder::new().name("mcp-stderr".to_owned()).spawn(run).map(drop)
}

/// A server that runs. Dropping the last of its handles ends it, with all it started.
#[derive(Clone, Debug)]
pub(crate) struct Process(Arc<Mutex<Running>>);

#[derive(Debug)]
struct Running {
    child: Child,
    group: Group,
    ended: Option<String>,
}

impl Process {
    /// Lets it end by itself, now that its input has; asks it to; ends it. How it ended, for people.
    /// Waits, so it belongs on a thread of its own.
    pub(crate) fn end(&self) -> String {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !running.ends_within(GRACE) {
            running.group.ask();
            running.ends_within(GRACE);
        }
        running.kill()
    }

    /// The same, waited for elsewhere.
    pub(crate) async fn end_elsewhere(&self) -> String {
        let process = self.clone();
        tokio::task::spawn_blocking(move || process.end()).await.unwrap_or_default()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ended.clone()
    }
}

impl Running {
    /// Only looks: once its end is taken notice of, its number may be another's.
    fn ends_within(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while self.ended.is_none() && !self.group.leader_is_over() {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Whatever is left of the group goes too.
    fn kill(&mut self) -> String {
        if let Some(ended) = &self.ended {
            return ended.clone();
        }
        let alone = !self.group.leader_is_over();
        self.group.kill();
        if alone {
            // Where there are no groups; elsewhere it is gone already.
            let _ = self.child.kill();
        }
        let ended = match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        self.ended.insert(ended).clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests;
