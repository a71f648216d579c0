//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::harness::claims::{Check, Seen, go, joined, seen};
use shared::linux::answer::Outcome;

use crate::concurrent;
use crate::deadline::{self, directions};

pub const CHECKS: &[Check] = &[
    (203, not_only_read_and_write),
    (190, a_deadline_holds_until_it_is_set_again),
    (191, a_deadline_can_be_taken_back),
    (192, a_deadline_is_for_both_directions),
    (193, others_queue_behind_the_first),
    (194, they_stand_on_net),
];

/// How far ahead the deadlines are: as far as the command has them by default.
const SHORT: Duration = Duration::from_millis(50);

fn a_deadline_holds_until_it_is_set_again() -> anyhow::Result<Seen> {
    let passed = deadline::passed(SHORT)?;
    let holds = [passed.read, passed.next_read] == [Outcome::TimedOut; 2];
    Ok(Seen::holds(holds && passed.read_after_setting_again == Outcome::Done(passed.sent_then), seen(&passed)))
}

fn a_deadline_can_be_taken_back() -> anyhow::Result<Seen> {
    let cancelled = deadline::cancelled(SHORT)?;
    let outlived = cancelled.elapsed_ms > cancelled.limit_ms;
    Ok(Seen::holds(outlived && cancelled.read == Outcome::Done(1), seen(&cancelled)))
}

/// The kernel has a timeout for each direction, and so has the socket that recomputes them before each call.
fn a_deadline_is_for_both_directions() -> anyhow::Result<Seen> {
    let directions = directions::each_by_itself(SHORT)?;
    let own = [directions.read_by_read_deadline, directions.write_by_write_deadline];
    let other = [directions.write_by_read_deadline, directions.read_by_write_deadline];
    let both = [directions.read_by_both, directions.write_by_both];
    let only_own = own == [Outcome::TimedOut; 2] && other.iter().all(|call| matches!(call, Outcome::Done(_)));
    Ok(Seen::holds(only_own && both == [Outcome::TimedOut; 2], seen(&directions)))
}

fn others_queue_behind_the_first() -> anyhow::Result<Seen> {
    let (one, all) = (concurrent::one_at_a_time()?, concurrent::all()?);
    let queues = !one.second_meanwhile && one.second_in_the_end;
    Ok(Seen::holds(queues && all.second_meanwhile, format!("{}; {}", seen(&one), seen(&all))))
}

#[derive(Serialize, Deserialize)]
struct Package {
    #[serde(rename = "package")]
    name: String,
    imports_net: bool,
    imports_net_http: bool,
}

/// And net/rpc on net/http too, as the note says.
fn they_stand_on_net() -> anyhow::Result<Seen> {
    let packages: Vec<Package> = go::records()?;
    let on_net = packages.len() == 2 && packages.iter().all(|package| package.imports_net);
    let on_http = packages.iter().any(|package| package.imports_net_http);
    Ok(Seen::holds(on_net && on_http, joined(packages.iter().map(seen), "; ")))
}

/// A call of Go under a deadline that is past.
#[derive(Serialize, Deserialize)]
struct Covered {
    call: String,
    times_out: bool,
}

fn not_only_read_and_write() -> anyhow::Result<Seen> {
    let calls: Vec<Covered> = go::records()?;
    let all = calls.len() > 2 && calls.iter().all(|call| call.times_out);
    Ok(Seen::holds(all, joined(calls.iter().map(seen), "; ")))
}
