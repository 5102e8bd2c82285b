//! Where a test makes a thread, a loop or a request panic, or a stop hang. A release build has no such
//! points.

/// Panics where `CARA_PANIC_AT` names this point.
#[inline]
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    {
        static NAMED: std::sync::LazyLock<Option<String>> =
            std::sync::LazyLock::new(|| std::env::var("CARA_PANIC_AT").ok());
        if NAMED.as_deref() == Some(name) {
            panic!("a test asked for this");
        }
    }
    let _ = name;
}

/// Never ends where `CARA_HANG_AT` names this point.
pub async fn hang(name: &str) {
    #[cfg(debug_assertions)]
    if std::env::var("CARA_HANG_AT").is_ok_and(|named| named == name) {
        std::future::pending::<()>().await;
    }
    let _ = name;
}

/// What `CARA_STOP_S_MAX` says of how long a stop may take.
pub(crate) fn stop_s_max() -> Option<u64> {
    #[cfg(debug_assertions)]
    return std::env::var("CARA_STOP_S_MAX").ok()?.parse().ok();
    #[cfg(not(debug_assertions))]
    None
}
