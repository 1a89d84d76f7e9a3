//! `scopegate packs`: policies of a plane that are deployed and taken back as one.

mod file;

use std::path::{Path, PathBuf};

use scopegate_client::xybern::{DeployedPack, PackChanges, PackDraft};

use crate::confirm::change;
use crate::connection::{Connection, Plane};
use crate::exit::{Exit, Failure};
use crate::output::{Output, listing};
use crate::reveal::reveal;

/// See, deploy and take back packs of policies
///
/// All policies of a pack are in force at once, or none. Reading takes any key but one for emergencies,
/// writing one of kind admin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 not (you said no, or the pack is wrong), 2 it cannot be done as given, 4 no answer

Examples:
  scopegate packs validate finance.yaml
  scopegate packs deploy finance.yaml
  scopegate packs rollback finance --to 2.0.0")]
pub(crate) struct Packs {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List all packs
    List,
    /// Show a pack and its versions
    Show {
        /// Its name
        pack: String,
    },
    /// Say what the deployment of a pack would change, or what is wrong with it
    Validate {
        /// The pack: `name`, `version` and `policies`, JSON or YAML; `-` reads standard input
        file: PathBuf,
    },
    /// Put all policies of a pack in force, in the place of an earlier version's
    Deploy {
        /// The pack: `name`, `version` and `policies`, JSON or YAML; `-` reads standard input
        file: PathBuf,
        /// Deploy it without asking
        #[arg(short, long)]
        yes: bool,
    },
    /// Take a pack back to an earlier version
    Rollback {
        /// Its name
        pack: String,
        /// The version; the one deployed before the one in force unless given
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Take it back without asking
        #[arg(short, long)]
        yes: bool,
    },
}

impl Packs {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let plane = self.connection.open()?;
        match self.action {
            Action::List => list(&plane, output),
            Action::Show { pack } => {
                output.members(&plane.ask(plane.client.xybern().get_policy_pack(&pack))?)?;
                Ok(Exit::Ok)
            }
            Action::Validate { file } => validate(&plane, &file::read(&file)?, output),
            Action::Deploy { file, yes } => deploy(&plane, &file, yes, output),
            Action::Rollback { pack, to, yes } => roll_back(&plane, &pack, to.as_deref(), yes, output),
        }
    }
}

fn list(plane: &Plane, output: &mut Output) -> Result<Exit, Failure> {
    let mut table = listing(["pack", "version", "policies", "deployed", "versions"]);
    for pack in &plane.ask(plane.client.xybern().list_policy_packs())? {
        if output.is_json() {
            output.json(pack)?;
            continue;
        }
        table.add_row([
            reveal(&pack.name),
            reveal(&pack.version),
            pack.policies.to_string(),
            pack.deployed_at.map_or_else(|| "-".to_owned(), |at| at.to_string()),
            reveal(&pack.versions.join(", ")),
        ]);
    }
    if !output.is_json() {
        output.page(table)?;
    }
    Ok(Exit::Ok)
}

fn validate(plane: &Plane, pack: &PackDraft, output: &mut Output) -> Result<Exit, Failure> {
    let tried = plane.ask(plane.client.xybern().validate_policy_pack(pack))?;
    if output.is_json() {
        output.json(&tried)?;
    } else {
        for wrong in &tried.errors {
            output.line(reveal(wrong))?;
        }
        if let Some(changes) = &tried.summary {
            output.line(worded(changes))?;
        }
    }
    Ok(if tried.valid { Exit::Ok } else { Exit::Denied })
}

fn deploy(plane: &Plane, file: &Path, yes: bool, output: &mut Output) -> Result<Exit, Failure> {
    let pack = file::read(file)?;
    let tried = plane.ask(plane.client.xybern().validate_policy_pack(&pack))?;
    let Some(changes) = tried.summary.filter(|_| tried.valid) else {
        return Err(Failure::usage(reveal(&tried.errors.join("; "))));
    };
    let (name, version) = (reveal(&pack.name), reveal(&pack.version));
    let question = format!("Deploy pack `{name}` {version} at {}? {}.", plane.url(), worded(&changes));
    change(yes, &question, || tell(&plane.ask(plane.client.xybern().deploy_policy_pack(&pack))?, output))
}

fn roll_back(
    plane: &Plane,
    pack: &str,
    to: Option<&str>,
    yes: bool,
    output: &mut Output,
) -> Result<Exit, Failure> {
    // Looked at first, so that nobody is asked about a pack that is not there.
    let stands = plane.ask(plane.client.xybern().get_policy_pack(pack))?;
    let (name, version) = (reveal(&stands.name), reveal(&stands.version));
    let target = to.map_or_else(|| "the version before".to_owned(), |to| format!("version {}", reveal(to)));
    let question = format!("Take pack `{name}` back from version {version} to {target}?");
    change(yes, &question, || tell(&plane.ask(plane.client.xybern().rollback_policy_pack(pack, to))?, output))
}

fn tell(deployed: &DeployedPack, output: &mut Output) -> Result<String, Failure> {
    if output.is_json() {
        output.json(deployed)?;
    }
    let (name, version) = (reveal(&deployed.pack.name), reveal(&deployed.pack.version));
    Ok(format!("pack `{name}` is in force in version {version}: {}", worded(&deployed.summary)))
}

fn worded(changes: &PackChanges) -> String {
    let PackChanges { created, updated, removed, unchanged, .. } = changes;
    format!("policies: {created} new, {updated} changed, {removed} removed, {unchanged} as they were")
}
