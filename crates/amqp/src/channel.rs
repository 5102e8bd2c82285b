//! Channels, and messages as every part of this room sends them.

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, Queue};
use uuid::Uuid;

use super::Error;

pub(crate) const PERSISTENT: u8 = 2;

/// Every message has to reach a queue.
pub(crate) const MANDATORY: BasicPublishOptions =
    BasicPublishOptions { mandatory: true, immediate: false };

pub(crate) async fn open(connection: &Connection) -> Result<Channel, Error> {
    connection.create_channel().await.map_err(Error::Broken)
}

/// A channel on which the broker confirms what it has taken.
pub(crate) async fn confirming(connection: &Connection) -> Result<Channel, Error> {
    let channel = open(connection).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(Error::Broken)?;
    Ok(channel)
}

/// Looks at a queue without making it. A look that finds none closes the channel.
pub(crate) async fn look_at(channel: &Channel, queue: &str) -> Result<Queue, lapin::Error> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, FieldTable::default()).await
}

/// Publishes one message and waits; whether a queue has it. One at a time, so that a returned
/// message can only be this one.
pub(crate) async fn publish(
    channel: &Channel,
    exchange: &str,
    routing_key: &str,
    body: &[u8],
    properties: BasicProperties,
) -> Result<bool, Error> {
    let confirmation = channel
        .basic_publish(exchange.into(), routing_key.into(), MANDATORY, body, properties)
        .await
        .map_err(Error::Broken)?
        .await
        .map_err(Error::Broken)?;
    Ok(matches!(confirmation, Confirmation::Ack(None)))
}

/// What every message of the gateway's own carries.
pub(crate) fn properties(
    id: Uuid,
    type_name: &str,
    content_type: &str,
    at: jiff::Timestamp,
    user_id: Option<&str>,
) -> BasicProperties {
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(id.to_string().into())
        .with_type(type_name.into())
        .with_content_type(content_type.into())
        .with_timestamp(u64::try_from(at.as_second()).unwrap_or(0))
        .with_app_id("cara-gateway".into());
    said_by(properties, user_id)
}

/// With the user who speaks, which the broker checks; none where the certificate alone names it.
pub(crate) fn said_by(properties: BasicProperties, user_id: Option<&str>) -> BasicProperties {
    match user_id {
        Some(user) => properties.with_user_id(user.into()),
        None => properties,
    }
}
