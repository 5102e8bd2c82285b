//! `[operators]`: the operators' API and who may do what.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::SettingsFaults;

/// A socket's path is at most this long (`sockaddr_un`, less the closing zero).
const SOCKET_PATH_BYTES_MAX: usize = 107;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorSettings {
    /// A Unix socket; the operating system says who is at its other end.
    pub socket: PathBuf,
    /// A group of the operating system whose users may connect; left out: only the gateway's own user
    /// and root.
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default, rename = "user")]
    pub users: Vec<User>,
}

/// A user of the operating system and the role.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub name: String,
    pub role: OperatorRole,
    /// May see what concerns victims.
    #[serde(default)]
    pub victims: bool,
}

/// Each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorRole {
    Look,
    Operate,
    Administer,
}

impl OperatorSettings {
    pub(crate) fn resolve(&mut self, base: &Path) {
        self.socket = base.join(&self.socket);
    }

    pub(crate) fn validate(&self, faults: &mut SettingsFaults) {
        if self.socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            faults.add(
                "operators.socket",
                format!("the path is longer than {SOCKET_PATH_BYTES_MAX} bytes"),
                "Choose a shorter one, such as /run/cara/operators.sock",
            );
        }
        let mut seen = BTreeSet::new();
        for (index, user) in self.users.iter().enumerate() {
            let key = format!("operators.user[{}].name", index + 1);
            if user.name.is_empty() {
                faults.add(key, "it is empty", "Name a user of the operating system");
            } else if !seen.insert(&user.name) {
                faults.add(key, format!("`{}` is listed twice", user.name), "Keep one of them");
            }
        }
    }
}
