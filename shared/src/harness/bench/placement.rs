//! Where the two sides run, which changes the order of the table.

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::linux::cpu::cpus;
use crate::linux::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Pin {
    /// Both on one CPU: never at work at the same time
    Same,
    /// Each on a CPU of its own, on two cores if there are two
    Cross,
    /// Where the scheduler puts them
    None,
}

/// A CPU for each side, or none in particular.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub(super) pin: Pin,
    pub(super) cpus: Option<(usize, usize)>,
}

/// The placements that were asked for, or all that this machine has.
pub(super) fn placements(pins: &[Pin]) -> anyhow::Result<Vec<Placement>> {
    let (first, second) = cpus()?;
    let placement = |pin| {
        let cpus = match pin {
            Pin::Same => Some((first, first)),
            Pin::Cross => Some((first, second?)),
            Pin::None => None,
        };
        Some(Placement { pin, cpus })
    };
    if pins.is_empty() {
        return Ok([Pin::Same, Pin::Cross, Pin::None].into_iter().filter_map(placement).collect());
    }
    let asked = pins.iter().map(|&pin| placement(pin).context(Failure::CannotShow("there is only one CPU".into())));
    asked.collect()
}
