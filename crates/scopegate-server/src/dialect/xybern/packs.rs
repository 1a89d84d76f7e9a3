//! `/enforce/policy-packs`: policies that are deployed and taken back as one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use scopegate_core::{Name, PackSummary, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use super::policy_shapes::pack;
use crate::auth::Caller;
use crate::dialect::scopebound::body::Object;
use crate::domain::member::{Invalid, opt_name};
use crate::domain::{Deployed, Failure, PackDocument};
use crate::extract::Path;
use crate::openapi::DateTime;
use crate::plane::Plane;

/// A pack as it stands.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernPack")]
struct PackShown {
    name: Name,
    /// The version in force.
    version: Name,
    description: String,
    /// The digest of what its policies say.
    source_hash: String,
    policies: usize,
    /// All versions that can be gone back to, in the order they were deployed.
    versions: Vec<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateTime>")]
    deployed_at: Option<Timestamp>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernDeployed")]
pub(super) struct Told {
    ok: bool,
    pack: PackShown,
    summary: SummaryShown,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernPacks")]
pub(super) struct Many {
    ok: bool,
    packs: Vec<PackShown>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernOnePack")]
pub(super) struct One {
    ok: bool,
    pack: PackShown,
}

/// Whether a pack could be deployed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernPackTried")]
pub(super) struct Tried {
    ok: bool,
    valid: bool,
    errors: Vec<String>,
    /// What its deployment would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<SummaryShown>,
}

/// How many policies.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "XybernPackSummary")]
struct SummaryShown {
    created: usize,
    updated: usize,
    removed: usize,
    unchanged: usize,
}

pub(crate) async fn list(plane: State<Arc<Plane>>, caller: Caller) -> Result<Response, Failure> {
    let packs = plane.tenant(&caller.tenant)?.packs();
    let packs = packs.iter().map(|(name, pack)| shown(name, pack)).collect();
    Ok(Json(Many { ok: true, packs }).into_response())
}

pub(crate) async fn get(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let pack = plane.tenant(&caller.tenant)?.pack(&name)?;
    Ok(Json(One { ok: true, pack: shown(&name.into(), &pack) }).into_response())
}

pub(crate) async fn deploy(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let deployed = plane.tenant(&caller.tenant)?.deploy_pack(pack(&body)?, plane.now()).await?;
    Ok(told(&deployed))
}

pub(crate) async fn roll_back(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Path(name): Path<String>,
    Object(body): Object,
) -> Result<Response, Failure> {
    let version = to_version(&body)?;
    let tenant = plane.tenant(&caller.tenant)?;
    Ok(told(&tenant.roll_back_pack(&name, version.as_deref(), plane.now()).await?))
}

/// What would become of a pack: always an answer, because a pack that is wrong is what is asked about.
pub(crate) async fn validate(
    plane: State<Arc<Plane>>,
    caller: Caller,
    Object(body): Object,
) -> Result<Response, Failure> {
    let tenant = plane.tenant(&caller.tenant)?;
    let tried = match pack(&body).and_then(|draft| tenant.try_pack(draft, plane.now())) {
        Ok(summary) => Tried { ok: true, valid: true, errors: Vec::new(), summary: Some(summary.into()) },
        Err(Failure::Unavailable(why)) => return Err(Failure::Unavailable(why)),
        Err(wrong) => Tried { ok: true, valid: false, errors: vec![wrong.to_string()], summary: None },
    };
    Ok(Json(tried).into_response())
}

fn to_version(body: &Map<String, Value>) -> Result<Option<Name>, Invalid> {
    match body.keys().find(|member| *member != "to_version") {
        Some(unknown) => Err(Invalid::new(unknown, "is not known")),
        None => opt_name(body, "to_version"),
    }
}

fn told(Deployed { name, pack, summary }: &Deployed) -> Response {
    Json(Told { ok: true, pack: shown(name, pack), summary: (*summary).into() }).into_response()
}

fn shown(name: &Name, pack: &PackDocument) -> PackShown {
    let active = pack.active();
    PackShown {
        name: name.clone(),
        version: active.map(|pack| pack.version.clone()).unwrap_or_default(),
        description: active.map(|pack| pack.description.clone()).unwrap_or_default(),
        source_hash: pack.digest().map(|digest| digest.to_string()).unwrap_or_default(),
        policies: active.map_or(0, |pack| pack.policies.len()),
        versions: pack.versions().map(|(version, _)| version.clone()).collect(),
        deployed_at: pack.since(),
    }
}

impl From<PackSummary> for SummaryShown {
    fn from(PackSummary { created, updated, removed, unchanged }: PackSummary) -> Self {
        Self { created, updated, removed, unchanged }
    }
}
