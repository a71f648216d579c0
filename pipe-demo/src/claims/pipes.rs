//! 管道: exec.Cmd, the pipes of the kernel, and the pipe in memory.

use nix::errno::Errno;
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::answer::Outcome::{self, Done, Failed};
use shared::linux::child::Children;
use shared::linux::child::event::Event;
use shared::linux::memory::least_torn_write;

use super::atomicity::{LONG, four_writers, told as count, until_torn};
use crate::atomicity::{Via, WHOLE};
use crate::capacity;
use crate::cmd::{ends, reads, shell};
use crate::deadlock::{self, Order, Ran};
use crate::io_pipe::ends::{BOTH, Can};
use crate::io_pipe::observed::{Read, Written};
use crate::io_pipe::{self, copies};
use crate::memory_pipe::pipe::Closed;
use crate::os_pipe::{self, Step, stranger};

pub const CHECKS: &[Check] = &[
    (72, half_duplex),
    (73, relatives_only),
    (74, a_process_for_each_command),
    (75, as_in_the_shell),
    (80, reading_on),
    (78, a_short_read_is_the_end),
    (208, a_full_read_is_not_the_end),
    (79, nothing_is_the_end),
    (81, at_most_the_buffer),
    (85, write_first),
    (92, like_any_file),
    (94, refused_in_reverse),
    (95, a_close_is_felt_at_the_other_end),
    (98, until_stdin_is_closed),
    (99, full_blocks),
    (104, go_adds_no_atomicity),
    (93, no_atomicity),
    (100, atomic_in_memory),
    (101, restricted_ends),
    (102, concurrent_ends),
    (103, copied_once),
];

fn half_duplex() -> anyhow::Result<Seen> {
    let (forward, reverse) = (os_pipe::forward()?, os_pipe::in_reverse()?);
    // Though nothing was on its way in that pipe: it is nobody's turn, ever.
    let not_even_in_turn = outcomes(&reverse) == [Failed(Errno::EBADF); 2];
    let evidence = format!("{}; {}", told(&forward), told(&reverse));
    Ok(Seen::imprecise(outcomes(&forward) == FORWARD, not_even_in_turn, evidence))
}

const FORWARD: [Outcome; 3] = [Done(11), Done(5), Done(6)];

fn relatives_only() -> anyhow::Result<Seen> {
    let written = stranger::writes()?;
    let writer = &written.stranger;
    let is_child_or_sibling = [written.reader_pid, written.reader_ppid].contains(&writer.writer_ppid);
    let has_own_session = writer.writer_sid == writer.writer_pid;
    Ok(Seen::refuted(writer.inherited == 0 && has_own_session && !is_child_or_sibling, seen(&written)))
}

fn a_process_for_each_command() -> anyhow::Result<Seen> {
    let pipeline = shell::pipeline()?;
    let shell::Pipeline { shell_pid: shell, left_pid: left, right_pid: right, .. } = pipeline;
    let processes = left != right && left != shell && right != shell;
    let tied = pipeline.left_writes_pipe.is_some() && pipeline.left_writes_pipe == pipeline.right_reads_pipe;
    Ok(Seen::holds(processes && tied, seen(&pipeline)))
}

fn as_in_the_shell() -> anyhow::Result<Seen> {
    let [plain, sum] = shell::TEXTS.map(shell::echo);
    let (plain, sum) = (plain?, sum?);
    let (same, differs) = (plain.printed == plain.printed_by_the_shell, sum.printed != sum.printed_by_the_shell);
    Ok(Seen::imprecise(same, differs, format!("{}; {}", seen(&plain), seen(&sum))))
}

fn reading_on() -> anyhow::Result<Seen> {
    let read = reads::after_an_error()?;
    Ok(Seen::refuted(read.read == Failed(Errno::EBADF) && read.same == read.tries, seen(&read)))
}

fn a_short_read_is_the_end() -> anyhow::Result<Seen> {
    let [once, twice] = reads::SCRIPTS.map(reads::of_output);
    let (once, twice) = (once?.reads, twice?.reads);
    let evidence = format!(
        "bytes read into {}: output at once: {}; with a pause: {}",
        reads::BUFFER,
        joined(&once, " and "),
        joined(&twice, " and ")
    );
    Ok(Seen::imprecise(once == [5], twice == [4, 4], evidence))
}

