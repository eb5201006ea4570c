//! How the kernel hands out memory: in small pages.
//!
//! With huge ones it clears two megabytes where a few kilobytes are asked for. What is known of a
//! cluster grows in many small pieces, and measured on recordings a scan then holds a sixth more
//! memory and spends twice the time in the kernel, for nothing.

/// Asks for small pages. Where it is refused, nothing is lost but that.
#[cfg(target_os = "linux")]
pub(crate) fn use_small_pages() {
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Other systems decide by themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn use_small_pages() {}
