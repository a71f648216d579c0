//! What an experiment does, one step after the other, and what came of each.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Step {
    pub step: &'static str,
    pub result: String,
}

impl Step {
    pub fn new(step: &'static str, result: impl Into<String>) -> Step {
        Step { step, result: result.into() }
    }
}

/// The results alone, to compare.
pub fn results<const N: usize>(steps: &[Step; N]) -> [&str; N] {
    steps.each_ref().map(|step| step.result.as_str())
}

/// As evidence.
pub fn told<'a>(steps: impl IntoIterator<Item = &'a Step>) -> String {
    let told: Vec<_> = steps.into_iter().map(|Step { step, result }| format!("{step}: {result}")).collect();
    told.join("; ")
}
