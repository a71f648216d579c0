//! How fast a FIFO is, with blocking calls and under mio's event loop.
//!
//! A FIFO is one way, so there are two. They lose their names as soon as they are open.
//!
//! Note: 管道, beside "共享内存…最快的一种IPC方法". Go: `testing.B`. Man: fifo(7).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::Context;
use nix::fcntl::OFlag;
use shared::harness::bench::descriptors::{ANY, blocking, event_loop};
use shared::harness::bench::{Args, Mechanism, Meeting, OneWay, SIZES, Side};
use shared::linux::scratch::Folder;

use crate::{fifo, make};

pub static MECHANISMS: [Mechanism; 2] = [
    fifo("fifo", || meet(blocking::<ANY>), blocking::<ANY>),
    fifo("fifo, mio", || meet(event_loop::<ANY>), event_loop::<ANY>),
];

type Join = fn(File, File) -> anyhow::Result<Box<dyn Side>>;

const fn fifo(name: &'static str, meet: fn() -> anyhow::Result<Meeting>, join: Join) -> Mechanism {
    Mechanism { name, sizes: SIZES, one_way: OneWay::Waits, meet, join }
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    shared::harness::bench::run(args, &MECHANISMS)
}

fn meet(join: Join) -> anyhow::Result<Meeting> {
    let folder = Folder::make("fifo-demo")?;
    let there = open(&folder.path().join("there"))?;
    let back = open(&folder.path().join("back"))?;
    folder.remove()?;
    let ((their_input, our_output), (our_input, their_output)) = (there, back);
    Ok(Meeting::Process(join(our_input, our_output)?, OwnedFd::from(their_input), OwnedFd::from(their_output)))
}

/// Both ends of a new FIFO, which both block.
fn open(path: &Path) -> anyhow::Result<(File, File)> {
    make::mkfifo(path, Some(0o600))?;
    // With O_RDWR nobody waits in open(2) for the other.
    let both = fifo::open(path, OFlag::O_RDWR).map_err(io::Error::from);
    let both = both.with_context(|| format!("open {}", path.display()))?;
    let end = |flags| fifo::open(path, flags).map_err(io::Error::from);
    let ends = end(OFlag::O_RDONLY).and_then(|reader| Ok((reader, end(OFlag::O_WRONLY)?)));
    drop(both);
    ends.with_context(|| format!("open {}", path.display()))
}
