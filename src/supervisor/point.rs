//! Where a test makes a thread, a loop or a request panic.

/// Panics where `CARA_PANIC_AT` names this point; a release build has no such points.
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
