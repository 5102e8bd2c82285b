//! `[api]`: the listener for forces and its limits.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::fault::SettingsFaults;
use super::secret::SecretFile;

/// No force may be given a larger body than this (DESIGN section 8).
pub const BODY_BYTES_CEILING: usize = 8 << 20;

/// Bounds of what the records of one force may add to the store in a day.
pub const DAY_BYTES_FLOOR: u64 = 64 << 10;
pub const DAY_BYTES_CEILING: u64 = 1 << 40;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSettings {
    pub listen: SocketAddr,
    /// PEM chain, the server's own certificate first.
    pub certificate: PathBuf,
    pub key: SecretFile,
    /// Also allow TLS 1.2 (ECDHE and AES-GCM only).
    #[serde(default)]
    pub tls_1_2: bool,
    #[serde(default = "default::body_bytes_max")]
    pub body_bytes_max: usize,
    /// Records in one body.
    #[serde(default = "default::records_max")]
    pub records_max: usize,
    /// All bodies being read, together; beyond it 503.
    #[serde(default = "default::in_flight_bytes_max")]
    pub in_flight_bytes_max: usize,
    /// A body that is not here by then is cut off.
    #[serde(default = "default::body_deadline_s")]
    pub body_deadline_s: u32,
    /// A body slower than this is cut off.
    #[serde(default = "default::body_rate_bytes_per_s_min")]
    pub body_rate_bytes_per_s_min: u32,
    /// A quarter of them is for handshakes.
    #[serde(default = "default::connections_max")]
    pub connections_max: usize,
    /// From one address, which several forces may share; left out: three quarters of all.
    #[serde(default)]
    pub connections_per_source_max: Option<usize>,
    /// Of one force; left out: a quarter of all.
    #[serde(default)]
    pub connections_per_force_max: Option<usize>,
    /// For each force.
    #[serde(default = "default::requests_per_s_max")]
    pub requests_per_s_max: u32,
    /// What the records of each force may add to the store in a day in London; beyond it 503.
    #[serde(default = "default::store_bytes_per_day_max")]
    pub store_bytes_per_day_max: u64,
    /// Threads that serve the API.
    #[serde(default = "default::workers")]
    pub workers: usize,
}

mod default {
    pub fn body_bytes_max() -> usize {
        1 << 20
    }
    pub fn records_max() -> usize {
        1000
    }
    pub fn in_flight_bytes_max() -> usize {
        32 << 20
    }
    pub fn body_deadline_s() -> u32 {
        30
    }
    pub fn body_rate_bytes_per_s_min() -> u32 {
        1024
    }
    pub fn connections_max() -> usize {
        1024
    }
    pub fn requests_per_s_max() -> u32 {
        200
    }
    pub fn store_bytes_per_day_max() -> u64 {
        2 << 30
    }
    pub fn workers() -> usize {
        2
    }
}

impl ApiSettings {
    pub fn connections_per_source_max(&self) -> usize {
        self.connections_per_source_max.unwrap_or(self.connections_max * 3 / 4).max(1)
    }

    pub fn connections_per_force_max(&self) -> usize {
        self.connections_per_force_max.unwrap_or(self.connections_max / 4).max(1)
    }

    pub(crate) fn resolve(&mut self, base: &Path) {
        self.certificate = base.join(&self.certificate);
        self.key.resolve(base, "api.key");
    }

    pub(crate) fn validate(&self, faults: &mut SettingsFaults) {
        faults.bound("api.body_bytes_max", self.body_bytes_max, 1024, BODY_BYTES_CEILING);
        faults.bound("api.records_max", self.records_max, 1, 1000);
        faults.bound("api.in_flight_bytes_max", self.in_flight_bytes_max, 1024, 4 << 30);
        faults.bound("api.body_deadline_s", self.body_deadline_s, 1, 300);
        faults.bound("api.body_rate_bytes_per_s_min", self.body_rate_bytes_per_s_min, 1, 1 << 20);
        faults.bound("api.connections_max", self.connections_max, 1, 100_000);
        let own = [
            ("api.connections_per_source_max", self.connections_per_source_max()),
            ("api.connections_per_force_max", self.connections_per_force_max()),
        ];
        for (key, connections) in own {
            faults.bound(key, connections, 1, self.connections_max);
        }
        faults.bound("api.requests_per_s_max", self.requests_per_s_max, 1, 1_000_000);
        let day = self.store_bytes_per_day_max;
        faults.bound("api.store_bytes_per_day_max", day, DAY_BYTES_FLOOR, DAY_BYTES_CEILING);
        faults.bound("api.workers", self.workers, 1, 256);
    }
}
