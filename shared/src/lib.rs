//! What two programs would otherwise write twice, in three rooms.
//!
//! - [`cube_roots`]: the application that tcpsock and unixsock are; it uses both other rooms.
//! - [`harness`]: what makes seven programs one; it uses `linux`.
//! - [`linux`]: what both sides of a system call look like here; it uses neither.

pub mod cube_roots;
pub mod harness;
pub mod linux;
