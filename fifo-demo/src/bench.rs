//! How fast a FIFO is, with blocking calls and under mio's event loop.
//!
//! A FIFO is one way, so there are two. They lose their names as soon as they are open.
//!
//! Note: 管道, beside "共享内存…最快的一种IPC方法". Go: `testing.B`. Man: fifo(7).

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::OFlag;
use shared::harness::bench::descriptors::{ANY, blocking, event_loop};
use shared::harness::bench::{Mechanism, Meeting, OneWay, SIZES, Side};
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

fn meet(join: Join) -> anyhow::Result<Meeting> {
    let folder = Folder::make("fifo-demo")?;
    let (their_input, our_output) = open(&folder.path().join("there"))?;
    let (our_input, their_output) = open(&folder.path().join("back"))?;
    folder.remove()?;
    Ok(Meeting::Process(join(our_input, our_output)?, OwnedFd::from(their_input), OwnedFd::from(their_output)))
}

/// Both ends of a new FIFO, which both block.
fn open(path: &Path) -> anyhow::Result<(File, File)> {
    make::mkfifo(path, Some(0o600))?;
    // With O_RDWR nobody waits in open(2) for the other.
    let _both = fifo::open(path, OFlag::O_RDWR)?;
    Ok((fifo::open(path, OFlag::O_RDONLY)?, fifo::open(path, OFlag::O_WRONLY)?))
}
