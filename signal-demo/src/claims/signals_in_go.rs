//! 信号, where it speaks of Go: docs/go is asked, where there is Go.

use serde::{Deserialize, Serialize};
use shared::harness::claims::go::record;
use shared::harness::claims::{Check, Seen, seen};
use shared::linux::failure::Failure;

pub const CHECKS: &[Check] = &[
    (117, for_standard_signals),
    (118, two_methods),
    (120, a_constant_of_its_number),
    (119, an_alias_of_int),
    (121, sends_only),
    (196, in_the_order_sent),
    (122, nearly_all_come),
    (123, the_loop_ends_with_its_channel),
    (125, the_default_of_the_system),
    (131, the_new_set_replaces_the_old),
    (133, a_map_of_channels),
    (134, a_process_and_an_error),
    (135, run_is_build),
    (136, nothing_to_do_with_it),
    (137, silenced_with_its_launcher),
];

/// What became of a program of Go at each signal, by numbers.
#[derive(Serialize, Deserialize)]
struct Fates {
    asked_for: String,
    delivered: Vec<i32>,
    killed: Vec<i32>,
    stopped: Vec<i32>,
    printed_its_goroutines: Vec<i32>,
    nothing: Vec<i32>,
}

impl Fates {
    fn not_delivered(&self) -> impl Iterator<Item = i32> {
        (1..=64).filter(|number| !self.delivered.contains(number))
    }

    /// What was delivered is all but that.
    fn told(&self) -> String {
        let Fates { killed, stopped, printed_its_goroutines, nothing, .. } = self;
        format!(
            "asked for {}: delivered {} of 64; killed by {killed:?}, stopped by {stopped:?}, \
             goroutines printed at {printed_its_goroutines:?}, nothing at {nothing:?}",
            self.asked_for,
            self.delivered.len()
        )
    }
}

const UNCHOOSABLE: [i32; 2] = [libc::SIGKILL, libc::SIGSTOP];

/// Those that the runtime has for itself are not delivered.
fn for_standard_signals() -> anyhow::Result<Seen> {
    let fates: Fates = record()?;
    let (standard, real_time): (Vec<i32>, Vec<_>) = fates.delivered.iter().partition(|number| **number < 32);
    let nearly_all = standard.len() + UNCHOOSABLE.len() >= 31 - 1;
    Ok(Seen::imprecise(nearly_all, !real_time.is_empty(), fates.told()))
}

#[derive(Serialize, Deserialize)]
struct Types {
    os_signal_has: Vec<String>,
    signal_takes: u32,
    signal_returns: u32,
    constant_is: String,
    made_of: String,
    is_int: bool,
    sigint: i32,
    sigint_string: String,
}

/// What takes nothing and returns nothing tells nobody anything.
fn two_methods() -> anyhow::Result<Seen> {
    let types: Types = record()?;
    let as_noted = types.os_signal_has == ["Signal", "String"] && (types.signal_takes, types.signal_returns) == (0, 0);
    Ok(Seen::holds(as_noted, seen(&types)))
}

fn an_alias_of_int() -> anyhow::Result<Seen> {
    let types: Types = record()?;
    Ok(Seen::refuted(!types.is_int && types.made_of == "int", seen(&types)))
}

#[derive(Serialize, Deserialize)]
struct Declared {
    constants: usize,
    numbers: Vec<i32>,
    string_looks_into: String,
    texts: usize,
    string_of_40: String,
    second_names: Vec<String>,
}

fn a_constant_of_its_number() -> anyhow::Result<Seen> {
    let constants: Declared = record()?;
    let each = (1..=31).eq(constants.numbers.iter().copied()) && constants.texts == constants.numbers.len();
    let exception = constants.string_looks_into != "signal" || constants.constants > constants.numbers.len();
    Ok(Seen::imprecise(each, exception, seen(&constants)))
}

#[derive(Serialize, Deserialize)]
struct Notify {
    channel_is: String,
    value_is: String,
    sends_only: bool,
}

fn sends_only() -> anyhow::Result<Seen> {
    let notify: Notify = record()?;
    Ok(Seen::holds(notify.sends_only && notify.value_is == "syscall.Signal", seen(&notify)))
}

#[derive(Serialize, Deserialize)]
struct Order {
    sent: [i32; 2],
    rounds: u32,
    came_as_sent: u32,
    came_reversed: u32,
}

