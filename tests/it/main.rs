//! Every test that goes through the front door, and the tests of the source itself.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "a failing test says why")]
#![expect(clippy::disallowed_methods, reason = "tests look at the machine's clock from outside")]
#![expect(clippy::print_stdout, reason = "tables of faults are printed")]

mod accept;
mod amqp_permissions;
mod amqp_publish;
mod amqp_route;
mod amqp_schemas;
mod amqp_worker;
mod bad_input;
mod broker;
mod certificate;
mod certs_example;
mod charity;
mod compartment;
mod decide;
mod delivery;
mod edge;
mod evolution;
mod fairness;
mod fault;
mod follow;
mod golive;
mod growth;
mod handbook;
mod history;
mod hold;
mod house;
mod idle;
mod inflow;
mod letters;
mod mail;
mod order;
mod memory;
mod outcomes;
mod patience;
mod queue;
mod read_only;
mod record;
mod refused;
mod replay;
mod sandbox;
mod start_time;
mod supervise;
mod sweep;
mod tidy;
mod watch;
mod told;
mod way_back;
mod world;
