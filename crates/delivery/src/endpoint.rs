//! Where a letter may go.

use cara_config::delivery::Unfit;
use cara_config::{Address, ForceSettings};

/// An address that its force's list allows. Holding one means that the list was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    address: Address,
}

/// Why a letter may not go to an address. Somebody must mend the mapping or `gateway.toml`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    #[error("the endpoint of {force} cannot be used: {unfit}")]
    Unfit { force: String, unfit: Unfit },
    #[error("the endpoint is not on {force}'s list; add it to `delivery_endpoints` of the force")]
    NotListed { force: String },
}

impl Endpoint {
    pub(crate) fn of(force: &ForceSettings, url: &str) -> Result<Endpoint, NotAllowed> {
        let slug = || force.slug.clone();
        let address =
            Address::parse(url).map_err(|unfit| NotAllowed::Unfit { force: slug(), unfit })?;
        let allowed = force.delivery_endpoints.iter().filter_map(|it| Address::parse(it).ok());
        if allowed.into_iter().any(|allowed| allowed.covers(&address)) {
            Ok(Endpoint { address })
        } else {
            Err(NotAllowed::NotListed { force: slug() })
        }
    }

    pub fn as_str(&self) -> &str {
        self.address.as_str()
    }
}
