//! What an experiment does, one step after the other, and what came of each.

use serde::Serialize;
use shared::linux::answer::Outcome;

#[derive(Debug, Serialize)]
pub struct Step {
    pub step: &'static str,
    pub returned: Outcome,
}

impl Step {
    pub fn new(step: &'static str, returned: Outcome) -> Step {
        Step { step, returned }
    }
}
