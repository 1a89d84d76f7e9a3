//! Manifests as SpanForge's users have them, one a file.

use scopegate_core::Manifest;

use crate::policy::PolicyFileError;

/// Reads a manifest of SpanForge. `agent_id` and at least one of `allowed_actions` are needed, also where
/// `resource_actions` has an entry `*`, which then stands. Unknown and repeated members are refused, and names that are
/// no texts.
///
/// # Errors
/// [`PolicyFileError`], with line and column.
pub fn manifest_from_yaml(text: &str, file: &str) -> Result<Manifest, PolicyFileError> {
    let manifest: Manifest = crate::policy::document(text, file)?;
    let wrong = |message: String| PolicyFileError { file: file.to_owned(), line: 1, column: 1, message };
    match &manifest.allowed_actions {
        None => return Err(wrong("missing field `allowed_actions`".to_owned())),
        Some(actions) if actions.is_empty() => return Err(wrong("allowed_actions: no actions".to_owned())),
        Some(_) => {}
    }
    let allowed_actions = manifest.allowed_actions.clone();
    let stands = manifest.resource_actions.contains_key("*");
    let manifest = Manifest { allowed_actions: allowed_actions.filter(|_| !stands), ..manifest };
    manifest.sorted().map_err(|error| wrong(error.to_string()))
}
