//! What a newcomer would have to write by hand: secrets, mappings and a `gateway.toml`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::certificate::{self, CA_NAME, Certificates, force_name};
use super::endpoint;
use super::record::SHAPES;
use cara_amqp::definitions::Account;

/// The mappings that the binary carries, so that it works in an empty folder.
macro_rules! mapping_files {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../../../mappings/", $path)))),*]
    };
}

const MAPPINGS: &[(&str, &str)] = &mapping_files![
    "README.md",
    "avon-and-somerset/decision.toml",
    "avon-and-somerset/examples/amended.xml",
    "avon-and-somerset/examples/decision-all.xml",
    "avon-and-somerset/examples/full.xml",
    "avon-and-somerset/examples/minimal.xml",
    "avon-and-somerset/examples/notice-missed.xml",
    "avon-and-somerset/notice.toml",
    "avon-and-somerset/referral.toml",
    "base/occurrence-decision-xml.toml",
    "base/occurrence-notice-xml.toml",
    "base/occurrence-xml.toml",
    "cambridgeshire/decision.toml",
    "cambridgeshire/examples/decision-all.xml",
    "cambridgeshire/examples/full.xml",
    "cambridgeshire/examples/minimal.xml",
    "cambridgeshire/examples/notice-missed.xml",
    "cambridgeshire/notice.toml",
    "cambridgeshire/referral.toml",
    "dorset/decision.toml",
    "dorset/examples/amended.xml",
    "dorset/examples/decision-all.xml",
    "dorset/examples/full.xml",
    "dorset/examples/minimal.xml",
    "dorset/examples/notice-missed.xml",
    "dorset/notice.toml",
    "dorset/referral.toml",
    "hampshire/decision.toml",
    "hampshire/examples/amended.xml",
    "hampshire/examples/decision-others.xml",
    "hampshire/examples/decision-refused.xml",
    "hampshire/examples/decision-varied.xml",
    "hampshire/examples/full.xml",
    "hampshire/examples/held.xml",
    "hampshire/examples/minimal.xml",
    "hampshire/examples/notice-held.xml",
    "hampshire/examples/notice-missed.xml",
    "hampshire/examples/notice-non-compliance.xml",
    "hampshire/examples/refused.xml",
    "hampshire/notice.toml",
    "hampshire/referral.toml",
    "leicestershire/decision.toml",
    "leicestershire/examples/amended.csv",
    "leicestershire/examples/decision-others.csv",
    "leicestershire/examples/decision-refused.csv",
    "leicestershire/examples/decision-varied.csv",
    "leicestershire/examples/disagree.csv",
    "leicestershire/examples/full.csv",
    "leicestershire/examples/held.csv",
    "leicestershire/examples/minimal.csv",
    "leicestershire/examples/notice-held.csv",
    "leicestershire/examples/notice-missed.csv",
    "leicestershire/examples/notice-non-compliance.csv",
    "leicestershire/examples/refused.csv",
    "leicestershire/examples/several.csv",
    "leicestershire/notice.toml",
    "leicestershire/referral.toml",
    "norfolk/decision.toml",
    "norfolk/examples/amended.txt",
    "norfolk/examples/decision-held.txt",
    "norfolk/examples/decision-others.txt",
    "norfolk/examples/decision-refused.txt",
    "norfolk/examples/decision-varied.txt",
    "norfolk/examples/full.txt",
    "norfolk/examples/held.txt",
    "norfolk/examples/minimal.txt",
    "norfolk/examples/notice-held.csv",
    "norfolk/examples/notice-missed.csv",
    "norfolk/examples/notice-non-compliance.csv",
    "norfolk/examples/refused.txt",
    "norfolk/examples/several.txt",
    "norfolk/examples/unlisted.txt",
    "norfolk/notice.toml",
    "norfolk/referral.toml",
    "thames-valley/decision.toml",
    "thames-valley/examples/amended.xml",
    "thames-valley/examples/decision-all.xml",
    "thames-valley/examples/full.xml",
    "thames-valley/examples/minimal.xml",
    "thames-valley/examples/notice-missed.xml",
    "thames-valley/notice.toml",
    "thames-valley/referral.toml",
    "west-midlands/decision.toml",
    "west-midlands/examples/amended.json",
    "west-midlands/examples/decision-others.json",
    "west-midlands/examples/decision-refused.json",
    "west-midlands/examples/decision-varied.json",
    "west-midlands/examples/full.json",
    "west-midlands/examples/held.json",
    "west-midlands/examples/minimal.json",
    "west-midlands/examples/notice-held.json",
    "west-midlands/examples/notice-missed.json",
    "west-midlands/examples/notice-non-compliance.json",
    "west-midlands/examples/refused.json",
    "west-midlands/notice.toml",
    "west-midlands/referral.toml",
    "west-yorkshire/decision.toml",
    "west-yorkshire/examples/amended.xml",
    "west-yorkshire/examples/decision-all.xml",
    "west-yorkshire/examples/full.xml",
    "west-yorkshire/examples/minimal.xml",
    "west-yorkshire/examples/notice-missed.xml",
    "west-yorkshire/notice.toml",
    "west-yorkshire/referral.toml",
];

