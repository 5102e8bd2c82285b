//! What happens to the broker.

use cara_amqp::topology::vhost;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use lapin::options::ExchangeDeleteOptions;
use lapin::{Connection, ConnectionProperties};
use nix::sys::signal::Signal;

use super::place::{Place, send};
use super::row::Fault;
use crate::broker::{ADMINISTRATOR, GATEWAY};

const AWAY: &[&str] = &["incident broker_away", "readyz broker"];

pub const FAULTS: &[Fault] = &[
    Fault::of(
        "broker_killed",
        AWAY,
        |place| async { tokio::task::block_in_place(|| place.broker.kill()) }.boxed_local(),
        start_again,
    )
    .in_smoke(),
    Fault::of(
        "broker_stopped",
        AWAY,
        |place| async { tokio::task::block_in_place(|| place.broker.stop()) }.boxed_local(),
        start_again,
    ),
    Fault::of(
        "broker_paused",
        AWAY,
        |place| async { send(Signal::SIGSTOP, place.broker.pid()) }.boxed_local(),
        |place| async { send(Signal::SIGCONT, place.broker.pid()) }.boxed_local(),
    ),
    Fault::of("intake_queue_deleted", ROUTE, |place| delete(place, "intake"), imported),
    Fault::of("outcomes_queue_deleted", UNREAD, |place| delete(place, "outcomes"), imported),
    // The queue is there again at once, with nobody on it.
    Fault::of("consumer_cancelled", UNREAD, cancel, imported),
    Fault::of("exchange_deleted", ROUTE, delete_exchange, imported),
    Fault::of(
        "rights_taken",
        &["incident broker_refuses", "incident route_closed", "incident queue_mismatch"],
        |place| {
            async {
                let of = vhost(&place.gateway.provider);
                place.control(&["set_permissions", "-p", &of, GATEWAY, "^$", "^$", "^$"]);
                close_all(place);
            }
            .boxed_local()
        },
        imported,
    ),
    Fault::of(
        "password_changed",
        &["incident broker_refuses"],
        |place| {
            async {
                place.control(&["change_password", GATEWAY, "another"]);
                close_all(place);
            }
            .boxed_local()
        },
        imported,
    ),
    Fault::of(
        "memory_alarm",
        BLOCKED,
        |place| {
            async { place.control(&["set_vm_memory_high_watermark", "0.000001"]) }.boxed_local()
        },
        |place| async { place.control(&["set_vm_memory_high_watermark", "0.4"]) }.boxed_local(),
    ),
    Fault::of(
        "disk_alarm",
        BLOCKED,
        |place| async { place.control(&["set_disk_free_limit", "100000000000000"]) }.boxed_local(),
        |place| async { place.control(&["set_disk_free_limit", "50000000"]) }.boxed_local(),
    ),
    // The new cases of one force close the channel; the others' go on.
    Fault::of(
        "channel_closed_for_some",
        &["incident message_set_aside", "incident route_closed"],
        one_force_refused,
        |place| {
            async {
                let of = vhost(&place.gateway.provider);
                place.control(&["clear_topic_permissions", "-p", &of, GATEWAY]);
                imported(place).await;
            }
            .boxed_local()
        },
    ),
];

const ROUTE: &[&str] =
    &["incident layout_missing", "incident route_closed", "incident message_set_aside"];
const UNREAD: &[&str] = &["incident layout_missing", "incident outcomes_unread"];
const BLOCKED: &[&str] = &["readyz broker", "incident broker_refuses", "incident backlog_old"];

fn start_again(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async { tokio::task::block_in_place(|| place.broker.start_again()) }.boxed_local()
}

/// What the pages of the incidents say: the definitions are imported again, what the queues may have
/// lost with the broker is sent again, and the charity says again what it has no answer to.
fn imported(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        let file = place.broker.definitions();
        place.control(&["import_definitions", &file.display().to_string()]);
        let provider = place.gateway.provider.clone();
        let since = (jiff::Timestamp::now() - jiff::SignedDuration::from_mins(5)).to_string();
        let because = ["--because", "its queue was deleted"];
        let resend = ["resend", "--provider", &provider, "--since", &since];
        place.order(&[&resend[..], &because[..]].concat()).await;
        place.ledger.book(|book| book.reported.retain(|it| book.round.contains_key(it)));
    }
    .boxed_local()
}

fn close_all(place: &Place) {
    let of = vhost(&place.gateway.provider);
    place.control(&["close_all_connections", "-p", &of, "rights have changed"]);
}

fn delete<'p>(place: &'p mut Place, queue: &'static str) -> LocalBoxFuture<'p, ()> {
    async move {
        let provider = &place.gateway.provider;
        let of = vhost(provider);
        place.control(&["delete_queue", "-p", &of, &format!("cara.{queue}.{provider}")]);
    }
    .boxed_local()
}

fn cancel(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        delete(place, "outcomes").await;
        let file = place.broker.definitions();
        place.control(&["import_definitions", &file.display().to_string()]);
    }
    .boxed_local()
}

fn delete_exchange(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        let url = place.broker.url(ADMINISTRATOR, &place.gateway.provider);
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let options = ExchangeDeleteOptions::default();
        channel.exchange_delete("cara.referrals".into(), options).await.unwrap();
    }
    .boxed_local()
}

fn one_force_refused(place: &mut Place) -> LocalBoxFuture<'_, ()> {
    async {
        let of = vhost(&place.gateway.provider);
        let others = r"^[^.]+\.(20|33|36)\..*";
        let line = ["set_topic_permissions", "-p", &of, GATEWAY, "cara.referrals", others, ".*"];
        place.control(&line);
        // A channel remembers what it was allowed.
        close_all(place);
    }
    .boxed_local()
}
