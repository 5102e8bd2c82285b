//! The settings and mappings of the small world, written into its folder.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::certificate::{CA_NAME, force_name};

/// A force of the small world.
pub struct Member {
    pub slug: &'static str,
    pub code: &'static str,
    pub provider: &'static str,
    mapping: &'static str,
    /// File name and content of each example that the mapping's tests name.
    examples: &'static [(&'static str, &'static [u8])],
}

macro_rules! example {
    ($force:literal, $($file:literal),*) => {
        &[$((
            concat!("examples/", $file),
            include_bytes!(concat!("../../mappings/", $force, "/examples/", $file)),
        )),*]
    };
}

pub static PROVIDERS: [&str; 2] = ["harbour", "fenland"];

pub static MEMBERS: [Member; 4] = [
    Member {
        slug: "hampshire",
        code: "44",
        provider: "harbour",
        mapping: include_str!("../../mappings/hampshire/referral.toml"),
        examples: example!(
            "hampshire",
            "full.xml",
            "amended.xml",
            "minimal.xml",
            "held.xml",
            "refused.xml"
        ),
    },
    Member {
        slug: "west-midlands",
        code: "20",
        provider: "harbour",
        mapping: include_str!("../../mappings/west-midlands/referral.toml"),
        examples: example!(
            "west-midlands",
            "full.json",
            "amended.json",
            "minimal.json",
            "held.json",
            "refused.json"
        ),
    },
    Member {
        slug: "leicestershire",
        code: "33",
        provider: "harbour",
        mapping: include_str!("../../mappings/leicestershire/referral.toml"),
        examples: example!(
            "leicestershire",
            "full.csv",
            "amended.csv",
            "minimal.csv",
            "held.csv",
            "refused.csv",
            "several.csv",
            "disagree.csv"
        ),
    },
    Member {
        slug: "norfolk",
        code: "36",
        provider: "fenland",
        mapping: include_str!("../../mappings/norfolk/referral.toml"),
        examples: example!(
            "norfolk",
            "full.txt",
            "amended.txt",
            "minimal.txt",
            "held.txt",
            "refused.txt",
            "several.txt",
            "unlisted.txt"
        ),
    },
];

/// How the gateway reaches its broker.
pub struct Broker<'a> {
    /// Without user and password.
    pub url: &'a str,
    pub user: &'a str,
    /// Relative to the folder.
    pub password: &'a str,
}

/// Writes `gateway.toml` and the mappings. A mapping that is there already stays: somebody may have
/// changed it to try something.
pub fn write(folder: &Path, api: u16, internal: u16, broker: &Broker<'_>) -> anyhow::Result<()> {
    for member in &MEMBERS {
        let own = folder.join("mappings").join(member.slug);
        std::fs::create_dir_all(own.join("examples"))
            .with_context(|| format!("{} cannot be made", own.display()))?;
        let files = member.examples.iter().copied();
        for (name, content) in files.chain([("referral.toml", member.mapping.as_bytes())]) {
            let path = own.join(name);
            if !path.exists() {
                std::fs::write(&path, content)?;
            }
        }
    }
    std::fs::write(folder.join("gateway.toml"), text(api, internal, broker)?)?;
    Ok(())
}

fn text(api: u16, internal: u16, broker: &Broker<'_>) -> anyhow::Result<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid())?;
    let user = user.context("this user has no name")?.name;
    let Broker { url, user: broker_user, password } = broker;
    let mut text = format!(
        "# Made by `cara-gateway sandbox`. Everything in it is on loopback and made up.\n\
         [api]\nlisten = \"127.0.0.1:{api}\"\ncertificate = \"certs/server.pem\"\n\
         key = \"certs/server.key\"\n\n\
         [internal]\nlisten = \"127.0.0.1:{internal}\"\n\n\
         [operators]\nsocket = \"operators.sock\"\n\n\
         [[operators.user]]\nname = \"{user}\"\nrole = \"administer\"\nvictims = true\n\n\
         [store]\npath = \"data/gateway.db\"\n\n\
         [vault]\nepochs = \"secrets/epochs\"\nindex_key = \"secrets/index.key\"\n\
         audit_key = \"secrets/audit.key\"\n\n\
         [broker]\nurls = [\"{url}\"]\nuser = \"{broker_user}\"\npassword = \"{password}\"\n\n\
         [mappings]\nfolder = \"mappings\"\n\n\
         [[ca]]\nname = \"{CA_NAME}\"\ncertificate = \"certs/ca.pem\"\ncrl = \"none\"\n"
    );
    for provider in PROVIDERS {
        write!(text, "\n[[provider]]\nslug = \"{provider}\"\n")?;
    }
    for Member { slug, code, provider, .. } in &MEMBERS {
        let san = force_name(slug);
        write!(
            text,
            "\n[[force]]\nslug = \"{slug}\"\ncode = \"{code}\"\nprovider = \"{provider}\"\n\
             agreement_ref = \"ISA-{code}-1\"\ncompliance_domains = [\"{slug}.example\"]\n\n\
             [[identity]]\nname = \"{slug}-records\"\nforces = [\"{slug}\"]\nsan = \"{san}\"\n\
             ca = \"{CA_NAME}\"\n"
        )?;
    }
    Ok(text)
}
