//! `Debug` that shows a type's name and nothing it holds: a referral may end in a panic message or
//! a log line by accident, its values may not.

macro_rules! redacted {
    ($($type:ident),* $(,)?) => { $(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($type), "(…)"))
            }
        }
    )* };
}
pub(super) use redacted;
