//! `sandbox.json` and what is printed: everything a program or a person needs to join in.

use std::io::Write;

use serde_json::{Value, json};

use super::settings::MEMBERS;
use super::world::World;
use crate::amqp::topology::Names;

/// Writes `sandbox.json`. Programs may wait for it: it appears when the gateway is ready.
pub(super) fn write(world: &World) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(&value(world))?;
    let path = world.folder.join("sandbox.json");
    let early = world.folder.join("sandbox.json.early");
    std::fs::write(&early, text)?;
    // Seen whole or not at all.
    std::fs::rename(early, path)?;
    Ok(())
}

fn value(world: &World) -> Value {
    let shown = |path: std::path::PathBuf| path.display().to_string();
    let providers = world.providers.iter().map(|(slug, intake_url, victims_url)| {
        let names = Names::of(slug);
        let value = json!({
            "intake_url": intake_url,
            "victims_url": victims_url,
            "queues": {
                "intake": names.intake,
                "victims": names.victims,
                "rejected": names.rejected,
            },
            "exchanges": {
                "outcomes": names.outcomes,
                "victim_outcomes": names.victim_outcomes,
            },
        });
        ((*slug).to_owned(), value)
    });
    let forces = MEMBERS.iter().map(|member| {
        let paths = world.certificates.paths(&format!("forces/{}", member.slug));
        let value = json!({
            "code": member.code,
            "cert": shown(paths.certificate),
            "key": shown(paths.key),
        });
        (member.slug.to_owned(), value)
    });
    json!({
        "api": world.api,
        "internal": world.internal,
        "socket": shown(world.folder.join("operators.sock")),
        "amqp": world.amqp,
        "providers": providers.collect::<serde_json::Map<_, _>>(),
        "ca": shown(world.certificates.ca()),
        "forces": forces.collect::<serde_json::Map<_, _>>(),
        "pids": { "gateway": world.gateway_pid(), "broker": world.broker_pid() },
    })
}

/// What a person reads, with a curl line that works when pasted.
pub(super) fn print(world: &World, out: &mut impl Write) -> anyhow::Result<()> {
    let folder = world.folder.display();
    let slugs: Vec<_> = MEMBERS.iter().map(|member| member.slug).collect();
    writeln!(out, "up: forces {}", slugs.join(", "))?;
    writeln!(out, "  API for forces    {}", world.api)?;
    writeln!(out, "  health, metrics   {}/readyz  {}/metrics", world.internal, world.internal)?;
    writeln!(out, "  all of it         {folder}/sandbox.json")?;
    writeln!(out, "send a record yourself:")?;
    let paths = world.certificates.paths("forces/hampshire");
    writeln!(
        out,
        "  curl --cacert {} --cert {} --key {} -H 'content-type: application/xml' \
         --data-binary @{folder}/mappings/hampshire/examples/full.xml {}/v1/records",
        world.certificates.ca().display(),
        paths.certificate.display(),
        paths.key.display(),
        world.api,
    )?;
    Ok(())
}
