//! 信号, where it speaks of pipes: the atomicity of what is written.

use shared::harness::claims::{Check, Seen};

use super::atomicity::{LONG, four_writers, told, until_torn};
use crate::atomicity::{Via, WHOLE};

pub const CHECKS: &[Check] = &[(138, nothing_keeps_a_write_together)];

fn nothing_keeps_a_write_together() -> anyhow::Result<Seen> {
    let long = until_torn(LONG, 10)?;
    let short = four_writers(Via::OsPipe, WHOLE, 100)?;
    let (file, memory) = (four_writers(Via::OsFile, LONG, 10)?, four_writers(Via::IoPipe, LONG, 10)?);
    let kept = [&short, &file, &memory].iter().all(|count| count.torn == 0);
    let [long, short, file, memory] = [&long, &short, &file, &memory].map(told);
    Ok(Seen::refuted(kept, format!("processes: {long}; but {short}; under a lock {file}; in memory {memory}")))
}