/// Where the gateway of the sandbox reaches the broker.
#[derive(Debug)]
pub struct BrokerAccess {
    /// Without user, password and virtual host.
    pub address: String,
    pub gateway: Account,
    /// The address is on another machine without TLS; the newcomer chose it.
    pub unencrypted: bool,
    /// The broker has one user for all: the charity reports as the gateway's.
    pub everybody_is_one: bool,
}

/// The addresses of the gateway.
#[derive(Debug)]
pub struct Addresses {
    pub api_port: u16,
    pub internal_port: u16,
    pub socket: PathBuf,
    /// Hampshire's endpoint.
    pub letters_to: String,
}

/// Writes the mappings that are not there yet: what a newcomer changed stays, but for the address
/// to which Hampshire's letters go, which is another one in every run.
pub fn write_mappings(folder: &Path, letters_to: &str) -> anyhow::Result<()> {
    for (name, text) in MAPPINGS.iter().copied() {
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        if !file.exists() {
            fs::write(&file, text)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
    }
    let file = folder.join(endpoint::FORCE).join("notice.toml");
    let text =
        fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let is_address = |line: &&str| {
        let address = line.trim_start().strip_prefix("to ").map(str::trim_start);
        address.is_some_and(|rest| rest.starts_with('='))
    };
    let Some(line) = text.lines().find(is_address) else { return Ok(()) };
    let changed = text.replacen(line, &format!("to         = {}", toml_text(letters_to)), 1);
    fs::write(&file, changed).with_context(|| format!("{} cannot be written", file.display()))
}

/// Writes the secrets and `gateway.toml` under `folder`; answers where the settings are.
pub fn write(
    folder: &Path,
    certificates: &Certificates,
    broker: &BrokerAccess,
    addresses: &Addresses,
) -> anyhow::Result<PathBuf> {
    let secrets = folder.join("secrets");
    cara_vault::create_secrets(&secrets)?;
    let password = broker.gateway.password.as_deref().unwrap_or_default();
    certificate::write(&secrets.join("broker.password"), password, 0o600)?;
    let text = text(folder, certificates, broker, addresses)?;
    let file = folder.join("gateway.toml");
    fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(file)
}

fn text(
    folder: &Path,
    certificates: &Certificates,
    broker: &BrokerAccess,
    addresses: &Addresses,
) -> anyhow::Result<String> {
    let server = certificates.paths("server");
    let quoted = |path: &Path| toml_text(&path.display().to_string());
    let within = |name: &str| quoted(&folder.join(name));
    let operator = nix::unistd::User::from_uid(nix::unistd::geteuid())?;
    let operator = operator.context("this process's user has no name")?.name;
    let mut text = format!(
        "# Written by `cara-sandbox` at every start. Only for made-up records.\n\n\
         [api]\nlisten = \"127.0.0.1:{api}\"\ncertificate = {certificate}\nkey = {key}\n\n\
         [internal]\nlisten = \"127.0.0.1:{internal}\"\n\n\
         [operators]\nsocket = {socket}\n\n\
         [[operators.user]]\nname = {operator}\nrole = \"administer\"\nvictims = true\n\n\
         [store]\npath = {store}\nanchor = {anchor}\ndisk_reserve_bytes = 67108864\n\n\
         [vault]\nepochs = {epochs}\nindex_key = {index}\naudit_key = {audit}\n\n\
         [broker]\nurls = [{address}]\nuser = {user}\npassword = {password}\n",
        api = addresses.api_port,
        certificate = quoted(&server.certificate),
        key = quoted(&server.key),
        internal = addresses.internal_port,
        socket = quoted(&addresses.socket),
        operator = toml_text(&operator),
        store = within("data/gateway.db"),
        anchor = within("secrets/store.anchor"),
        epochs = within("secrets/epochs"),
        index = within("secrets/index.key"),
        audit = within("secrets/audit.key"),
        address = toml_text(&broker.address),
        user = toml_text(&broker.gateway.name),
        password = within("secrets/broker.password"),
    );
    let outgoing = certificates.paths("gateway");
    if broker.unencrypted {
        text.push_str("unencrypted = true\n");
    }
    write!(
        text,
        "\n[mappings]\nfolder = {}\nactivate_changes = true\nsecond_operator = false\n\n\
         [delivery]\ncertificate = {}\nkey = {}\nca = {}\ntimeout_s = 10\n\n\
         [[ca]]\nname = \"{CA_NAME}\"\ncertificate = {}\ncrl = \"none\"\n",
        within("mappings"),
        quoted(&outgoing.certificate),
        quoted(&outgoing.key),
        quoted(&certificates.ca()),
        quoted(&certificates.ca()),
    )?;
    write_partners(&mut text, broker, addresses)?;
    Ok(text)
}

/// The providers and forces, each with its identity.
fn write_partners(
    text: &mut String,
    broker: &BrokerAccess,
    addresses: &Addresses,
) -> std::fmt::Result {
    for provider in providers() {
        write!(text, "\n[[provider]]\nslug = \"{provider}\"\n")?;
        if broker.everybody_is_one {
            let user = toml_text(&broker.gateway.name);
            write!(text, "intake_user = {user}\nvictims_user = {user}\n")?;
        }
    }
    for shape in &SHAPES {
        let (slug, code, provider) = (shape.force, shape.code, shape.provider);
        let endpoints = match slug == endpoint::FORCE {
            true => format!("delivery_endpoints = [{}]\n", toml_text(&addresses.letters_to)),
            false => String::new(),
        };
        write!(
            text,
            "\n[[force]]\nslug = \"{slug}\"\ncode = \"{code}\"\nprovider = \"{provider}\"\n\
             agreement_ref = \"ISA-{code}-SANDBOX\"\ncompliance_domains = [\"{slug}.example\"]\n\
             {endpoints}\n[[identity]]\nname = \"{slug}-records\"\nforces = [\"{slug}\"]\nsan = \"{}\"\n\
             ca = \"{CA_NAME}\"\n",
            force_name(slug)
        )?;
    }
    Ok(())
}

/// The providers of the sandbox's forces, each once.
pub fn providers() -> Vec<&'static str> {
    let mut slugs: Vec<_> = SHAPES.iter().map(|shape| shape.provider).collect();
    slugs.sort_unstable();
    slugs.dedup();
    slugs
}

