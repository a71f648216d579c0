//! 进程的空间

use std::iter;

use libc::SIGSEGV;
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::child::event::Event;
use shared::linux::failure::{Failure, if_shown};

use crate::end::WELL;
use crate::memory::addresses::{mappings, more_than_there_is, one_frame_in_both, parts};
use crate::memory::frames::{common_frames, one_address_two_places, shared_page};
use crate::memory::hardware::{forbidden_instructions, kernel_space};
use crate::memory::intruder::write_into_another;
use crate::memory::touched::{first_touch, page_sizes};

pub const CHECKS: &[Check] = &[
    (42, hardware_is_out_of_reach),
    (43, the_kernels_space_is_closed),
    (44, parts_of_physical_memory),
    (45, addresses_are_virtual),
    (46, memory_is_no_limit),
    (47, both_keep_the_mapping),
    (207, no_memory_before_the_touch),
    (48, all_in_user_space),
    (205, all_of_user_space),
    (49, no_one_else_writes),
    (50, some_frames_are_common),
    (51, who_divides),
    (52, shared_memory_is_shared_frames),
];

/// What ends a process that does what the CPU forbids.
const FORBIDDEN: Event = Event::killed_by(SIGSEGV);

/// Except for what the CPU itself gives to everybody: here its clock, read without the kernel.
fn hardware_is_out_of_reach() -> anyhow::Result<Seen> {
    let instructions = forbidden_instructions()?;
    let forbidden = [instructions.hlt, instructions.port] == [FORBIDDEN; 2];
    Ok(Seen::imprecise(forbidden, instructions.rdtsc == WELL, seen(&instructions)))
}

fn the_kernels_space_is_closed() -> anyhow::Result<Seen> {
    let read = kernel_space()?;
    Ok(Seen::holds(read.own_byte == WELL && read.kernel_byte == FORBIDDEN, seen(&read)))
}

fn parts_of_physical_memory() -> anyhow::Result<Seen> {
    let (parts, page) = (parts()?, if_shown(one_frame_in_both())?);
    let is_in_both = page.as_ref().is_none_or(|page| page.pipe_reads == 'B');
    let evidence = joined(iter::once(seen(&parts)).chain(page.iter().map(seen)), " ");
    Ok(Seen::refuted(parts.stack_at_gib > parts.memory_gib && is_in_both, evidence))
}

fn addresses_are_virtual() -> anyhow::Result<Seen> {
    let one = one_address_two_places()?;
    Ok(Seen::holds(one.parent_reads != one.child_reads && one.same_frame != Some(true), seen(&one)))
}

fn memory_is_no_limit() -> anyhow::Result<Seen> {
    let mapped = more_than_there_is()?;
    Ok(Seen::holds(mapped.mapped_tib * 1024 / 4 > mapped.memory_gib, seen(&mapped)))
}

fn both_keep_the_mapping() -> anyhow::Result<Seen> {
    let touch = first_touch()?;
    let pages = i64::try_from(touch.pages)?;
    let asked = (pages..pages + pages / 10).contains(&touch.faults_of_first_touch);
    Ok(Seen::holds(asked && touch.faults_after_that < pages / 10, seen(&touch)))
}

/// More is given than there is; and a page of it gets its frame when it is touched.
fn no_memory_before_the_touch() -> anyhow::Result<Seen> {
    let (mapped, touch) = (more_than_there_is()?, first_touch()?);
    let frames_come_later = touch.faults_of_first_touch >= i64::try_from(touch.pages)?;
    let is_more = mapped.mapped_tib * 1024 > mapped.memory_gib;
    Ok(Seen::holds(is_more && frames_come_later, format!("{}; {}", seen(&mapped), seen(&touch))))
}

fn all_in_user_space() -> anyhow::Result<Seen> {
    let mappings = mappings()?;
    let exception = !mappings.vsyscall.is_in_user_space();
    Ok(Seen::imprecise(mappings.highest.is_in_user_space(), exception, seen(&mappings)))
}

/// The stack is at its top: so much can be mapped, and another process has each address for itself.
fn all_of_user_space() -> anyhow::Result<Seen> {
    let (mapped, parts, one) = (more_than_there_is()?, parts()?, one_address_two_places()?);
    let is_nearly_all = mapped.mapped_tib * 1024 >= parts.stack_at_gib / 10 * 9;
    let evidence = joined([seen(&mapped), seen(&parts), seen(&one)], "; ");
    Ok(Seen::holds(is_nearly_all && one.parent_reads != one.child_reads, evidence))
}

fn no_one_else_writes() -> anyhow::Result<Seen> {
    let intrusion = write_into_another()?;
    Ok(Seen::refuted(intrusion.child_reads == intrusion.written_from_outside, seen(&intrusion)))
}

fn some_frames_are_common() -> anyhow::Result<Seen> {
    let common = common_frames()?;
    let half = common.child_wrote_kib;
    let exception = common.still_shared_kib >= half && common.code_shared_kib > 0;
    Ok(Seen::imprecise(common.childs_own_kib >= half, exception, seen(&common)))
}

fn who_divides() -> anyhow::Result<Seen> {
    let sizes = page_sizes()?;
    let pages = i64::try_from(sizes.huge_page / sizes.page)?;
    if sizes.faults_in_huge_pages >= pages {
        return Err(Failure::CannotShow("the kernel gives no huge page now".into()).into());
    }
    Ok(Seen::imprecise(sizes.faults_in_pages >= pages, sizes.faults_in_huge_pages < pages / 10, seen(&sizes)))
}

fn shared_memory_is_shared_frames() -> anyhow::Result<Seen> {
    let page = shared_page()?;
    let is_shared = page.shared_kib > 0 && page.shared_kib == page.page_kib && page.counted_kib * 2 == page.page_kib;
    let visible = page.parent_reads == page.child_wrote && page.same_frame != Some(false);
    Ok(Seen::holds(is_shared && visible, seen(&page)))
}
