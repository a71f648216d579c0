//! What is behind a process's addresses, and what it cannot reach.
//!
//! User space and kernel space divide addresses, not memory (claim 44); not all mappings lie in user space (claim 48);
//! and a process can write into another, if it may (claim 49).
//!
//! Note: 进程的空间. Go: `syscall.Mmap`. Man: mmap(2), proc_pid_maps(5), process_vm_writev(2).

pub mod addresses;
pub mod frames;
pub mod hardware;
pub mod intruder;
pub mod touched;

use shared::harness::report::Report;
use shared::harness::showing::Showing;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut showing = Showing::new(out);
    showing.record("forbidden instructions", hardware::forbidden_instructions())?;
    showing.record("kernel space", hardware::kernel_space())?;
    showing.record("memory and addresses", addresses::parts())?;
    showing.record("a page in a pipe", addresses::one_frame_in_both())?;
    showing.record("one address in two processes", frames::one_address_two_places())?;
    showing.record("more addresses than memory", addresses::more_than_there_is())?;
    showing.record("first touch", touched::first_touch())?;
    showing.record("mappings", addresses::mappings())?;
    showing.record("writing into another process", intruder::write_into_another())?;
    showing.record("frames in common", frames::common_frames())?;
    showing.record("page sizes", touched::page_sizes())?;
    showing.record("shared memory", frames::shared_page())?;
    showing.finish()
}
