//! Every test that goes through the front door, and the tests of the source itself.

mod amqp_permissions;
mod amqp_publish;
mod amqp_schemas;
mod broker;
mod certs_example;
mod edge;
mod tidy;
