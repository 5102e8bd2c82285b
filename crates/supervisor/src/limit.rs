//! What the machine lets the process have: file descriptors, room on a disk.

use std::path::Path;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Two more connections and the look itself.
const SPARE: u64 = 3;

/// How many file descriptors are open, and how many may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    pub open: u64,
    pub limit: u64,
}

impl Descriptors {
    /// As it is now; None where the system does not say.
    pub fn now() -> Option<Descriptors> {
        let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        let open = match std::fs::read_dir("/proc/self/fd") {
            Ok(all) => all.count() as u64,
            // The look itself needs one.
            Err(error) if is_out_of_descriptors(&error) => limit,
            Err(_) => return None,
        };
        Some(Descriptors { open, limit })
    }

    /// Above 80% of what may be open.
    pub fn is_high(self) -> bool {
        self.open >= self.limit / 10 * 8
    }

    /// So few are left that the next connection may find none.
    pub fn are_used_up(self) -> bool {
        self.open + SPARE >= self.limit
    }
}

/// Whether something failed because the process, or the machine, may open no more files.
pub fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    [Errno::EMFILE, Errno::ENFILE].iter().any(|it| error.raw_os_error() == Some(*it as i32))
}

/// Above 85% of what the process may have: resident, of its control group's limit or the machine's memory;
/// or mapped, of its own limit (RLIMIT_AS).
pub fn is_memory_high() -> bool {
    let near = |used: Option<u64>, limit: Option<u64>| {
        used.zip(limit).is_some_and(|(used, limit)| used >= limit / 100 * 85)
    };
    let machine = kilobytes("/proc/meminfo", "MemTotal:");
    let limit = [group_limit(), machine].into_iter().flatten().min();
    let mapped = getrlimit(Resource::RLIMIT_AS).ok().map(|(soft, _)| soft);
    near(kilobytes("/proc/self/status", "VmRSS:"), limit)
        || near(kilobytes("/proc/self/status", "VmSize:"), mapped)
}

/// The lowest limit of this process's control group and of those above it, in bytes; of either version.
fn group_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, of, own) = (parts.next()?, parts.next()?, parts.next()?);
        let (root, file) = match of {
            "" => ("/sys/fs/cgroup", "memory.max"),
            of if of.split(',').any(|it| it == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let folder = Path::new(root).join(own.trim_start_matches('/'));
        let above = folder.ancestors().take_while(|it| it.starts_with(root));
        let read = |it: &Path| std::fs::read_to_string(it.join(file)).ok()?.trim().parse().ok();
        above.filter_map(read).min()
    });
    limits.min()
}

/// A number of a file of the system that is given in kB, in bytes.
fn kilobytes(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
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
    fn the_process_knows_what_it_uses() {
        let resident = kilobytes("/proc/self/status", "VmRSS:");
        assert!(resident.is_some_and(|bytes| bytes > 1 << 20));
        assert!(resident < kilobytes("/proc/meminfo", "MemTotal:"));
        assert!(!is_memory_high());
    }

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
