//! Signals are sent to the thread of a test, so that no test meets another's.

use super::*;
use crate::signal::fd::BATCH;
use crate::signal::send::raise;

fn numbers(arrivals: impl Iterator<Item = Arrival>) -> Vec<i32> {
    arrivals.map(|arrival| arrival.signal.number()).collect()
}

fn deliver(registry: &mut Registry) -> usize {
    registry.deliver(Some(Duration::ZERO)).unwrap()
}

#[test]
fn every_channel_gets_its_copy_of_what_is_in_its_set() {
    let mut registry = Registry::new().unwrap();
    let (first, second) = (registry.channel(4), registry.channel(4));
    registry.notify(&first, &[Signal::INT, Signal::QUIT]).unwrap();
    registry.notify(&second, &[Signal::QUIT]).unwrap();
    raise(Signal::INT).unwrap();
    raise(Signal::QUIT).unwrap();
    assert_eq!(deliver(&mut registry), 2);
    assert_eq!(numbers(first.arrived()), [2, 3]);
    assert_eq!(numbers(second.arrived()), [3]);
}

#[test]
fn a_second_notify_adds_to_the_set() {
    let mut registry = Registry::new().unwrap();
    let channel = registry.channel(4);
    registry.notify(&channel, &[Signal::USR1]).unwrap();
    registry.notify(&channel, &[Signal::USR2, Signal::USR2]).unwrap();
    raise(Signal::USR1).unwrap();
    raise(Signal::USR2).unwrap();
    deliver(&mut registry);
    assert_eq!(numbers(channel.arrived()), [10, 12]);
}

#[test]
fn a_full_channel_misses_and_counts_and_does_not_hold_up_its_neighbour() {
    let mut registry = Registry::new().unwrap();
    let (small, large) = (registry.channel(1), registry.channel(40));
    let signal = Signal::real_time(5).unwrap();
    registry.notify(&small, &[signal]).unwrap();
    registry.notify(&large, &[signal]).unwrap();
    for _ in 0..40 {
        raise(signal).unwrap();
    }
    while deliver(&mut registry) > 0 {}
    assert_eq!(numbers(large.arrived()).len(), 40);
    let stopped = registry.stop(small).unwrap();
    assert_eq!((stopped.missed, numbers(stopped.close().iter()).len()), (39, 1));
}

#[test]
fn the_last_stop_gives_back_the_mask_that_was_there() {
    Set::from(Signal::USR1).block().unwrap();
    let mut registry = Registry::new().unwrap();
    let channel = registry.channel(1);
    registry.notify(&channel, &[Signal::USR1, Signal::USR2]).unwrap();
    registry.stop(channel).unwrap();
    let mask = Set::EMPTY.block().unwrap();
    assert!(mask.contains(10) && !mask.contains(12), "{mask:?}");
}

#[test]
fn more_signals_than_one_read_takes_all_arrive() {
    let mut registry = Registry::new().unwrap();
    let channel = registry.channel(64);
    let signal = Signal::real_time(6).unwrap();
    registry.notify(&channel, &[signal]).unwrap();
    for _ in 0..=BATCH {
        raise(signal).unwrap();
    }
    assert_eq!((deliver(&mut registry), deliver(&mut registry), deliver(&mut registry)), (BATCH, 1, 0));
}

#[test]
fn a_signal_that_cannot_be_caught_is_refused_and_nothing_is_changed() {
    let mut registry = Registry::new().unwrap();
    let channel = registry.channel(1);
    let error = registry.notify(&channel, &[Signal::USR1, Signal::KILL]).unwrap_err();
    assert_eq!(error.to_string(), "SIGKILL cannot be caught, blocked or ignored");
    assert!(!Set::EMPTY.block().unwrap().contains(10));
}

#[test]
fn without_a_list_all_come_that_can_be_caught() {
    let mut registry = Registry::new().unwrap();
    let channel = registry.channel(1);
    registry.notify(&channel, &[]).unwrap();
    let blocked = Set::EMPTY.block().unwrap();
    let free: Vec<Signal> = Signal::all().filter(|signal| !blocked.contains(signal.number())).collect();
    assert_eq!(free, [Signal::KILL, Signal::STOP]);
}

#[test]
fn reset_takes_a_signal_from_all_channels_and_leaves_the_others() {
    let mut registry = Registry::new().unwrap();
    let (first, second) = (registry.channel(4), registry.channel(4));
    registry.notify(&first, &[Signal::USR1, Signal::USR2]).unwrap();
    registry.notify(&second, &[Signal::USR1]).unwrap();
    registry.reset(&[Signal::USR1]).unwrap();
    let mask = Set::EMPTY.block().unwrap();
    assert!(!mask.contains(10) && mask.contains(12), "{mask:?}");
}
