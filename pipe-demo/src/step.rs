//! What an experiment does, one step after the other, and what came of each.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Step<R> {
    pub step: &'static str,
    pub result: R,
}

impl<R> Step<R> {
    pub fn new(step: &'static str, result: R) -> Step<R> {
        Step { step, result }
    }
}
