//! Every test that goes through the front door, and the tests of the source itself.

mod amqp_schemas;
mod certs_example;
mod edge;
mod tidy;
