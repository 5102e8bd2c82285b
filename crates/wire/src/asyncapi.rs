//! The AsyncAPI 3 document of everything that crosses the broker, from the provider's side: what it
//! receives and what it sends. Made from the kinds and schemas that write and read the messages.

use cara_domain::Compartment;
use serde_json::{Map, Value, json};

use super::event::CONTENT_TYPE;
use super::{MessageKind, outcome, reconciliation, rejection, schema};

/// How the document writes a schema's dialect.
const SCHEMA_FORMAT: &str = "application/schema+json;version=draft-2020-12";

/// One queue or exchange of a provider.
struct Channel {
    name: &'static str,
    /// With the provider's slug for `{provider}`.
    address: &'static str,
    /// The exchange that feeds the queue, or is published to.
    exchange: &'static str,
    /// The broker's user: `intake` or `victims` after the slug.
    user: &'static str,
    /// True: the provider reads it.
    is_read: bool,
    says: &'static str,
    messages: fn() -> Vec<Message>,
}

struct Message {
    name: String,
    type_name: String,
    summary: String,
    schema: Value,
    /// A file under `docs/schemas/samples`.
    sample: String,
}

const CHANNELS: [Channel; 6] = [
    Channel {
        name: "intake",
        address: "cara.intake.{provider}",
        exchange: "cara.referrals",
        user: "intake",
        is_read: true,
        says: "Referrals, decisions of police and recalls: no victim data.",
        messages: || events(Compartment::Offender),
    },
    Channel {
        name: "victims",
        address: "cara.victims.{provider}",
        exchange: "cara.victims",
        user: "victims",
        is_read: true,
        says: "The victim's side of each referral, and prompts to the victim worker.",
        messages: || events(Compartment::Victim),
    },
    Channel {
        name: "outcomes",
        address: "cara.outcomes.{provider}",
        exchange: "cara.outcomes.{provider}",
        user: "intake",
        is_read: false,
        says: "What the provider reports of the offender's side, and its day.",
        messages: || reports(Compartment::Offender),
    },
    Channel {
        name: "victim_outcomes",
        address: "cara.victim_outcomes.{provider}",
        exchange: "cara.victim_outcomes.{provider}",
        user: "victims",
        is_read: false,
        says: "What the provider reports of the victim's side, and its day.",
        messages: || reports(Compartment::Victim),
    },
    Channel {
        name: "rejected",
        address: "cara.rejected.{provider}",
        exchange: "cara.rejected",
        user: "intake",
        is_read: true,
        says: "Outcomes of the offender's side that could not be applied, and why.",
        messages: || vec![rejected(Compartment::Offender)],
    },
    Channel {
        name: "victim_rejected",
        address: "cara.victim_rejected.{provider}",
        exchange: "cara.victim_rejected",
        user: "victims",
        is_read: true,
        says: "Outcomes of the victim's side that could not be applied, and why.",
        messages: || vec![rejected(Compartment::Victim)],
    },
];

fn events(side: Compartment) -> Vec<Message> {
    let kinds = MessageKind::ALL.into_iter().filter(|kind| kind.compartment() == side);
    let message = |kind: MessageKind| {
        let schema = schema::of(kind);
        Message {
            name: kind.name().to_owned(),
            type_name: kind.type_name().to_owned(),
            summary: text(&schema, "description"),
            schema,
            sample: format!("{}.json", kind.name()),
        }
    };
    kinds.map(message).collect()
}

fn reports(side: Compartment) -> Vec<Message> {
    let schema = schema::of_outcome(side);
    let sample = match side {
        Compartment::Offender => "outcome.workshop_missed.json",
        Compartment::Victim => "outcome.victim_contact_status.json",
    };
    let outcome = Message {
        name: text(&schema, "title"),
        type_name: outcome::type_name(side).to_owned(),
        summary: text(&schema, "description"),
        schema,
        sample: sample.to_owned(),
    };
    let schema = schema::of_reconciliation();
    let day = Message {
        name: "reconciliation".to_owned(),
        type_name: reconciliation::TYPE_NAME.to_owned(),
        summary: text(&schema, "description"),
        schema,
        sample: "reconciliation.json".to_owned(),
    };
    vec![outcome, day]
}

fn rejected(side: Compartment) -> Message {
    let schema = schema::of_rejection();
    Message {
        name: match side {
            Compartment::Offender => "outcome.rejected".to_owned(),
            Compartment::Victim => "victim_outcome.rejected".to_owned(),
        },
        type_name: rejection::type_name(side).to_owned(),
        summary: text(&schema, "description"),
        schema,
        sample: "outcome.rejected.json".to_owned(),
    }
}

