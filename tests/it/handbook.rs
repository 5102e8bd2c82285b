//! The handbook says what the program says: every command in it is run, in order, in one folder
//! with a running gateway, and answers what the handbook shows. `CARA_WRITE=1` renews the answers.

mod page;

use std::path::Path;
use std::process::{Command, Stdio};

use page::{Block, Page};

use crate::world::{TestGateway, World};

const HANDBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mapping-handbook.md");

/// Runs one line as a person would type it, in the gateway's folder.
fn typed(gateway: &TestGateway, line: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_cara-gateway"));
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("{} 2>&1", line.replace("https://localhost:8443", &gateway.api)))
        .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
        .current_dir(&gateway.folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    // Whoever runs the test is the operator that the page names.
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name;
    let said = String::from_utf8(output.stdout).unwrap();
    said.replace(&format!("  {user}: "), "  ops: ").replace(&format!(" {user} asked"), " ops asked")
}

#[tokio::test]
async fn every_command_of_the_handbook_answers_what_it_shows() {
    let text = std::fs::read_to_string(HANDBOOK).unwrap();
    let mut page = Page::read(&text);
    let world = World {
        newcomer: Some(("cumbria", "03")),
        provider: Some("harbour".to_owned()),
        ..World::default()
    };
    let gateway = world.start().await;
    gateway
        .authority
        .client("records.cumbria.example", 300)
        .write(&gateway.folder.join("certs"), "cumbria");
    let export = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/handbook");
    crate::world::copy(&export, &gateway.folder.join("export"));
    let (mut said, mut id) = (0, String::new());
    for block in &mut page.blocks {
        match block {
            Block::Prose(_) => {}
            Block::Edit { file, changes, .. } => {
                let path = gateway.folder.join(&*file);
                let before = std::fs::read_to_string(&path).unwrap();
                let after = page::edited(&before, changes);
                std::fs::write(&path, after.unwrap_or_else(|why| panic!("{file}: {why}"))).unwrap();
            }
            Block::Console { answers } => {
                for answer in answers {
                    let now = typed(&gateway, &answer.command.replace(" ID ", &format!(" {id} ")));
                    id = page::last_id(&now).unwrap_or(id);
                    said += 1;
                    if std::env::var_os("CARA_WRITE").is_some() {
                        answer.output = now;
                        continue;
                    }
                    assert_eq!(
                        page::settled(&now),
                        page::settled(&answer.output),
                        "$ {} (CARA_WRITE=1 renews the handbook)",
                        answer.command
                    );
                }
            }
        }
    }
    assert!(said > 10, "the handbook shows {said} commands");
    if std::env::var_os("CARA_WRITE").is_some() {
        std::fs::write(HANDBOOK, page.to_string()).unwrap();
    }
}
