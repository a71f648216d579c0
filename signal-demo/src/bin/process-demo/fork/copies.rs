//! A child's copies: of data, heap and stack, not of the code.
//!
//! `smaps` tells of the code's mapping how much of it is in frames that others have too.
//!
//! Note: 进程的衍生 ("共享代码段"). Go: none. Man: fork(2), proc_pid_smaps(5).

use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use serde::Serialize;
use shared::linux::child::Children;
use shared::linux::child::teller::seen_by_child;

use crate::frame::{Place, frame, same};
use crate::smaps::Smaps;

#[derive(Serialize)]
pub struct Copies {
    /// Of a byte each in data, heap and stack: written by the child, and as it was in the parent.
    pub copied_of_3: usize,
    pub code_kib: u64,
    pub code_shared_kib: u64,
    pub code_copied_kib: u64,
    /// Whether the code is in the same frame in both; told to the privileged.
    pub code_in_same_frame: Option<bool>,
}

static DATA: AtomicU8 = AtomicU8::new(b'P');

/// The child writes to all three.
pub fn copies() -> anyhow::Result<Copies> {
    let (heap, stack) = (Box::new(AtomicU8::new(b'P')), AtomicU8::new(b'P'));
    let bytes = [&DATA, &*heap, &stack];
    // Both run it, and so have it in a frame.
    let code = (frame as fn(usize) -> anyhow::Result<Option<u64>> as *const ()).addr();
    let places = || bytes.iter().map(|byte| Place::of(byte)).collect::<anyhow::Result<Vec<_>>>();
    let (written, code_frame, smaps) = seen_by_child(&Children::helpers(), || {
        for byte in bytes {
            byte.store(b'C', SeqCst);
        }
        Ok((places()?, frame(code)?, Smaps::at(code)?))
    })?;
    let kept = places()?;
    let copied = kept.iter().zip(&written).filter(|(kept, written)| {
        (kept.byte, written.byte) == ('P', 'C') && same(kept.frame, written.frame) != Some(true)
    });
    Ok(Copies {
        copied_of_3: copied.count(),
        code_kib: smaps.rss,
        code_shared_kib: smaps.shared,
        code_copied_kib: smaps.anonymous,
        code_in_same_frame: same(frame(code)?, code_frame),
    })
}
