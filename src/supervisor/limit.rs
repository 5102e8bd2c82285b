//! What the machine lets the process have: file descriptors, room on a disk.

use std::path::Path;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// How many file descriptors are open, and how many may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    pub open: u64,
    pub limit: u64,
}

impl Descriptors {
    /// As it is now; None where the system does not say.
    pub fn now() -> Option<Descriptors> {
        let open = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        Some(Descriptors { open, limit })
    }
}

/// The process may not open as many files as its settings need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the settings need {needed} file descriptors and the process may have {allowed}; raise the hard \
     limit (LimitNOFILE in systemd, `ulimit -Hn`) or lower api.connections_max"
)]
pub struct TooFew {
    pub needed: u64,
    pub allowed: u64,
}

/// Raises the soft limit to the hard one, and refuses when that is not enough.
pub fn ensure_descriptors(needed: u64) -> Result<(), TooFew> {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
    let raised = soft >= hard || setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    let allowed = if raised { hard.max(soft) } else { soft };
    match allowed < needed {
        true => Err(TooFew { needed, allowed }),
        false => Ok(()),
    }
}

/// Bytes that this process may still write to the file system of a folder; None where that does not
/// answer.
pub fn disk_free_bytes(folder: &Path) -> Option<u64> {
    let disk = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_counted_and_what_cannot_be_is_said_in_both_numbers() {
        let now = Descriptors::now().unwrap();
        assert!(now.open >= 3 && now.limit > now.open);
        let refused = ensure_descriptors(u64::MAX).unwrap_err();
        assert_eq!(refused.needed, u64::MAX);
        assert!(refused.to_string().contains(&refused.allowed.to_string()));
        assert_eq!(ensure_descriptors(3), Ok(()));
    }
}
