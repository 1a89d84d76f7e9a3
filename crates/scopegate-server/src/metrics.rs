//! Counts for whoever runs the plane, in Prometheus's format.

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use scopegate_core::Decision;

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    decisions: Family<Label, Counter>,
    seconds: Histogram,
    shed: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    verdict: Verdict,
    code: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the words of the format")]
enum Verdict {
    permit,
    deny,
    hold,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets =
            [0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];
        let (decisions, seconds, shed) = (Family::default(), Histogram::new(buckets), Counter::default());
        let mut registry = Registry::default();
        registry.register("scopegate_decisions", "Decisions, by verdict and code", decisions.clone());
        registry.register(
            "scopegate_decision_seconds",
            "Time to a decision, its record kept",
            seconds.clone(),
        );
        let turned_away = "Requests turned away because too many were being answered";
        registry.register("scopegate_requests_shed", turned_away, shed.clone());
        Self { registry, decisions, seconds, shed }
    }
}

impl Metrics {
    pub(crate) fn decided(&self, decision: &Decision, took: Duration) {
        let (verdict, code) = match decision {
            Decision::Permit(_) => (Verdict::permit, ""),
            Decision::Deny(denial) => (Verdict::deny, denial.code.as_str()),
            Decision::Hold(_) => (Verdict::hold, ""),
        };
        self.decisions.get_or_create(&Label { verdict, code }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn shed(&self) {
        self.shed.inc();
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