/// The note's other half: with more than the buffer holds, and with as much.
fn a_full_read_is_not_the_end() -> anyhow::Result<Seen> {
    let (more, exact) = (reads::of_output(reads::LONGER)?, reads::of_output(reads::EXACT)?);
    let buffer = reads::BUFFER.get();
    let goes_on = more.reads.len() > 1 && more.reads[0] == buffer;
    Ok(Seen::imprecise(goes_on, exact.reads == [buffer], joined([seen(&more), seen(&exact)], "; ")))
}

fn nothing_is_the_end() -> anyhow::Result<Seen> {
    let steps = os_pipe::until_the_last_writer_leaves()?;
    let [empty, one_of_two, _, end] = outcomes(&steps);
    Ok(Seen::refuted([empty, one_of_two] == [Failed(Errno::EAGAIN); 2] && end == Done(0), told(&steps)))
}

fn at_most_the_buffer() -> anyhow::Result<Seen> {
    let [small, large] = reads::SIZES.map(reads::through_a_buffer);
    let (small, large) = (small?, large?);
    let evidence = format!(
        "of {} B in the pipe a read of {} takes {}, one of {} takes {}",
        small.in_the_pipe, small.asked, small.taken, large.asked, large.taken
    );
    Ok(Seen::imprecise(small.taken == small.buffer, large.taken > large.buffer, evidence))
}

/// In the note's order with as much as a pipe holds, and with a byte more; and that in the right order.
fn write_first() -> anyhow::Result<Seen> {
    let capacity = capacity::of_a_new_pipe()?;
    let run = |order, bytes| deadlock::watch(&Children::helpers(), order, bytes);
    let fits = run(Order::WriteFirst, capacity)?;
    let hangs = run(Order::WriteFirst, capacity + 1)?;
    let cured = run(Order::StartFirst, capacity + 1)?;
    let deadlock = hangs.outcome == deadlock::Outcome::Hangs && hangs.written == capacity;
    let is_done = |ran: &Ran| ran.outcome == deadlock::Outcome::Done;
    Ok(Seen::refuted(deadlock && is_done(&fits) && is_done(&cured), joined([&fits, &hangs, &cured].map(seen), "; ")))
}

fn like_any_file() -> anyhow::Result<Seen> {
    let (forward, file) = (os_pipe::forward()?, os_pipe::as_a_file()?);
    let exceptions = outcomes(&file) == [Errno::ESPIPE, Errno::ESPIPE, Errno::EINVAL].map(Failed);
    let evidence = format!("{}; {}", told(&forward), told(&file));
    Ok(Seen::imprecise(outcomes(&forward) == FORWARD, exceptions, evidence))
}

fn refused_in_reverse() -> anyhow::Result<Seen> {
    let steps = os_pipe::in_reverse()?;
    Ok(Seen::holds(outcomes(&steps) == [Failed(Errno::EBADF); 2], told(&steps)))
}

fn a_close_is_felt_at_the_other_end() -> anyhow::Result<Seen> {
    let (left, unread) = (os_pipe::until_the_last_writer_leaves()?, os_pipe::without_a_reader()?);
    let [_, open, _, closed] = outcomes(&left);
    let felt = [open, closed, unread.returned] == [Failed(Errno::EAGAIN), Done(0), Failed(Errno::EPIPE)];
    Ok(Seen::refuted(felt, told([&left[1], &left[3], &unread])))
}

fn until_stdin_is_closed() -> anyhow::Result<Seen> {
    let open = ends::with_stdin_open()?;
    let well = [open.cat_once_closed, open.other_while_open] == [Event::Exited(0); 2];
    let as_noted = open.cat_sleeps && well;
    Ok(Seen::holds(as_noted, seen(&open)))
}