fn text(schema: &Value, name: &str) -> String {
    schema[name].as_str().unwrap_or_default().to_owned()
}

/// The whole document. `sample` reads one of the committed samples by its file's name.
pub fn document(sample: impl Fn(&str) -> Value) -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    for channel in &CHANNELS {
        let all = (channel.messages)();
        let refs: Map<_, _> = all
            .iter()
            .map(|it| {
                (it.name.clone(), json!({ "$ref": format!("#/components/messages/{}", it.name) }))
            })
            .collect();
        for message in &all {
            messages.insert(message.name.clone(), in_full(message, &sample));
        }
        let within: Vec<_> = refs
            .keys()
            .map(|name| json!({ "$ref": format!("#/channels/{}/messages/{name}", channel.name) }))
            .collect();
        channels.insert(channel.name.to_owned(), in_channel(channel, refs));
        let (action, verb) =
            if channel.is_read { ("receive", "read") } else { ("send", "publish") };
        operations.insert(
            format!("{verb}_{}", channel.name),
            json!({
                "action": action,
                "channel": { "$ref": format!("#/channels/{}", channel.name) },
                "summary": channel.says,
                "description": format!(
                    "As the broker's user `{{provider}}-{}`, and nobody else.", channel.user
                ),
                "messages": within,
                "bindings": { "amqp": operation_bindings(channel) },
            }),
        );
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "CARA gateway: messages for providers",
            "version": "1",
            "description": "CloudEvents 1.0 in structured mode over AMQP 0-9-1. Delivery is at \
                            least once: drop ids that you have seen. docs/messages.md says how \
                            versions change.",
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": { "broker": {
            "host": "{host}:5671",
            "protocol": "amqps",
            "protocolVersion": "0.9.1",
            "pathname": "/cara.{provider}",
            "description": "The path names the provider's own virtual host; its users enter no other.",
            "variables": {
                "host": { "description": "The broker's name." },
                "provider": { "description": "The provider's slug: `harbour`." },
            },
        } },
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages },
    })
}

fn in_channel(channel: &Channel, messages: Map<String, Value>) -> Value {
    let amqp = match channel.is_read {
        true => json!({
            "is": "queue",
            "queue": {
                "name": channel.address, "durable": true, "exclusive": false, "autoDelete": false,
            },
            "bindingVersion": "0.3.0",
        }),
        false => json!({
            "is": "routingKey",
            "exchange": {
                "name": channel.exchange, "type": "topic", "durable": true, "autoDelete": false,
            },
            "bindingVersion": "0.3.0",
        }),
    };
    json!({
        "address": channel.address,
        "description": format!("{} Exchange `{}`.", channel.says, channel.exchange),
        "servers": [{ "$ref": "#/servers/broker" }],
        "parameters": { "provider": { "description": "The provider's slug: `harbour`." } },
        "messages": messages,
        "bindings": { "amqp": amqp },
    })
}

fn operation_bindings(channel: &Channel) -> Value {
    match channel.is_read {
        true => json!({ "ack": true, "bindingVersion": "0.3.0" }),
        false => json!({
            "userId": format!("{{provider}}-{}", channel.user),
            "deliveryMode": 2,
            "mandatory": true,
            "bindingVersion": "0.3.0",
        }),
    }
}

fn in_full(message: &Message, sample: &impl Fn(&str) -> Value) -> Value {
    json!({
        "name": message.type_name,
        "title": message.name,
        "summary": message.summary,
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "description": "AMQP properties beside the body.",
            "properties": {
                "message_id": { "type": "string", "description": "The event's id." },
                "type": { "type": "string", "description": "The event's type." },
                "traceparent": {
                    "type": "string",
                    "description": "W3C trace context; only on messages from the gateway.",
                },
            },
        },
        "payload": {
            "schemaFormat": SCHEMA_FORMAT,
            "schema": {
                "type": "object",
                "required": ["specversion", "id", "source", "type", "data"],
                "properties": {
                    "specversion": { "const": "1.0" },
                    "id": { "type": "string", "description": "The same for every copy." },
                    "source": { "type": "string", "format": "uri-reference" },
                    "type": { "const": message.type_name },
                    "subject": { "type": "string", "description": "The referral's id." },
                    "time": { "type": "string", "format": "date-time" },
                    "datacontenttype": { "const": "application/json" },
                    "data": message.schema,
                },
            },
        },
        "examples": [{ "name": message.name, "payload": sample(&message.sample) }],
    })
}
