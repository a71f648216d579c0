//! What the allocator keeps of freed memory, and how a program makes it give that back.
//!
//! Note: 进程的空间. Man: malloc_trim(3).

/// Returns the pages that hold nothing any more to the system. glibc's allocator keeps freed blocks of less
/// than 128 KiB wherever one in use lies above them; musl's returns them by itself.
pub fn give_back() {
    // SAFETY: malloc_trim(3) may be called at any time, by any thread.
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code, reason = "nix has no malloc_trim(3)")]
    unsafe {
        nix::libc::malloc_trim(0);
    }
}
