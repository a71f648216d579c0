//! What this process may do that others may not.
//!
//! Note: Socket的基本特征 (超级用户权限). Go: none. Man: capabilities(7), capget(2).

use std::io;

use nix::libc::{self, c_long};

/// To use raw and packet sockets.
pub const CAP_NET_RAW: u32 = 1 << 13;

/// `cap_user_header_t`.
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// `cap_user_data_t`: 32 capabilities.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// `_LINUX_CAPABILITY_VERSION_3`: two times 32.
const HEADER: Header = Header { version: 0x2008_0522, pid: 0 };

/// Those in force.
pub fn effective() -> io::Result<u64> {
    let mut sets = [Sets::default(); 2];
    // SAFETY: version 3 fills two structs.
    #[allow(unsafe_code, reason = "libc has no capget")]
    checked(unsafe { libc::syscall(libc::SYS_capget, &HEADER, sets.as_mut_ptr()) })?;
    Ok(u64::from(sets[1].effective) << 32 | u64::from(sets[0].effective))
}

/// Gives up all but these of the first 32, which it must have.
pub fn keep_only(capabilities: u32) -> io::Result<()> {
    let sets = [Sets { effective: capabilities, permitted: capabilities, inheritable: 0 }, Sets::default()];
    // SAFETY: version 3 reads two structs.
    #[allow(unsafe_code, reason = "libc has no capset")]
    checked(unsafe { libc::syscall(libc::SYS_capset, &HEADER, sets.as_ptr()) })
}

fn checked(returned: c_long) -> io::Result<()> {
    if returned == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