fn full_blocks() -> anyhow::Result<Seen> {
    let blocked = capacity::block(&capacity::Args::default())?;
    Ok(Seen::holds(blocked.writer_sleeps && blocked.writer_is_done, seen(&blocked)))
}

fn go_adds_no_atomicity() -> anyhow::Result<Seen> {
    let without = until_torn(LONG, 10)?;
    let with = four_writers(Via::OsFile, LONG, 10)?;
    let evidence = format!("threads under a lock: {}; processes without: {}", count(&with), count(&without));
    Ok(Seen::refuted(with.torn == 0, evidence))
}

fn no_atomicity() -> anyhow::Result<Seen> {
    let long = until_torn(least_torn_write()?, 100)?;
    let short = four_writers(Via::OsPipe, WHOLE, 100)?;
    Ok(Seen::refuted(short.torn == 0, format!("processes: {}; {}", count(&short), count(&long))))
}

fn atomic_in_memory() -> anyhow::Result<Seen> {
    let (writers, readers) = (four_writers(Via::IoPipe, LONG, 10)?, io_pipe::two_readers_of_one_write()?);
    let five = |read: &Read| matches!(read, Read::Got(text) if text.len() == 5);
    let split = readers.both_wait
        && matches!(readers.write, Written::All(10))
        && [&readers.first_got, &readers.second_got].into_iter().all(five);
    Ok(Seen::imprecise(writers.torn == 0, split, format!("{}; {}", count(&writers), seen(&readers))))
}

fn restricted_ends() -> anyhow::Result<Seen> {
    const OURS: &str = "enough";
    let (end, broken) = (io_pipe::after_the_writer(None)?, io_pipe::cut_off(None)?);
    let (own_end, own_broken) = (io_pipe::after_the_writer(Some(OURS))?, io_pipe::cut_off(Some(OURS))?);
    let is_ours = |cause: &Closed| matches!(cause, Closed::With(error) if error.to_string() == OURS);
    let known = matches!(end, Read::Closed(Closed::Eof))
        && matches!(&broken, Written::CutOff(cut_off) if cut_off.taken == 4 && matches!(cut_off.cause, Closed::Pipe));
    let own = matches!(&own_end, Read::Closed(cause) if is_ours(cause))
        && matches!(&own_broken, Written::CutOff(cut_off) if cut_off.taken == 4 && is_ours(&cut_off.cause));
    let restricted = BOTH.reader == Can::Read && BOTH.writer == Can::Write;
    let evidence = format!("{}; closed: {end}; {broken}; {own_end}; {own_broken}", seen(&BOTH));
    Ok(Seen::holds(restricted && known && own, evidence))
}

fn concurrent_ends() -> anyhow::Result<Seen> {
    let (memory, kernel) = (io_pipe::alone()?, capacity::write_and_read_alone(&capacity::Args::default())?);
    let needs_no_other = kernel.written_alone > 0 && kernel.read_alone == kernel.written_alone;
    let evidence = format!("in memory: {}; os.Pipe: {}", seen(&memory), seen(&kernel));
    Ok(Seen::imprecise(memory.write_waits, needs_no_other, evidence))
}

/// Whoever copies from the writer's pages first takes a fault for each.
fn copied_once() -> anyhow::Result<Seen> {
    let waits = io_pipe::a_write_and_two_reads()?;
    let (memory, kernel) = (copies::in_memory()?, copies::in_the_kernel()?);
    let by_reader_only =
        |copied: &copies::Copied| copied.faults_of_reader >= copied.pages && copied.faults_of_writer < copied.pages / 4;
    let once = by_reader_only(&memory) && !by_reader_only(&kernel);
    let as_noted = waits.write_waits && once && memory.descriptors == 0;
    Ok(Seen::holds(as_noted, joined([seen(&waits), seen(&memory), seen(&kernel)], "; ")))
}

fn outcomes<const N: usize>(steps: &[Step; N]) -> [Outcome; N] {
    steps.each_ref().map(|step| step.returned)
}

fn told<'a>(steps: impl IntoIterator<Item = &'a Step>) -> String {
    joined(steps.into_iter().map(|Step { step, returned }| format!("{step}: {returned}")), "; ")
}
