//! The tests' own watchdog.

#[path = "harness/mod.rs"]
mod harness;

use std::time::Duration;

use harness::Result;

/// Each of the three has our pipe: the wait is over only when all are gone.
#[test]
fn what_hangs_is_killed_with_all_that_it_has_started() -> Result {
    let hanging = harness::command("sh", &["-c", "sh -c 'sleep 1000 & wait' & wait"]).spawn()?;
    let error = harness::end_within(Duration::from_millis(200), hanging).unwrap_err();
    assert_eq!(error.to_string(), "the program hangs");
    Ok(())
}

#[test]
fn what_ends_in_time_is_left_alone() -> Result {
    let output = harness::output(&mut harness::command("sh", &["-c", "echo done; exit 3"]))?;
    assert_eq!((output.status.code(), harness::text(&output.stdout).as_str()), (Some(3), "done\n"));
    Ok(())
}