/// The runtime looks for new ones by number, and finds both if they came close together.
fn in_the_order_sent() -> anyhow::Result<Seen> {
    let order: Order = record()?;
    if order.came_as_sent == 0 || order.came_reversed == 0 {
        return Err(Failure::CannotShow(format!("one order only was seen: {}", seen(&order))).into());
    }
    Ok(Seen::imprecise(order.came_as_sent > 0, order.came_reversed > 0, seen(&order)))
}

/// More are missing than the two that nobody can ask for.
fn nearly_all_come() -> anyhow::Result<Seen> {
    let fates: Fates = record()?;
    let missing = fates.not_delivered().filter(|number| !UNCHOOSABLE.contains(number)).count();
    Ok(Seen::imprecise(fates.delivered.len() > 64 - 10, missing > 0, fates.told()))
}

#[derive(Serialize, Deserialize)]
struct Closed {
    loop_ended: bool,
    received: u32,
    exit_after_the_next_signal: i32,
    says: String,
    panicked: bool,
}

fn the_loop_ends_with_its_channel() -> anyhow::Result<Seen> {
    let closed: Closed = record()?;
    Ok(Seen::imprecise(closed.loop_ended, closed.panicked, seen(&closed)))
}

/// The system's default would kill.
fn the_default_of_the_system() -> anyhow::Result<Seen> {
    let fates: Fates = record()?;
    let kills = [libc::SIGALRM, libc::SIGUSR1, libc::SIGUSR2, libc::SIGXCPU];
    let survived = kills.iter().filter(|number| fates.nothing.contains(number)).count();
    Ok(Seen::refuted(survived > 0, fates.told()))
}

#[derive(Serialize, Deserialize)]
struct Again {
    first: Vec<i32>,
    then: Vec<i32>,
    sent: i32,
    received: bool,
}

fn the_new_set_replaces_the_old() -> anyhow::Result<Seen> {
    let again: Again = record()?;
    let is_dropped = again.first.contains(&again.sent) && !again.then.contains(&again.sent);
    Ok(Seen::refuted(is_dropped && again.received, seen(&again)))
}

#[derive(Serialize, Deserialize)]
struct Registry {
    field: String,
    #[serde(rename = "type")]
    kind: String,
    stop_deletes: String,
}

fn a_map_of_channels() -> anyhow::Result<Seen> {
    let registry: Registry = record()?;
    Ok(Seen::holds(!registry.kind.is_empty() && !registry.stop_deletes.is_empty(), seen(&registry)))
}

#[derive(Serialize, Deserialize)]
struct Processes {
    start_process_returns: Vec<String>,
    find_process_returns: Vec<String>,
    start_nothing: String,
    /// Empty if that is no error.
    #[serde(default)]
    find_nobody: String,
    signal_nobody: String,
    start_fails: bool,
    find_fails: bool,
    signal_fails: bool,
}

fn a_process_and_an_error() -> anyhow::Result<Seen> {
    let processes: Processes = record()?;
    let both = [&processes.start_process_returns, &processes.find_process_returns];
    let as_noted = both.iter().all(|types| **types == ["*os.Process", "error"]) && processes.start_fails;
    Ok(Seen::imprecise(as_noted, !processes.find_fails && processes.signal_fails, seen(&processes)))
}

#[derive(Serialize, Deserialize)]
struct Built {
    go_run_name: String,
    go_build_name: String,
    go_run_bytes: u64,
    go_build_bytes: u64,
    same_contents: bool,
}

fn run_is_build() -> anyhow::Result<Seen> {
    let built: Built = record()?;
    Ok(Seen::imprecise(built.go_run_name == built.go_build_name, !built.same_contents, seen(&built)))
}

#[derive(Serialize, Deserialize)]
struct Family {
    go_run: i32,
    parent_of_the_program: i32,
    process_group: i32,
    same_process_group: bool,
}

fn nothing_to_do_with_it() -> anyhow::Result<Seen> {
    let family: Family = record()?;
    let is_child = family.parent_of_the_program == family.go_run;
    Ok(Seen::refuted(is_child && family.same_process_group, seen(&family)))
}

#[derive(Serialize, Deserialize)]
struct Output {
    prints: bool,
    prints_while_go_run_is_stopped: bool,
    prints_after_go_run_was_killed: bool,
}

fn silenced_with_its_launcher() -> anyhow::Result<Seen> {
    let output: Output = record()?;
    let goes_on = output.prints && output.prints_while_go_run_is_stopped && output.prints_after_go_run_was_killed;
    Ok(Seen::refuted(goes_on, seen(&output)))
}
