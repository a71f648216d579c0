//! 进程的衍生

use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::failure::{Failure, cannot_show};

use crate::fork::{copies, count_faults, exec_in_child, many_children, write_in_child};
use crate::ids::{first, roots};
use crate::orphan::{adoption, adoption_in_a_namespace};
use crate::pages::PAGES;

pub const CHECKS: &[Check] = &[
    (6, many_children_at_one_time),
    (7, copies_but_of_the_code),
    (8, changes_are_invisible),
    (9, copied_when_written),
    (10, exec_replaces_memory),
    (11, not_all_descend_from_the_first),
    (12, the_first_has_no_parent),
    (13, the_first_or_a_subreaper_adopts),
];

fn many_children_at_one_time() -> anyhow::Result<Seen> {
    let many = many_children()?;
    Ok(Seen::holds([many.alive_at_one_time, many.with_our_pid_as_ppid] == [many.forks; 2], seen(&many)))
}

fn copies_but_of_the_code() -> anyhow::Result<Seen> {
    let copies = copies()?;
    let shared = copies.code_shared_kib > 0 && copies.code_copied_kib == 0 && copies.code_in_same_frame != Some(false);
    Ok(Seen::holds(copies.copied_of_3 == 3 && shared, seen(&copies)))
}

fn changes_are_invisible() -> anyhow::Result<Seen> {
    let written = write_in_child()?;
    let [private, shared] = &written;
    let invisible = (private.parent_reads, private.sibling_reads) == (private.parent_wrote, private.parent_wrote);
    let visible = (shared.parent_reads, shared.sibling_reads) == (shared.child_wrote, shared.then_wrote);
    Ok(Seen::imprecise(invisible, visible, joined(written.iter().map(seen), "; ")))
}

fn copied_when_written() -> anyhow::Result<Seen> {
    let faults = count_faults(PAGES)?;
    let pages = i64::try_from(faults.pages)?;
    // The counter itself and the stack are pages, too.
    let few = |faults| faults < pages / 10;
    let each_once = faults.faults_of_writing >= pages && few(faults.faults_of_writing - pages);
    let only_then = few(faults.faults_of_reading) && few(faults.faults_of_writing_again);
    Ok(Seen::holds(each_once && only_then, seen(&faults)))
}

fn exec_replaces_memory() -> anyhow::Result<Seen> {
    let exec = exec_in_child()?;
    let left = exec.words_left_of_4.ok_or_else(|| Failure::CannotShow("process_vm_readv(2) is refused".into()))?;
    Ok(Seen::holds(exec.pid_after_exec == exec.forked_pid && left == 0, seen(&exec)))
}

fn not_all_descend_from_the_first() -> anyhow::Result<Seen> {
    let root = roots()?;
    Ok(Seen::refuted(root.pid != 1 && root.ppid != 1, seen(&root)))
}

fn the_first_has_no_parent() -> anyhow::Result<Seen> {
    let first = first()?;
    Ok(Seen::refuted(first.ppid != first.pid, seen(&first)))
}

/// Where a subreaper stands above us, we look in a PID namespace of our own.
fn the_first_or_a_subreaper_adopts() -> anyhow::Result<Seen> {
    let (by_default, by_us) = (adoption(false)?, adoption(true)?);
    let evidence = joined([&by_default, &by_us].map(seen), "; ");
    let us = i32::try_from(std::process::id())?;
    let is_ours = by_us.ppid_after == us && us != 1;
    if by_default.ppid_after == 1 {
        return Ok(Seen::imprecise(true, is_ours, evidence));
    }
    let subreaper = format!("process {}, which is above us, adopts", by_default.ppid_after);
    let there = adoption_in_a_namespace().map_err(|error| cannot_show(&subreaper, &error))?;
    Ok(Seen::imprecise(there.ppid_in_own_namespace == 1, is_ours, format!("{evidence}; {}", seen(&there))))
}
