//! The broker: topology, a publisher that confirms, a consumer.
