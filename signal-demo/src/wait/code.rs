//! How a signal was sent: the names of `si_code`.
//!
//! Man: sigaction(2).

use libc::c_int;

const NAMES: [(c_int, &str); 9] = [
    (libc::SI_USER, "SI_USER"),
    (libc::SI_QUEUE, "SI_QUEUE"),
    (libc::SI_TKILL, "SI_TKILL"),
    (libc::SI_KERNEL, "SI_KERNEL"),
    (libc::SI_TIMER, "SI_TIMER"),
    (libc::SI_MESGQ, "SI_MESGQ"),
    (libc::SI_ASYNCIO, "SI_ASYNCIO"),
    (libc::SI_SIGIO, "SI_SIGIO"),
    (libc::SI_ASYNCNL, "SI_ASYNCNL"),
];

/// A positive code has its meaning from the signal (`CLD_EXITED` of SIGCHLD), and stays a number here.
pub fn name(code: c_int) -> String {
    let named = NAMES.iter().find(|(known, _)| *known == code);
    named.map_or_else(|| code.to_string(), |(_, name)| (*name).to_owned())
}
