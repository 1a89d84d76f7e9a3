//! Held calls as they come, and what becomes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use scopegate_client::Review;

use super::tell;
use crate::connection::Plane;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};

/// Until it is interrupted, which ends the process.
pub(super) fn watch(plane: &Plane, every: Duration, output: &mut Output) -> Result<Exit, Failure> {
    let mut waiting: BTreeMap<String, Review> = BTreeMap::new();
    let mut away = false;
    output::message(&format!("watching {}; end with Ctrl-C", plane.url()));
    loop {
        match plane.wait(plane.client.list_reviews()) {
            Ok(now) => {
                if std::mem::take(&mut away) {
                    output::message("the plane is back");
                }
                let now: BTreeMap<String, Review> =
                    now.into_iter().map(|one| (one.id.clone(), one)).collect();
                for review in
                    now.iter().filter(|(id, _)| !waiting.contains_key(*id)).map(|(_, review)| review)
                {
                    tell(review, output)?;
                }
                for id in waiting.keys().filter(|id| !now.contains_key(*id)) {
                    // What waits no longer was decided, or its time is over.
                    tell(&plane.ask(plane.client.get_review(id))?, output)?;
                }
                output.flush()?;
                waiting = now;
            }
            // An outage may end; anything else will not.
            Err(error) if error.is_outage() => {
                if !std::mem::replace(&mut away, true) {
                    output::message(&format!("{}; trying again", plane.explain(&error)));
                }
            }
            Err(error) => return Err(plane.explain(&error)),
        }
        plane.pause(every);
    }
}