/// A TOML basic string.
fn toml_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use cara_config::Settings;

    #[test]
    fn the_settings_that_are_written_are_valid() {
        let folder = std::env::temp_dir().join(format!("cara \"settings\" {}", std::process::id()));
        let certificates = Certificates::make(&folder.join("certs"), &["hampshire"]).unwrap();
        let broker = BrokerAccess {
            address: "amqp://127.0.0.1:5672".to_owned(),
            gateway: Account { name: "cara-gateway".to_owned(), password: Some("x".to_owned()) },
            unencrypted: false,
            everybody_is_one: true,
        };
        let addresses = Addresses {
            api_port: 1443,
            internal_port: 1091,
            socket: folder.join("socket"),
            letters_to: "https://localhost:1444/cara/inbox".to_owned(),
        };
        let text = text(&folder, &certificates, &broker, &addresses).unwrap();
        let read = Settings::read(&text, &folder.join("gateway.toml"), &BTreeMap::new());
        let settings = read.unwrap();
        assert_eq!(settings.forces.len(), 9);
        assert_eq!(settings.store.path, folder.join("data/gateway.db"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn every_file_of_the_mappings_is_carried() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                assert!(MAPPINGS.iter().any(|(carried, _)| *carried == name), "{name}");
            }
        }
    }
}
